// Tokens as Hexclave signs them, for tests of what no server has to be asked for.

import { SignJWT, exportJWK, generateKeyPair } from "jose";

export const PROJECT = "11111111-2222-4333-8444-555555555555";
export const USER = "22222222-2222-4222-8222-222222222222";
export const API = "https://api.hexclave.com";

const AUDIENCES = { normal: "", restricted: ":restricted", anonymous: ":anon" };
const PATHS = { normal: "projects", restricted: "projects-restricted-users", anonymous: "projects-anonymous-users" };

/** A key of a project: what signs, and the public half as a JWKS document. */
export async function projectKey(kid) {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  return { kid, privateKey, jwks: { keys: [{ ...(await exportJWK(publicKey)), kid, alg: "ES256" }] } };
}

/** What Hexclave says of a user of some kind; `over` replaces members. */
export function claimsOf(kind = "normal", over = {}) {
  const now = Math.floor(Date.now() / 1000);
  const isRestricted = kind !== "normal";
  const reasons = { normal: null, restricted: { type: "email_not_verified" }, anonymous: { type: "anonymous" } };
  return {
    sub: USER,
    iss: `${API}/api/v1/${PATHS[kind]}/${PROJECT}`,
    aud: PROJECT + AUDIENCES[kind],
    iat: now,
    exp: now + 600,
    project_id: PROJECT,
    branch_id: "main",
    refresh_token_id: "33333333-3333-4333-8333-333333333333",
    role: "authenticated",
    name: "Ada",
    email: "ada@example.com",
    email_verified: true,
    selected_team_id: "44444444-4444-4444-8444-444444444444",
    signed_up_at: now - 3600,
    is_anonymous: kind === "anonymous",
    is_restricted: isRestricted,
    restricted_reason: reasons[kind],
    requires_totp_mfa: false,
    ...over,
  };
}

export const sign = ({ kid, privateKey }, claims) =>
  new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid }).sign(privateKey);
