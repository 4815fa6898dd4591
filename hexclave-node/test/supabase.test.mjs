import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { test } from "node:test";
import { inspect } from "node:util";

import {
  ConfigurationError,
  ForbiddenError,
  TokenError,
  User,
  createSupabaseMinter,
  createVerifier,
  supabaseJwks,
} from "hexclave-node";
import { createLocalJWKSet, decodeProtectedHeader, exportJWK, generateKeyPair, jwtVerify } from "jose";

import { PROJECT, USER, claimsOf, projectKey, sign } from "./tokens.mjs";

const SECRET = "super-secret-jwt-token-with-at-least-32-characters-long";
const TEAM = "44444444-4444-4444-8444-444444444444";

const [normal, anonymous] = [await projectKey("normal-key"), await projectKey("anonymous-key")];
const keys = { normal: normal.jwks, anonymous: anonymous.jwks };
const verifier = createVerifier({ projectId: PROJECT, keys, acceptedKinds: ["normal", "anonymous"] });
const token = await sign(normal, claimsOf());
const user = await verifier.verifyAccessToken(token);
const guest = await verifier.verifyAccessToken(await sign(anonymous, claimsOf("anonymous")));

const minterOf = (options) => createSupabaseMinter({ secret: SECRET, verifier, ...options });
const payloadOf = async (jwt) => (await jwtVerify(jwt, Buffer.from(SECRET), { audience: "authenticated" })).payload;

test("a minted token is what the guide's is, and jose verifies it", async () => {
  const jwt = await minterOf().mint(user);
  assert.deepEqual(decodeProtectedHeader(jwt), { alg: "HS256" });
  const { iat, exp, ...claims } = await payloadOf(jwt);
  assert.deepEqual(claims, { sub: USER, role: "authenticated", aud: "authenticated", is_anonymous: false });
  assert.equal(exp - iat, 3600);
});

test("an access token is verified first, and null stands for nobody", async () => {
  const minter = minterOf();
  assert.equal((await payloadOf(await minter.mint(token))).sub, USER);
  assert.equal(await minter.mint(null), null);
  const forged = `${token.slice(0, -6)}AAAAAA`;
  await assert.rejects(
    minter.mint(forged),
    (error) => error instanceof TokenError && error.code === "invalid_signature",
  );
  await assert.rejects(minter.mint(""), TokenError);
});

test("nothing but a proven user is taken for one", async () => {
  const minter = minterOf();
  class Forged extends User {}
  const forgeries = [
    { id: USER, projectId: PROJECT, kind: "normal" },
    { ...user },
    Object.create(User.prototype),
    Object.setPrototypeOf({ id: USER }, User.prototype),
    Object.create(user),
    new Proxy(user, {}),
    structuredClone(user),
    JSON.parse(JSON.stringify(user)),
    verifier,
    minter,
    undefined,
    7,
    [],
  ];
  for (const forgery of forgeries) {
    await assert.rejects(minter.mint(forgery), { name: "TypeError", message: /^mint: `userOrToken` should be a User/ });
  }
  assert.throws(() => new User(), /made by verification only/);
  assert.throws(() => new Forged(), /made by verification only/);
  assert.throws(() => Object.getOwnPropertyDescriptor(User.prototype, "id").get.call({}), TypeError);
});

test("kinds of users get a token where they are to get one", async () => {
  await assert.rejects(minterOf().mint(guest), (error) => {
    assert.ok(error instanceof ForbiddenError);
    assert.deepEqual([error.code, error.status, error.retryable], ["kind_not_accepted", 403, false]);
    return true;
  });
  const jwt = await minterOf({ acceptedKinds: ["normal", "anonymous"] }).mint(guest);
  assert.equal((await payloadOf(jwt)).is_anonymous, true);
});

test("claims are those of the options and of the call", async () => {
  const minter = minterOf({
    email: true,
    aal: true,
    appMetadata: true,
    roles: ["manager"],
    lifetimeSeconds: 60,
    backdateSeconds: 30,
  });
  const { iat, exp, ...claims } = await payloadOf(
    await minter.mint(user, {
      role: "manager",
      teams: [TEAM],
      permissions: ["write"],
      teamPermissions: { [TEAM]: ["read"] },
      userMetadata: { picture: "ada.png", none: undefined },
      claims: { plan: "pro", seats: 3, since: new Date(0) },
    }),
  );
  assert.equal(exp - iat, 90);
  assert.deepEqual(claims, {
    sub: USER,
    role: "manager",
    aud: "authenticated",
    is_anonymous: false,
    email: "ada@example.com",
    aal: "aal1",
    app_metadata: {
      project_id: PROJECT,
      selected_team_id: TEAM,
      teams: [TEAM],
      permissions: ["write"],
      team_permissions: { [TEAM]: ["read"] },
    },
    user_metadata: { picture: "ada.png" },
    plan: "pro",
    seats: 3,
    since: "1970-01-01T00:00:00.000Z",
  });
});

test("claims and roles that may not be are refused", async () => {
  const minter = minterOf();
  for (const [claims, code, type] of [
    [{ role: "manager" }, "role_not_allowed", ForbiddenError],
    [{ role: "service_role" }, "role_not_allowed", ForbiddenError],
    [{ claims: { role: "service_role" } }, "claim_not_allowed", ConfigurationError],
    [{ claims: { note: "a\0b" } }, "claim_not_allowed", ConfigurationError],
    [{ claims: { long: "x".repeat(5000) } }, "claims_too_large", ConfigurationError],
    [{ teams: ["no id"] }, "invalid_config", ConfigurationError],
  ]) {
    await assert.rejects(minter.mint(user, claims), (error) => error instanceof type && error.code === code, code);
  }
  assert.throws(() => minterOf({ roles: ["service_role"] }), /option `roles`/);
});

test("a token need not outlive the one that it was made from", async () => {
  const { exp } = await payloadOf(await minterOf({ untilSourceExpires: true }).mint(user));
  assert.equal(exp, user.expiresAt.getTime() / 1000);
});

test("tokens are given out again, if they say the same", async () => {
  // No two signatures of ES256 are the same.
  const key = { jwk: { ...(await privateJwk("ES256")), kid: "of-es256" } };
  const [anew, again] = [createSupabaseMinter({ key }), createSupabaseMinter({ key, cache: true })];
  assert.notEqual(await anew.mint(user), await anew.mint(user));
  assert.equal(await again.mint(user), await again.mint(user));
  assert.notEqual(await again.mint(user), await again.mint(user, { claims: { plan: "pro" } }));
  const impatient = createSupabaseMinter({ key, cache: { tokens: 10, marginSeconds: 3600 } });
  assert.notEqual(await impatient.mint(user), await impatient.mint(user));
});

test("imported keys sign with their names", async () => {
  for (const alg of ["ES256", "RS256"]) {
    const jwk = { ...(await privateJwk(alg)), kid: `of-${alg}` };
    for (const form of [jwk, JSON.stringify(jwk)]) {
      const minter = createSupabaseMinter({ key: { jwk: form }, verifier });
      assert.deepEqual([minter.algorithm, minter.keyId], [alg, `of-${alg}`]);
      const { d, p, q, dp, dq, qi, ...publicJwk } = jwk;
      const set = createLocalJWKSet({ keys: [{ ...publicJwk, alg }] });
      assert.equal((await jwtVerify(await minter.mint(user), set)).payload.sub, USER);
    }
  }
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  const jwt = await createSupabaseMinter({ key: { pem, keyId: "of-pem" } }).mint(user);
  assert.deepEqual(decodeProtectedHeader(jwt), { alg: "ES256", kid: "of-pem" });
  await jwtVerify(jwt, publicKey);

  const sharedSecret = randomBytes(32);
  const shared = await createSupabaseMinter({ key: { sharedSecret, keyId: "shared" } }).mint(user);
  await jwtVerify(shared, sharedSecret);
});

test("the keys of minters are published by their public halves, shared secrets where they may be", async () => {
  const project = createVerifier({ projectId: PROJECT, keys });
  const jwk = { ...(await privateJwk("ES256")), kid: "of-es256" };
  const shared = { sharedSecret: randomBytes(32), keyId: "shared" };
  const text = await supabaseJwks({ verifier: project, keys: [{ jwk }] });
  assert.ok(!text.includes(jwk.d));
  const minted = await createSupabaseMinter({ key: { jwk } }).mint(user);
  await jwtVerify(minted, createLocalJWKSet(JSON.parse(text).custom_jwks));

  const selfHosted = JSON.parse(await supabaseJwks({ verifier: project, for: "self-hosted", keys: [{ jwk }, shared] }));
  assert.deepEqual(
    selfHosted.keys.map(({ kid }) => kid),
    ["normal-key", "of-es256", "shared"],
  );
  await assert.rejects(supabaseJwks({ verifier: project, keys: [shared] }), { code: "invalid_key" });
  await assert.rejects(supabaseJwks({ verifier: project, keys: [{ jwk: { kty: "EC" } }] }), /option `keys`/);
});

test("a minter is not made of what cannot be, and no error shows a secret", () => {
  for (const [options, message] of [
    [{ secret: "hidden" }, /option `secret`.*6 bytes/],
    [{ secret: "hidden-hidden-hidden-hidden-hidden-hidden\n" }, /option `secret`.*line break/],
    [{ key: { jwk: { kty: "oct", k: "hidden" } } }, /option `key`/],
    [{ key: { pem: "hidden", keyId: "a" } }, /option `key`.*PEM/],
    [{ secret: SECRET, lifetimeSeconds: 0 }, /option `lifetimeSeconds`.*at least 1/],
    [{ secret: SECRET, lifetimeSeconds: 90_000 }, /option `lifetimeSeconds`.*at most 86400/],
    [{ secret: SECRET, lifetimeSeconds: Number.NaN }, /option `lifetimeSeconds`.*not a number of seconds/],
    [{ secret: SECRET, backdateSeconds: -1 }, /option `backdateSeconds`/],
    [{ secret: SECRET, acceptedKinds: ["guest"] }, /option `acceptedKinds`.*"guest" is not a kind of user/],
    [{ secret: SECRET, acceptedKinds: [] }, /option `acceptedKinds`/],
    [{ secret: SECRET, cache: { tokens: 1.5 } }, /option `cache.tokens`/],
  ]) {
    assert.throws(
      () => createSupabaseMinter(options),
      (error) => {
        assert.ok(error instanceof ConfigurationError, error);
        assert.deepEqual([error.status, error.retryable], [500, false]);
        assert.match(error.message, message);
        assert.ok(!inspect(error, { depth: 9 }).includes("hidden"), error);
        return true;
      },
    );
  }
  for (const [options, message] of [
    [{ secret: 7 }, /the option `secret` should be a string/],
    [{ secert: SECRET }, /the option `secert` should be one of those that are known: secret/],
    [{ secret: SECRET, key: { jwk: {} } }, /`secret` or `key`, not both/],
    [{ key: { pem: "hidden" } }, /the option `key` should be an object with `jwk`/],
    [{ key: "hidden" }, /the option `key`/],
    [{ lifetimeSeconds: "60" }, /the option `lifetimeSeconds` should be a number/],
    [{ verifier: { verifyAccessToken: async () => user } }, /the option `verifier` should be a Verifier/],
    [{ verifier: Object.create(verifier) }, /the option `verifier` should be a Verifier/],
    [{ constructor: "hidden" }, /the option `constructor` should be one of those that are known/],
    ["hidden", /the options should be an object/],
  ]) {
    assert.throws(
      () => createSupabaseMinter(options),
      (error) => {
        assert.ok(error instanceof TypeError, error);
        assert.equal(error.code, "ERR_INVALID_ARG_TYPE");
        assert.match(error.message, message);
        assert.ok(!inspect(error).includes("hidden"), error);
        return true;
      },
    );
  }
});

test("a minter shows its key's name and no secret", () => {
  const minter = minterOf();
  const shown = inspect(minter, { depth: 9, showHidden: true }) + JSON.stringify(minter);
  assert.match(shown, /^SupabaseMinter \{\s+algorithm: 'HS256',\s+keyId: null/);
  assert.ok(!shown.includes(SECRET));
});

async function privateJwk(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return exportJWK(privateKey);
}
