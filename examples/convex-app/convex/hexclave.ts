// Tells a Convex function which user of the Hexclave project 11111111-2222-4333-8444-555555555555 calls it.
// Made by `hexclave-bridge convex helper`: run that again instead of editing this file.
import type { Auth } from "convex/server";

const projectId = "11111111-2222-4333-8444-555555555555";

/** The issuers of the project's tokens, and to whom they issue them. */
const issuers: ReadonlyMap<string, HexclaveUserKind> = new Map([
  ["https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555", "normal"],
  ["https://api.hexclave.com/api/v1/projects-restricted-users/11111111-2222-4333-8444-555555555555", "restricted"],
  ["https://api.hexclave.com/api/v1/projects-anonymous-users/11111111-2222-4333-8444-555555555555", "anonymous"],
  ["https://api.stack-auth.com/api/v1/projects/11111111-2222-4333-8444-555555555555", "normal"],
  ["https://api.stack-auth.com/api/v1/projects-restricted-users/11111111-2222-4333-8444-555555555555", "restricted"],
  ["https://api.stack-auth.com/api/v1/projects-anonymous-users/11111111-2222-4333-8444-555555555555", "anonymous"],
]);

/** Signed in; signed in but held back, for instance by an unverified e-mail; or a guest who has not signed up. */
export type HexclaveUserKind = "normal" | "restricted" | "anonymous";

interface AboutUser {
  /**
   * The key for everything that you store about the user. It stays the same when a guest signs up, when a user is
   * restricted, and when clients turn to another host of the API. `identity.tokenIdentifier` changes each time: never
   * store anything under it.
   */
  readonly key: string;
  readonly id: string;
  readonly projectId: string;
  readonly displayName: string | null;
  /** Not unique within a project. */
  readonly primaryEmail: string | null;
  readonly primaryEmailVerified: boolean;
  readonly isMultiFactorRequired: boolean;
  readonly selectedTeamId: string | null;
}

interface NormalUser extends AboutUser {
  readonly kind: "normal";
  readonly isAnonymous: false;
  readonly isRestricted: false;
  readonly restrictedReason: null;
}

interface RestrictedUser extends AboutUser {
  readonly kind: "restricted";
  readonly isAnonymous: false;
  readonly isRestricted: true;
  readonly restrictedReason: {
    readonly type: "email_not_verified" | "restricted_by_administrator" | (string & {});
  };
}

interface AnonymousUser extends AboutUser {
  readonly kind: "anonymous";
  readonly isAnonymous: true;
  readonly isRestricted: true;
  readonly restrictedReason: { readonly type: "anonymous" };
}

/** The user who calls, as of the access token: what it says may be some minutes old. */
export type HexclaveUser<Kind extends HexclaveUserKind = HexclaveUserKind> = Extract<
  NormalUser | RestrictedUser | AnonymousUser,
  { readonly kind: Kind }
>;

export type HexclaveUserErrorCode =
  | "signed_out"
  | "kind_not_accepted"
  | "foreign_identity"
  | "inconsistent_identity"
  | "invalid_identity";

/** Why somebody may not come in. Clients see it as a `ConvexError` with this `data`. */
export class HexclaveUserError extends Error {
  readonly data: { readonly code: HexclaveUserErrorCode; readonly message: string };

  constructor(code: HexclaveUserErrorCode, message: string) {
    super(message);
    this.name = "HexclaveUserError";
    this.data = { code, message };
    // What a ConvexError is known by.
    Object.defineProperty(this, Symbol.for("ConvexError"), { value: true });
  }
}

/** Which kinds of users may come in: `["normal"]` unless given. */
export interface HexclaveUserOptions<Kind extends HexclaveUserKind> {
  readonly allow?: readonly Kind[];
}

/**
 * The user who calls the function, or null when nobody of an allowed kind is signed in. In scheduled functions and crons
 * nobody ever is.
 *
 * Throws a `HexclaveUserError` for an identity that is no Hexclave user's of this project.
 */
export async function hexclaveUser<const Kind extends HexclaveUserKind = "normal">(
  ctx: { auth: Auth },
  options: HexclaveUserOptions<Kind> = {},
): Promise<HexclaveUser<Kind> | null> {
  const user = await caller(ctx);
  return user !== null && isAllowed(user, options) ? user : null;
}

/** The user who calls the function. Throws a `HexclaveUserError` unless somebody of an allowed kind is signed in. */
export async function requireHexclaveUser<const Kind extends HexclaveUserKind = "normal">(
  ctx: { auth: Auth },
  options: HexclaveUserOptions<Kind> = {},
): Promise<HexclaveUser<Kind>> {
  const user = await caller(ctx);
  if (user === null) {
    throw new HexclaveUserError("signed_out", "nobody is signed in");
  }
  if (!isAllowed(user, options)) {
    throw new HexclaveUserError("kind_not_accepted", `${user.kind} users may not do this`);
  }
  return user;
}

function isAllowed<Kind extends HexclaveUserKind>(
  user: HexclaveUser,
  options: HexclaveUserOptions<Kind>,
): user is HexclaveUser<Kind> {
  const allow: readonly HexclaveUserKind[] = options.allow ?? ["normal"];
  return allow.includes(user.kind);
}

type Identity = { readonly [name: string]: unknown };

async function caller(ctx: { auth: Auth }): Promise<HexclaveUser | null> {
  const identity: Identity | null = await ctx.auth.getUserIdentity();
  if (identity === null) {
    return null;
  }
  if (required(identity, "project_id") !== projectId) {
    throw new HexclaveUserError("foreign_identity", "the identity is of another project");
  }
  const issuer = required(identity, "issuer");
  const kind = issuers.get(issuer);
  if (kind === undefined) {
    throw new HexclaveUserError("foreign_identity", "the identity has another issuer than the project's");
  }
  const isAnonymous = flag(identity, "is_anonymous");
  if (isAnonymous === null) {
    throw invalid("is_anonymous");
  }
  // Old servers say no more than that.
  const isRestricted = flag(identity, "is_restricted") ?? isAnonymous;
  const reason = restrictedReason(identity, isAnonymous);
  const about = aboutUser(identity, issuer);
  if (kind === "normal" && !isAnonymous && !isRestricted && reason === null) {
    return { ...about, kind, isAnonymous, isRestricted, restrictedReason: null };
  }
  if (kind === "restricted" && !isAnonymous && isRestricted && reason !== null && reason !== "anonymous") {
    return { ...about, kind, isAnonymous, isRestricted, restrictedReason: { type: reason } };
  }
  if (kind === "anonymous" && isAnonymous && isRestricted && reason === "anonymous") {
    return { ...about, kind, isAnonymous, isRestricted, restrictedReason: { type: reason } };
  }
  throw new HexclaveUserError("inconsistent_identity", `the issuer is that of ${kind} users, the flags are not`);
}

function aboutUser(identity: Identity, issuer: string): AboutUser {
  const id = required(identity, "subject");
  if (!isUuid(id)) {
    throw invalid("subject");
  }
  if ((text(identity, "tokenIdentifier") ?? `${issuer}|${id}`) !== `${issuer}|${id}`) {
    throw invalid("tokenIdentifier");
  }
  if ((text(identity, "branch_id") ?? "main") !== "main") {
    throw invalid("branch_id");
  }
  const selectedTeamId = text(identity, "selected_team_id");
  if (selectedTeamId !== null && !isUuid(selectedTeamId)) {
    throw invalid("selected_team_id");
  }
  return {
    key: `${projectId}/${id}`,
    id,
    projectId,
    displayName: text(identity, "name"),
    primaryEmail: text(identity, "email"),
    primaryEmailVerified: flag(identity, "email_verified") ?? flag(identity, "emailVerified") ?? false,
    isMultiFactorRequired: flag(identity, "requires_totp_mfa") ?? false,
    selectedTeamId,
  };
}

/** Convex flattens objects, so the reason's `type` is a member of the identity itself. */
function restrictedReason(identity: Identity, isAnonymous: boolean): string | null {
  const flattened = text(identity, "restricted_reason.type");
  const object = identity["restricted_reason"];
  if (object === undefined) {
    return flattened ?? (isAnonymous ? "anonymous" : null);
  }
  if (object === null) {
    return flattened;
  }
  const whole = typeof object === "object" && "type" in object ? object.type : undefined;
  if (typeof whole !== "string" || (flattened ?? whole) !== whole) {
    throw invalid("restricted_reason");
  }
  return whole;
}

function required(identity: Identity, name: string): string {
  const value = text(identity, name);
  if (value === null) {
    throw invalid(name);
  }
  return value;
}

function text(identity: Identity, name: string): string | null {
  const value = identity[name] ?? null;
  if (value !== null && typeof value !== "string") {
    throw invalid(name);
  }
  return value;
}

function flag(identity: Identity, name: string): boolean | null {
  const value = identity[name] ?? null;
  if (value !== null && typeof value !== "boolean") {
    throw invalid(name);
  }
  return value;
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(text);
}

function invalid(name: string): HexclaveUserError {
  return new HexclaveUserError("invalid_identity", `the identity is not a Hexclave user's: look at its ${name}`);
}
