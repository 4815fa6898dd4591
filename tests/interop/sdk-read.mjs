import { StackClientApp } from "@stackframe/js";
import { array, object, run } from "./program.mjs";
import { project } from "./sdk-program.mjs";

await run("sdk-read", async (input) => {
  const app = new StackClientApp({ ...project(input), tokenStore: "memory" });
  const users = [];
  for (const [index, request] of array(input.requests, "requests").entries()) {
    const headers = object(request, `requests[${index}]`);
    users.push(await user(app, new Headers(headers)));
  }
  return { users };
});
process.exit();

/** Whom a JavaScript backend sees. */
async function user(app, headers) {
  try {
    return (await app.getUser({ tokenStore: { headers } }))?.id ?? null;
  } catch (error) {
    return { error: String(error?.message ?? error) };
  }
}
