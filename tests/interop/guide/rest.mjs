// "Other Backend Setup (REST API)" and the page "REST API Authentication": requests with the headers that they name.
import { array, object, run, string } from "../program.mjs";

await run("guide/rest", async (input) => {
  const base = string(input.baseUrl, "baseUrl");
  const answers = [];
  for (const [index, asked] of array(input.requests, "requests").entries()) {
    const { path, headers } = object(asked, `requests[${index}]`);
    const response = await fetch(`${base}/api/v1${path}`, { headers });
    answers.push({ status: response.status, body: await response.json() });
  }
  return { answers };
});
