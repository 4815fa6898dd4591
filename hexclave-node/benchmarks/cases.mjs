// What is compared: each case is a function that does one operation, and gives something if it went well.

import { SignJWT, createLocalJWKSet, jwtVerify } from "jose";

import { createSupabaseMinter, createVerifier } from "hexclave-node";

import { PROJECT, claimsOf, projectKey, sign } from "../test/tokens.mjs";

const TOKENS = 5000;
const SECRET = "super-secret-jwt-token-with-at-least-32-characters-long";

/** By name what each case is. */
export const CASES = {
  mint: "**hexclave-node**, `mint(user)`",
  "mint-token": "**hexclave-node**, `mint(token)`, the token known",
  "mint-cached": "**hexclave-node**, `mint(user)` with `cache`",
  "jose-mint": "jose, `SignJWT` as in the guide",
  "jose-mint-key": "jose, `SignJWT`, key imported once",
  new: "**hexclave-node**, `verifyAccessToken`, new",
  "jose-verify": "jose, `jwtVerify` with a local set",
  known: "**hexclave-node**, `verifyAccessToken`, 5,000 known tokens in turn",
  "known-one": "**hexclave-node**, `verifyAccessToken`, one known token",
  request: "**hexclave-node**, `userFromRequest`, 5,000 known tokens in turn",
};

/** Title, case, compared with, at least. */
export const GATES = [
  ["Minting ÷ jose's `SignJWT` as in the guide", "mint", "jose-mint", 10],
  ["Verifying a new token ÷ jose's `jwtVerify`", "new", "jose-verify", 1.8],
  ["Verifying a known token ÷ jose's `jwtVerify`", "known", "jose-verify", 30],
];

export async function prepare() {
  const key = await projectKey("benchmark-key");
  const lasting = { exp: claimsOf().iat + 24 * 3600 };
  const claims = Array.from({ length: TOKENS }, (_, number) =>
    claimsOf("normal", { ...lasting, email: `ada+${number}@example.com` }),
  );
  const tokens = await Promise.all(claims.map((said) => sign(key, said)));
  const requests = tokens.map((token) => ({ headers: new Headers({ authorization: `Bearer ${token}` }) }));
  const token = (count) => tokens[count % TOKENS];

  const project = { projectId: PROJECT, keys: { normal: key.jwks } };
  const remembering = createVerifier(project);
  const forgetful = createVerifier({ ...project, cachedTokens: 0 });
  for (const known of tokens) await remembering.verifyAccessToken(known);
  const user = await remembering.verifyAccessToken(tokens[0]);
  const minter = createSupabaseMinter({ secret: SECRET, verifier: remembering });
  const caching = createSupabaseMinter({ secret: SECRET, cache: true });

  const set = createLocalJWKSet(key.jwks);
  const expected = { issuer: claims[0].iss, audience: claims[0].aud };
  const guide = (secret) =>
    new SignJWT({ sub: user.id, role: "authenticated" })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(secret);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", new TextEncoder().encode(SECRET), algorithm, false, ["sign"]);

  return {
    mint: () => minter.mint(user),
    "mint-token": (count) => minter.mint(token(count)),
    "mint-cached": () => caching.mint(user),
    "jose-mint": () => guide(new TextEncoder().encode(SECRET)),
    "jose-mint-key": () => guide(imported),
    new: async (count) => (await forgetful.verifyAccessToken(token(count))).id,
    "jose-verify": async (count) => (await jwtVerify(token(count), set, expected)).payload.sub,
    known: async (count) => (await remembering.verifyAccessToken(token(count))).id,
    "known-one": async () => (await remembering.verifyAccessToken(tokens[0])).id,
    request: async (count) => (await remembering.userFromRequest(requests[count % TOKENS])).id,
  };
}
