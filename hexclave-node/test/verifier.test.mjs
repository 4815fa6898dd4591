import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { ForbiddenError, TokenError, User, createVerifier } from "hexclave-node";
import { SignJWT } from "jose";

import { PROJECT, USER, claimsOf, projectKey, sign } from "./tokens.mjs";

const keys = {
  normal: await projectKey("normal-key"),
  restricted: await projectKey("restricted-key"),
  anonymous: await projectKey("anonymous-key"),
};
const documents = Object.fromEntries(Object.entries(keys).map(([kind, { jwks }]) => [kind, jwks]));
const verifier = createVerifier({ projectId: PROJECT, keys: documents });
const token = await sign(keys.normal, claimsOf());

const refused =
  (code, status, type = TokenError) =>
  (error) => {
    assert.ok(error instanceof type, error);
    assert.deepEqual([error.code, error.status, error.retryable], [code, status, false]);
    return true;
  };

test("a token's user is proven, and says what the token says", async () => {
  const user = await verifier.verifyAccessToken(token);
  const claims = claimsOf();
  assert.ok(user instanceof User);
  assert.equal(user.id, USER);
  assert.equal(user.projectId, PROJECT);
  assert.equal(user.kind, "normal");
  assert.equal(user.restrictedReason, null);
  assert.equal(user.sessionId, claims.refresh_token_id);
  assert.equal(user.name, "Ada");
  assert.equal(user.email, "ada@example.com");
  assert.equal(user.emailVerified, true);
  assert.equal(user.selectedTeamId, claims.selected_team_id);
  assert.ok(user.signedUpAt instanceof Date);
  assert.equal(user.requiresTotpMfa, false);
  assert.equal(user.issuer, claims.iss);
  assert.equal(user.expiresAt - user.issuedAt, 600_000);
  assert.equal(user.signedUpAt.getTime() / 1000, user.claims.signed_up_at);
  assert.equal(user.claims.role, "authenticated");

  const bare = await sign(keys.normal, claimsOf("normal", { name: null, email: null, selected_team_id: null }));
  const nobody = await verifier.verifyAccessToken(bare);
  assert.deepEqual([nobody.name, nobody.email, nobody.selectedTeamId], [null, null, null]);
});

test("a verified token gives the same again", async () => {
  const [first, second] = [await verifier.verifyAccessToken(token), await verifier.verifyAccessToken(token)];
  assert.notEqual(first, second);
  assert.deepEqual(first.claims, second.claims);
});

test("kinds of users come in where they are let in", async () => {
  for (const kind of ["restricted", "anonymous"]) {
    const of = await sign(keys[kind], claimsOf(kind));
    await assert.rejects(verifier.verifyAccessToken(of), refused("kind_not_accepted", 403, ForbiddenError));
    const open = createVerifier({ projectId: PROJECT, keys: documents, acceptedKinds: ["normal", kind] });
    const user = await open.verifyAccessToken(of);
    assert.equal(user.kind, kind);
    assert.equal(user.restrictedReason, kind === "anonymous" ? "anonymous" : "email_not_verified");
  }
});

test("what is not Hexclave's word is refused, each for its reason", async () => {
  const stranger = await projectKey("normal-key");
  const [header, payload, signature] = token.split(".");
  const flipped = `${signature[0] === "A" ? "B" : "A"}${signature.slice(1)}`;
  const none = Buffer.from('{"alg":"none","kid":"normal-key"}').toString("base64url");
  const hs256 = await new SignJWT(claimsOf())
    .setProtectedHeader({ alg: "HS256", kid: "normal-key" })
    .sign(Buffer.from(JSON.stringify(keys.normal.jwks)));
  const cases = [
    ["", "token_missing"],
    ["not a token", "token_malformed"],
    [`${token}\u0000`, "token_malformed"],
    [`${token}\ud800`, "token_malformed"],
    // Would be the token itself if code units were cut to bytes.
    [String.fromCharCode(token.charCodeAt(0) + 0x100) + token.slice(1), "token_malformed"],
    ["x".repeat(17_000), "token_too_large"],
    [`${header}.${payload}.${flipped}`, "invalid_signature"],
    [`${none}.${payload}.`, "unsupported_algorithm"],
    [hs256, "unsupported_algorithm"],
    [await sign(stranger, claimsOf()), "invalid_signature"],
    [await sign({ ...keys.normal, kid: "unknown" }, claimsOf()), "unknown_key"],
    [await sign(keys.anonymous, claimsOf()), "key_kind_mismatch"],
    [
      await sign(keys.normal, claimsOf("normal", { exp: claimsOf().iat - 60, iat: claimsOf().iat - 660 })),
      "token_expired",
    ],
    [await sign(keys.normal, claimsOf("normal", { iat: claimsOf().iat + 300 })), "not_yet_valid"],
    [await sign(keys.normal, claimsOf("normal", { aud: "somebody else" })), "audience_mismatch"],
    [await sign(keys.normal, claimsOf("normal", { iss: "https://example.com" })), "issuer_mismatch"],
    [await sign(keys.normal, claimsOf("normal", { is_anonymous: true })), "inconsistent_claims"],
  ];
  for (const [bad, code] of cases) {
    await assert.rejects(verifier.verifyAccessToken(bad), refused(code, 401), code);
  }
  const expired = await verifier
    .verifyAccessToken(cases.find(([, code]) => code === "token_expired")[0])
    .catch((e) => e);
  assert.equal(expired.expired, true);
  assert.match(inspect(expired), /^TokenError: the token expired \d+ seconds ago/);
});

test("the leeway is what it was said to be", async () => {
  const late = await sign(keys.normal, claimsOf("normal", { exp: claimsOf().iat - 30, iat: claimsOf().iat - 630 }));
  const patient = createVerifier({ projectId: PROJECT, keys: documents, leewaySeconds: 60 });
  assert.equal((await patient.verifyAccessToken(late)).id, USER);
  await assert.rejects(verifier.verifyAccessToken(late), refused("token_expired", 401));
});

test("a token is text", async () => {
  for (const bad of [undefined, null, 5, Buffer.from(token), { toString: () => token }]) {
    await assert.rejects(verifier.verifyAccessToken(bad), {
      name: "TypeError",
      code: "ERR_INVALID_ARG_TYPE",
      message: "verifyAccessToken: `token` should be a string",
    });
  }
});

test("a verifier tells how it is set up and how its keys are", async () => {
  assert.equal(
    inspect(verifier, { breakLength: Infinity }),
    `Verifier { projectId: '${PROJECT}', apiUrl: 'https://api.hexclave.com', acceptedKinds: [ 'normal' ] }`,
  );
  assert.deepEqual(JSON.parse(JSON.stringify(verifier)).acceptedKinds, ["normal"]);
  assert.deepEqual(verifier.keyHealth(), { state: "fresh", ageSeconds: null, lastError: null });
  await verifier.warmUp();

  const kept = verifier.projectKeys();
  assert.deepEqual(Object.keys(kept), ["normal", "restricted", "anonymous"]);
  const next = createVerifier({ projectId: PROJECT, keys: kept });
  assert.equal((await next.verifyAccessToken(token)).id, USER);
});

test("a user shows ids and kind, and nothing personal", async () => {
  const user = await verifier.verifyAccessToken(token);
  const shown = `${inspect(user, { depth: 9, showHidden: true })}${JSON.stringify({ user })}${String(user)}`;
  assert.match(shown, new RegExp(USER));
  for (const hidden of ["Ada", "ada@", token, "refresh"]) assert.ok(!shown.includes(hidden), shown);
});
