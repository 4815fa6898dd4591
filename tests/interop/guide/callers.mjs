// A page and a backend as the guides for JavaScript write them. The page calls a backend of ours, too.
import { browser } from "../browser.mjs";
import { run, string } from "../program.mjs";

await run("guide/callers", async (input) => {
  // "Setting up the project": two variables, and where the local Hexclave is.
  process.env.HEXCLAVE_PROJECT_ID = string(input.projectId, "projectId");
  process.env.HEXCLAVE_SECRET_SERVER_KEY = string(input.secretServerKey, "secretServerKey");
  process.env.HEXCLAVE_API_URL = string(input.baseUrl, "baseUrl");
  browser(new URL("http://127.0.0.1:3000/"));
  const { hexclaveClientApp, hexclaveServerApp } = await import("./apps.mjs");
  const backend = string(input.backend, "backend");

  // "Update callers with header & get user"
  const headers = async () => {
    const authorizationHeader = await hexclaveClientApp.getAuthorizationHeader();
    return {
      ...(authorizationHeader ? { Authorization: authorizationHeader } : {}),
    };
  };
  const theirBackend = async (request) => {
    const user = await hexclaveServerApp.getUser({ tokenStore: request });
    if (!user) {
      return new Response("nobody", { status: 401 });
    }
    return new Response("Hello, " + user.displayName, { headers: { "Cache-Control": "private, no-store" } });
  };
  // "Send the user's access token to your backend", of the guides for Python and other languages
  const accessTokenHeader = async () => {
    const { accessToken } = await hexclaveClientApp.getAuthJson();
    return accessToken ? { "x-stack-access-token": accessToken } : {};
  };
  // "you can use getAuthJson() instead"
  const rpcCall = async () => ({
    data: {
      auth: await hexclaveClientApp.getAuthJson(),
    },
  });
  const theirRpc = async ({ data }) => {
    const user = await hexclaveServerApp.getUser({ tokenStore: data.auth });
    return user ? "Hello, " + user.displayName : "nobody";
  };
  const ourRpc = async (call) => {
    const response = await fetch(`${backend}/rpc`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(call),
    });
    return response.text();
  };

  const ask = async () => ({
    header: [
      await answer(await fetch(`${backend}/hello`, { headers: await headers() })),
      await answer(await theirBackend(new Request(`${backend}/hello`, { headers: await headers() }))),
    ],
    accessToken: await answer(await fetch(`${backend}/hello`, { headers: await accessTokenHeader() })),
    cookies: await answer(await fetch(`${backend}/page`, { headers: { cookie: document.cookie } })),
    rpc: [await ourRpc(await rpcCall()), await theirRpc(await rpcCall())],
  });
  const signedOut = await ask();
  const [email, password] = ["ada@example.com", "correct horse"];
  await hexclaveServerApp.createUser({
    primaryEmail: email,
    primaryEmailAuthEnabled: true,
    password,
    displayName: "Ada",
  });
  const result = await hexclaveClientApp.signInWithCredential({ email, password, noRedirect: true });
  if (result.status !== "ok") {
    throw new Error(`sign-in failed: ${result.error}`);
  }
  return { signedOut, signedIn: await ask() };
});
process.exit();

async function answer(response) {
  return {
    status: response.status,
    text: response.ok ? await response.text() : null,
    cacheControl: response.headers.get("cache-control"),
  };
}
