// "Connect Convex clients to Hexclave": Convex's three clients, with the SDK's callbacks, and what they send to Convex.
import { once } from "node:events";
import { createServer } from "node:http";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { ConvexReactClient } from "convex/react";
import { anyApi } from "convex/server";
import ws, { WebSocketServer } from "ws";
import { run, string } from "../program.mjs";

await run("guide/convex-clients", async (input) => {
  process.env.HEXCLAVE_PROJECT_ID = string(input.projectId, "projectId");
  process.env.HEXCLAVE_API_URL = string(input.baseUrl, "baseUrl");
  const { HexclaveClientApp } = await import("@stackframe/js");
  const options = { tokenStore: "memory", analytics: { enabled: false }, devTool: false };
  const hexclaveClientApp = new HexclaveClientApp(options);
  const [email, password] = [string(input.email, "email"), string(input.password, "password")];
  const result = await hexclaveClientApp.signInWithCredential({ email, password, noRedirect: true });
  if (result.status !== "ok") {
    throw new Error(`sign-in failed: ${result.error}`);
  }

  const convex = await deployment();
  const sockets = { webSocketConstructor: ws, unsavedChangesWarning: false, logger: false };
  const convexClient = new ConvexClient(convex.url, sockets);
  convexClient.setAuth(hexclaveClientApp.getConvexClientAuth({}));
  const browser = await convex.authenticated();
  await convexClient.close();

  const convexReactClient = new ConvexReactClient(convex.url, sockets);
  convexReactClient.setAuth(hexclaveClientApp.getConvexClientAuth({}));
  const react = await convex.authenticated();
  await convexReactClient.close();

  const requestObject = { headers: new Headers({ authorization: await hexclaveClientApp.getAuthorizationHeader() }) };
  const convexHttpClient = new ConvexHttpClient(convex.url, { logger: false });
  convexHttpClient.setAuth(await hexclaveClientApp.getConvexHttpClientAuth({ tokenStore: requestObject }));
  await convexHttpClient.query(anyApi.notes.list, {});
  return { browser, react, http: convex.authorizations };
});
process.exit();

/** A deployment that answers each query with null, and keeps what it was told about its callers. */
async function deployment() {
  const authorizations = [];
  const tokens = [];
  let told = () => {};
  const server = createServer((request, response) => {
    authorizations.push(request.headers.authorization ?? null);
    request.resume();
    response.setHeader("content-type", "application/json").end('{"status":"success","value":null,"logLines":[]}');
  });
  new WebSocketServer({ server }).on("connection", (socket) => {
    socket.on("message", (text) => {
      const message = JSON.parse(text);
      if (message.type === "Authenticate" && message.tokenType === "User") {
        tokens.push(message.value);
        told();
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    authorizations,
    async authenticated() {
      if (tokens.length === 0) {
        await new Promise((resolve) => {
          told = resolve;
        });
      }
      return tokens.splice(0)[0];
    },
  };
}
