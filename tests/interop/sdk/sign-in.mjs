// Signing up and in with a password, as a guest, and as a guest who becomes a user.
import assert from "node:assert/strict";
import { run } from "../program.mjs";
import { clientApp, end, ok, refusal } from "./apps.mjs";

const password = "correct horse";

await run("sign-in.mjs", async (input) => {
  const app = clientApp(input);
  assert.equal(await app.getUser(), null);

  const signUp = (email, password) =>
    app.signUpWithCredential({ email, password, noRedirect: true, noVerificationCallback: true });
  assert.equal(refusal(await signUp("ada@example.com", "short")), "PASSWORD_TOO_SHORT");
  assert.equal(refusal(await signUp("ada@example.com", "x".repeat(71))), "PASSWORD_TOO_LONG");
  ok(await signUp("ada@example.com", password));
  const ada = await app.getUser({ or: "throw" });
  assert.equal(ada.primaryEmail, "ada@example.com");
  assert.equal(ada.primaryEmailVerified, false);
  assert.equal(ada.hasPassword, true);
  assert.equal(ada.isAnonymous, false);
  assert.equal(ada.isRestricted, false);
  await ada.signOut();
  assert.equal(await app.getUser(), null);
  assert.equal(refusal(await signUp("ADA@example.com", password)), "USER_EMAIL_ALREADY_EXISTS");

  const signIn = (email, password) => app.signInWithCredential({ email, password, noRedirect: true });
  assert.equal(refusal(await signIn("ada@example.com", "wrong horse")), "EMAIL_PASSWORD_MISMATCH");
  assert.equal(refusal(await signIn("bob@example.com", password)), "EMAIL_PASSWORD_MISMATCH");
  ok(await signIn("ada@example.com", password));
  assert.equal((await app.getUser()).id, ada.id);

  const guests = clientApp(input);
  assert.equal(await guests.getUser({ or: "anonymous-if-exists[deprecated]" }), null);
  const guest = await guests.getUser({ or: "anonymous" });
  assert.equal(guest.isAnonymous, true);
  assert.deepEqual(guest.restrictedReason, { type: "anonymous" });
  assert.equal(await guests.getUser(), null);
  assert.equal((await guests.getUser({ or: "anonymous" })).id, guest.id);
  const guestTokens = await guest.currentSession.getTokens();
  ok(await guests.signUpWithCredential({
    email: "guest@example.com",
    password,
    noRedirect: true,
    noVerificationCallback: true,
  }));
  const upgraded = await guests.getUser({ or: "throw" });
  assert.equal(upgraded.id, guest.id);
  assert.equal(upgraded.isAnonymous, false);
  assert.equal(upgraded.primaryEmail, "guest@example.com");

  return { ada: ada.id, guest: guest.id, guestRefreshToken: guestTokens.refreshToken };
});
end();
