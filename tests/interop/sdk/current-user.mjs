// The current user in every form that the SDK has, for each kind of user.
import assert from "node:assert/strict";
import { run } from "../program.mjs";
import { clientApp, end, ok, rejection, serverApp } from "./apps.mjs";

const password = "correct horse";

await run("current-user.mjs", async (input) => {
  const server = serverApp(input);
  const app = clientApp(input);

  // The project demands a verified address, so whoever signs up is restricted at first.
  ok(await app.signUpWithCredential({
    email: "ada@example.com",
    password,
    noRedirect: true,
    noVerificationCallback: true,
  }));
  assert.equal(await app.getUser(), null);
  assert.equal(await app.getUser({ or: "return-null" }), null);
  await assert.rejects(app.getUser({ or: "throw" }));
  const restricted = await app.getUser({ includeRestricted: true });
  assert.equal(restricted.isRestricted, true);
  assert.deepEqual(restricted.restrictedReason, { type: "email_not_verified" });
  const partial = await app.getPartialUser({ from: "token" });
  assert.equal(partial.id, restricted.id);
  assert.equal(partial.primaryEmail, "ada@example.com");
  assert.equal(partial.primaryEmailVerified, false);
  assert.equal(partial.isRestricted, true);
  assert.deepEqual(partial.restrictedReason, { type: "email_not_verified" });
  assert.deepEqual(await app.getAuthJson(), { accessToken: null, refreshToken: null });

  // Who may not come in is sent to where that can be changed.
  const sentTo = async (tokenStore) => {
    const visited = [];
    const redirectMethod = { navigate: (url) => visited.push(url), useNavigate: () => undefined };
    const sending = clientApp(input, { tokenStore, redirectMethod });
    const user = await sending.getUser({ or: "redirect" });
    assert.notEqual(user?.isRestricted, false);
    return visited;
  };
  assert.deepEqual(await sentTo("memory"), ["/handler/sign-in"]);
  assert.deepEqual(await sentTo(await restricted.currentSession.getTokens()), ["/handler/onboarding"]);
  assert.equal(await app.getAuthorizationHeader(), null);

  // The server verifies the address; the next token says so.
  const onServer = await server.getUser(restricted.id);
  await onServer.update({ primaryEmailVerified: true });
  const convex = app.getConvexClientAuth({});
  const token = await convex({ forceRefreshToken: true });
  assert.equal(await convex({ forceRefreshToken: false }), token);
  const ada = await app.getUser({ or: "throw" });
  assert.equal(ada.isRestricted, false);
  assert.equal(ada.primaryEmailVerified, true);

  // What the user may change, and what it may only read.
  await ada.update({ displayName: "Ada", clientMetadata: { theme: "dark" }, profileImageUrl: null });
  await onServer.update({
    clientReadOnlyMetadata: { plan: "pro" },
    serverMetadata: { stripe: "cus_1" },
  });
  await (await app.getUser()).setDisplayName("Ada Lovelace");
  const again = await clientApp(input, { tokenStore: await ada.getAuthJson() }).getUser({ or: "throw" });
  assert.equal(again.displayName, "Ada Lovelace");
  assert.deepEqual(again.clientMetadata, { theme: "dark" });
  assert.deepEqual(again.clientReadOnlyMetadata, { plan: "pro" });
  assert.equal("serverMetadata" in again, false);
  assert.deepEqual((await serverApp(input).getUser(ada.id)).serverMetadata, { stripe: "cus_1" });

  // Everything that carries the user elsewhere.
  const authJson = await app.getAuthJson();
  assert.deepEqual(authJson, await ada.getAuthJson());
  const header = await app.getAuthorizationHeader();
  const { "x-stack-auth": authHeader } = await app.getAuthHeaders();
  const http = await app.getConvexHttpClientAuth({ tokenStore: authJson });
  assert.equal(http, authJson.accessToken);
  assert.equal(await clientApp(input).getConvexHttpClientAuth({ tokenStore: "memory" }), "");
  assert.equal(await clientApp(input).getConvexClientAuth({})({ forceRefreshToken: false }), null);
  for (const headers of [{ authorization: header }, { "x-stack-auth": authHeader }]) {
    const request = { headers: new Headers(headers) };
    assert.equal((await server.getUser({ tokenStore: request })).id, ada.id);
    const seen = await server.getPartialUser({ from: "token", tokenStore: request });
    assert.equal(seen.id, ada.id);
  }
  assert.equal(await server.getUser({ tokenStore: { headers: new Headers() } }), null);

  // Guests, and administrators' restrictions.
  const guests = clientApp(input);
  const guest = await guests.getUser({ or: "anonymous" });
  assert.equal(await guests.getPartialUser({ from: "token" }), null);
  assert.equal(await server.getUser({ tokenStore: await guest.getAuthJson() }), null);
  const guestSeen = await server.getUser({ tokenStore: await guest.getAuthJson(), or: "anonymous" });
  assert.equal(guestSeen.id, guest.id);
  assert.equal((await server.getUser(guest.id)).isAnonymous, true);
  await (await server.getUser(ada.id)).update({ restrictedByAdmin: true, restrictedByAdminReason: "spam" });
  await convex({ forceRefreshToken: true });
  const banned = await app.getUser({ includeRestricted: true });
  assert.deepEqual(banned.restrictedReason, { type: "restricted_by_administrator" });

  // A user who is deleted is nobody.
  await banned.delete().catch(() => undefined);
  assert.equal(await server.getUser(ada.id), null);
  assert.equal(await rejection(clientApp({ ...input, publishableClientKey: "pck_wrong" }).getProject()), "INVALID_PUBLISHABLE_CLIENT_KEY");
  assert.equal(
    await rejection(serverApp({ ...input, secretServerKey: "ssk_wrong" }).listUsers()),
    "INVALID_SECRET_SERVER_KEY",
  );
  return { ada: ada.id, authJson, token };
});
end();
