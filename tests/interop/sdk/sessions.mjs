// Sessions: many of one user, revoked, signed out of, changed under their user's feet, and with a second factor.
import assert from "node:assert/strict";
import { generateTOTP } from "@oslojs/otp";
import { run } from "../program.mjs";
import { clientApp, end, ok, refusal, rejection, serverApp } from "./apps.mjs";

const password = "correct horse";
const credential = { email: "ada@example.com", password, noRedirect: true };

await run("sessions.mjs", async (input) => {
  const server = serverApp(input);
  const ada = await server.createUser({
    primaryEmail: "ada@example.com",
    primaryEmailAuthEnabled: true,
    primaryEmailVerified: true,
    password,
  });
  const laptop = clientApp(input);
  const phone = clientApp(input);
  ok(await laptop.signInWithCredential(credential));
  ok(await phone.signInWithCredential(credential));

  const onLaptop = await laptop.getUser({ or: "throw" });
  const sessions = await onLaptop.getActiveSessions();
  assert.equal(sessions.length, 2);
  assert.ok(sessions.every((session) => session.userId === ada.id && !session.isImpersonation));
  const [current] = sessions.filter((session) => session.isCurrentSession);
  const [other] = sessions.filter((session) => !session.isCurrentSession);
  assert.equal(await rejection(onLaptop.revokeSession(current.id)), "CANNOT_DELETE_CURRENT_SESSION");

  // The phone's session is revoked: its next refresh finds nobody.
  await onLaptop.revokeSession(other.id);
  assert.equal(await phone.getConvexClientAuth({})({ forceRefreshToken: true }), null);
  assert.equal(await phone.getUser(), null);
  assert.equal((await onLaptop.getActiveSessions()).length, 1);

  // A session that the server opens, and what it has looks like one that a sign-in opened.
  const opened = await ada.createSession({ expiresInMillis: 60_000 });
  const tokens = await opened.getTokens();
  const elsewhere = clientApp(input, { tokenStore: tokens });
  assert.equal((await elsewhere.getUser({ or: "throw" })).id, ada.id);
  assert.equal((await ada.getActiveSessions()).length, 2);

  // The SDK does not say whose session a server revokes, which the API demands.
  const [some] = await ada.getActiveSessions();
  assert.equal(await rejection(ada.revokeSession(some.id)), "SCHEMA_ERROR");

  // Signing out ends the session at once, although its access token lives on.
  const laptopTokens = await onLaptop.currentSession.getTokens();
  await onLaptop.signOut();
  assert.equal(await laptop.getUser(), null);
  const left = clientApp(input, { tokenStore: { accessToken: null, refreshToken: laptopTokens.refreshToken } });
  assert.equal(await left.getUser(), null);

  // A password that the user changes ends every session but the one it was changed in.
  ok(await laptop.signInWithCredential(credential));
  const changing = await laptop.getUser({ or: "throw" });
  const change = (oldPassword, newPassword) => changing.updatePassword({ oldPassword, newPassword });
  assert.equal((await change("wrong horse", "right horse")).errorCode, "PASSWORD_CONFIRMATION_MISMATCH");
  assert.equal((await change(password, "short")).errorCode, "PASSWORD_TOO_SHORT");
  assert.equal(await change(password, "right horse"), undefined);
  assert.equal((await changing.getActiveSessions()).length, 1);
  assert.equal(await change("right horse", password), undefined);

  // One that the server changes ends them all.
  await ada.update({ password: "battery staple" });
  const gone = clientApp(input, { tokenStore: { accessToken: null, refreshToken: tokens.refreshToken } });
  assert.equal(await gone.getUser(), null);
  assert.equal(refusal(await laptop.signInWithCredential(credential)), "EMAIL_PASSWORD_MISMATCH");

  // A second factor. The SDK redirects a browser to a page that asks for it; here the code is asked for directly.
  const secret = new TextEncoder().encode("12345678901234567890");
  await ada.update({ totpMultiFactorSecret: secret });
  const asked = await fetch(`${input.baseUrl}/api/v1/auth/password/sign-in`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-hexclave-access-type": "client",
      "x-hexclave-project-id": input.projectId,
    },
    body: JSON.stringify({ email: "ada@example.com", password: "battery staple" }),
  });
  const { code, details } = await asked.json();
  assert.equal(code, "MULTI_FACTOR_AUTHENTICATION_REQUIRED");
  const show = (totp) => laptop.signInWithMfa(totp, details.attempt_code, { noRedirect: true });
  assert.equal(refusal(await show("000000x")), "INVALID_TOTP_CODE");
  // A code may end between being made and being shown.
  let shown = await show(generateTOTP(secret, 30, 6));
  if (shown.status === "error") {
    shown = await show(generateTOTP(secret, 30, 6));
  }
  ok(shown);
  const withFactor = await laptop.getUser({ or: "throw" });
  assert.equal(withFactor.id, ada.id);
  assert.equal(withFactor.isMultiFactorRequired, true);
  assert.equal(refusal(await show(generateTOTP(secret, 30, 6))), "VERIFICATION_CODE_ALREADY_USED");
  return { ada: ada.id };
});
end();
