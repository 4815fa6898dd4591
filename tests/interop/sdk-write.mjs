import { stringifyCookie } from "cookie";
import { browser } from "./browser.mjs";
import { run, string } from "./program.mjs";
import { project } from "./sdk-program.mjs";

await run("sdk-write", async (input) => {
  const options = project(input);
  const email = string(input.email, "email");
  const password = string(input.password, "password");
  const jar = input.page === undefined ? undefined : browser(new URL(string(input.page, "page")));

  const { StackClientApp } = await import("@stackframe/js");
  const app = new StackClientApp({ ...options, tokenStore: jar ? "cookie" : "memory" });
  const result = await app.signInWithCredential({ email, password, noRedirect: true });
  if (result.status !== "ok") {
    throw new Error(`sign-in failed: ${result.error}`);
  }
  const user = await app.getUser({ or: "throw" });
  const decoded = (value) => decodeURIComponent(value);
  return {
    userId: user.id,
    authJson: await user.getAuthJson(),
    authorization: await user.getAuthorizationHeader(),
    authHeaders: await user.getAuthHeaders(),
    // As the SDK writes them in a browser, and as the cookies of server frameworks are written.
    cookies: jar && {
      browser: [...jar].map(([name, value]) => `${name}=${value}`).join("; "),
      server: stringifyCookie(Object.fromEntries([...jar].map(([name, value]) => [name, decoded(value)]))),
    },
  };
});
process.exit();
