import { object, string } from "./program.mjs";

/** What `new StackClientApp(…)` needs, from the input. */
export function project(input) {
  object(input, "the document");
  return {
    baseUrl: string(input.apiUrl, "apiUrl"),
    projectId: string(input.projectId, "projectId"),
    // A project without this key is served too, but the SDK then wants it from the environment.
    publishableClientKey: string(input.publishableClientKey, "publishableClientKey"),
    // No connections but those of the test.
    analytics: { enabled: false },
    devTool: false,
  };
}
