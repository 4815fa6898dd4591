// Logging in at a command line by way of a browser.
import assert from "node:assert/strict";
import { run } from "../program.mjs";
import { clientApp, end, ok, rejection, serverApp } from "./apps.mjs";

await run("cli-login.mjs", async (input) => {
  const browser = clientApp(input);
  ok(await browser.signUpWithCredential({
    email: "ada@example.com",
    password: "correct horse",
    noRedirect: true,
    noVerificationCallback: true,
  }));
  const ada = await browser.getUser({ or: "throw" });
  const { refreshToken } = await ada.currentSession.getTokens();
  const complete = (body) =>
    fetch(`${input.baseUrl}/api/v1/auth/cli/complete`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-hexclave-access-type": "client",
        "x-hexclave-project-id": input.projectId,
        "x-hexclave-publishable-client-key": input.publishableClientKey,
      },
      body: JSON.stringify(body),
    });

  // The terminal prints a link; the browser confirms after the terminal has asked a few times.
  const terminal = serverApp(input);
  const login = (options = {}) => {
    let printed;
    const link = new Promise((resolve) => {
      printed = resolve;
    });
    const result = terminal.promptCliLogin({
      appUrl: "http://localhost:3000",
      waitTimeMillis: 10,
      promptLink: (link, code) => printed({ link, code }),
      ...options,
    });
    return { link, result };
  };
  const waiting = login();
  const { link, code } = await waiting.link;
  const url = new URL(link);
  assert.equal(url.origin, "http://localhost:3000");
  assert.equal(url.searchParams.get("login_code"), code);
  const check = await complete({ login_code: code, mode: "check" });
  assert.deepEqual(await check.json(), { cli_session_state: "none" });
  const done = await complete({ login_code: code, refresh_token: refreshToken });
  assert.deepEqual(await done.json(), { success: true });
  const delivered = ok(await waiting.result);
  assert.equal(delivered, refreshToken);
  assert.equal((await complete({ login_code: code, mode: "check" })).status, 400);
  const user = await terminal.getUser({ tokenStore: { accessToken: null, refreshToken: delivered } });
  assert.equal(user.id, ada.id);

  // Nobody confirms.
  const expired = await login({ expiresInMillis: 1 }).result;
  assert.equal(expired.error.errorCode, "CLI_AUTH_EXPIRED_ERROR");
  const impatient = await login({ maxAttempts: 2 }).result;
  assert.equal(impatient.error.errorCode, "CLI_AUTH_ERROR");
  assert.equal(await rejection(login({ expiresInMillis: 900_001 }).result), "SCHEMA_ERROR");

  // The terminal has had a guest: the browser may go on as that guest, once.
  const guest = await clientApp(input).getUser({ or: "anonymous" });
  const { refreshToken: guestToken } = await guest.currentSession.getTokens();
  const asGuest = login({ anonRefreshToken: guestToken });
  const { code: guestCode } = await asGuest.link;
  assert.deepEqual(await (await complete({ login_code: guestCode, mode: "check" })).json(), {
    cli_session_state: "anonymous",
  });
  const claimed = await (await complete({ login_code: guestCode, mode: "claim-anon-session" })).json();
  assert.equal(claimed.refresh_token, guestToken);
  const twice = await complete({ login_code: guestCode, mode: "claim-anon-session" });
  assert.equal(twice.status, 400);
  const restricted = await complete({ login_code: guestCode, refresh_token: guestToken });
  assert.equal(restricted.headers.get("x-hexclave-known-error"), "RESTRICTED_USER_NOT_ALLOWED");
  await complete({ login_code: guestCode, refresh_token: refreshToken });
  assert.equal(ok(await asGuest.result), refreshToken);
  return { ada: ada.id };
});
end();
