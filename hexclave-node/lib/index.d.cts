/**
 * Proven Hexclave users in Node.js, taken to Supabase and Convex. (Hexclave is the new name of Stack Auth.)
 *
 * @packageDocumentation
 */

/**
 * The three kinds of users that Hexclave issues access tokens to: signed in with nothing missing; signed in, but held back
 * (an unverified e-mail where the project demands one, or an administrator's decision); a guest who has not signed up.
 */
export type UserKind = "normal" | "restricted" | "anonymous";

/** A JWKS document (RFC 7517, section 5), as an object or as its JSON text. */
export type JwksDocument = string | { readonly keys: readonly object[] };

/** A project's public keys, told apart by the kind of user whose tokens they sign. */
export interface ProjectKeys {
  readonly normal?: JwksDocument;
  readonly restricted?: JwksDocument;
  readonly anonymous?: JwksDocument;
}

/** Which Hexclave project it is. What is left out comes from the environment; see README.md for the variables' names. */
export interface ProjectOptions {
  /** The project's id: a UUID, or `internal`. */
  readonly projectId?: string;
  /** The base URL of the Hexclave API; `https://api.hexclave.com` unless the environment says otherwise. */
  readonly apiUrl?: string;
}

/** How access tokens are verified. */
export interface VerifierOptions extends ProjectOptions {
  /** The kinds of users that are let in; `["normal"]` unless set. */
  readonly acceptedKinds?: readonly UserKind[];
  /** How far apart Hexclave's clock and this machine's may be, in seconds: 5 unless set, 60 at most. */
  readonly leewaySeconds?: number;
  /**
   * For how long known keys are used beyond their freshness while Hexclave does not answer, in seconds: 86,400 (a day)
   * unless set, a year at most.
   */
  readonly staleIfErrorSeconds?: number;
  /**
   * How many verified tokens to remember, so that a token is not verified anew in each request: 10,000 unless set, which
   * takes up to about 20 MB. 0 verifies every token anew. A remembered token is refused as soon as it would be otherwise.
   */
  readonly cachedTokens?: number;
  /**
   * Whether {@link Verifier.userFromRequest} looks at Hexclave's cookies too; `false` unless set.
   *
   * A browser sends cookies with every request to the site, whoever caused it. With `true`, keep other sites from acting in
   * your users' names on every route that changes something: demand a header that they cannot send, or check `Origin`.
   * (Next.js checks `Origin` for server actions.) A cookie holds the access token of the last visit, which has mostly
   * expired.
   */
  readonly cookies?: boolean;
  /** Use these keys and never fetch any. */
  readonly keys?: ProjectKeys;
  /** Start with these keys, of {@link Verifier.projectKeys} in an earlier run, instead of waiting for a fetch. */
  readonly initialKeys?: ProjectKeys;
}

/** What {@link Verifier.userFromRequest} reads: the headers of a request, in whatever form. */
export interface RequestLike {
  /**
   * `Headers` of the Fetch standard, what `headers()` of Next.js gives, or a record as `IncomingMessage.headers` of
   * `node:http` (names in any case).
   */
  readonly headers:
    | { get(name: string): string | null | undefined }
    | Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** How a verifier stands with its keys, for a readiness probe. */
export interface KeyHealth {
  /**
   * `fresh`: as good as Hexclave's own word. `stale`: older than that, and still used. `missing`: none were fetched yet.
   * `expired`: too old to be relied on.
   */
  readonly state: "missing" | "fresh" | "stale" | "expired";
  /** How long ago they were fetched, in seconds; `null` when there are none or when they were given. */
  readonly ageSeconds: number | null;
  /** Why the last fetch failed; `null` when it did not. */
  readonly lastError: HexclaveError | null;
}

/**
 * A user whose access token has been verified. There is no other way to get one, and an object that looks like one is not
 * taken for one.
 *
 * Names, e-mail, team and restriction are as of the token's {@link issuedAt}: up to 10 minutes old, unless the deployment
 * says otherwise. Key your data on {@link projectId} and {@link id}.
 *
 * `console.log` and `JSON.stringify` show `id`, `projectId` and `kind` only: personal data goes where it is read by name.
 */
export class User {
  private constructor();
  /** Tells a user from an object of the same shape; not there at run time. */
  private readonly proven: true;

  /** The user's id, a UUID: the same in every token and for every kind of user. */
  get id(): string;
  /** The project that the user belongs to. */
  get projectId(): string;
  /** Whether the user is normal, restricted or anonymous. */
  get kind(): UserKind;
  /** Why the user is restricted, as Hexclave spells it; `null` for normal users. */
  get restrictedReason(): "anonymous" | "email_not_verified" | "restricted_by_administrator" | (string & {}) | null;
  /** The session that the token belongs to; `null` on old self-hosted servers. */
  get sessionId(): string | null;
  /** The display name. */
  get name(): string | null;
  /** The primary e-mail address. It is not unique within a project, and proven only if {@link emailVerified}. */
  get email(): string | null;
  /** Whether the primary e-mail address has been verified. */
  get emailVerified(): boolean;
  /** The team that the user works in at the moment. */
  get selectedTeamId(): string | null;
  /** When the user signed up; `null` on old self-hosted servers. */
  get signedUpAt(): Date | null;
  /** Whether the user has set up a second factor and has to pass it at each sign-in. */
  get requiresTotpMfa(): boolean;
  /** The token's `iss`: the host that issued it, and the kind of user. */
  get issuer(): string;
  /** When the token was issued. */
  get issuedAt(): Date;
  /** When the token stops being valid. */
  get expiresAt(): Date;
  /** The token's payload as it was signed, for claims that have no property here. */
  get claims(): Record<string, unknown>;

  toJSON(): { id: string; projectId: string; kind: UserKind };
}

/**
 * Verifies the access tokens of one Hexclave project. Make one per program and keep it: it holds the project's keys, and
 * the tokens that it has verified.
 */
export class Verifier {
  private constructor();

  /** The project whose tokens this verifies. */
  get projectId(): string;
  /** The base URL of the Hexclave API. */
  get apiUrl(): string;
  /** The kinds of users that are let in. */
  get acceptedKinds(): UserKind[];

  /**
   * Proves who a token's user is.
   *
   * Needs the network only when the keys are not at hand, and never asks Hexclave about the user: a signed-out session's
   * token passes until it expires.
   *
   * @throws {@link TokenError} (401) when the token is bad, {@link ForbiddenError} (403) when it is that of a kind of user
   * that is not let in, {@link UnavailableError} (503) when the keys could not be had.
   */
  verifyAccessToken(token: string): Promise<User>;

  /**
   * The user of a request; `null` when it carries no access token, for then nobody is signed in.
   *
   * It reads `x-stack-access-token`, `x-hexclave-access-token`, `Authorization: Bearer` (with an access token, or in the form
   * of Hexclave's SDKs) and `x-stack-auth`; with {@link VerifierOptions.cookies}, also Hexclave's cookies.
   *
   * @example
   * ```ts
   * export async function GET(request: Request) {
   *   const user = await verifier.userFromRequest(request);
   *   return user ? Response.json({ id: user.id }) : new Response(null, { status: 401 });
   * }
   * ```
   *
   * @throws As {@link verifyAccessToken}; and {@link TokenError} with status 400 when the request carries tokens of different
   * users.
   */
  userFromRequest(request: RequestLike): Promise<User | null>;

  /**
   * Fetches the keys now, unless fresh ones are at hand, so that the first token need not wait for them.
   *
   * @throws {@link UnavailableError} when they cannot be had. The verifier is usable all the same and will try again.
   */
  warmUp(): Promise<void>;

  /** How the verifier stands with its keys. */
  keyHealth(): KeyHealth;

  /** The keys at hand, to keep them for {@link VerifierOptions.initialKeys} of the next start; `null` when there are none. */
  projectKeys(): ProjectKeys | null;

  toJSON(): { projectId: string; apiUrl: string; acceptedKinds: UserKind[] };
}

/**
 * Makes a verifier.
 *
 * @example
 * ```ts
 * const verifier = createVerifier({ acceptedKinds: ["normal", "anonymous"] });
 * ```
 *
 * @throws {@link ConfigurationError} when no project is named, or a value is unusable: the message names the option or the
 * variable. `TypeError` for an option of the wrong type, or one that is not known.
 */
export function createVerifier(options?: VerifierOptions): Verifier;

/**
 * Proves who a token's user is, with a verifier that is made from the environment when it is first needed.
 *
 * @throws As {@link Verifier.verifyAccessToken} and {@link createVerifier}.
 */
export function verifyAccessToken(token: string): Promise<User>;

/**
 * The user of a request, or `null`, with a verifier that is made from the environment when it is first needed.
 *
 * @throws As {@link Verifier.userFromRequest} and {@link createVerifier}.
 */
export function userFromRequest(request: RequestLike): Promise<User | null>;

/**
 * A key that Supabase knows by its `kid`: a private JSON Web Key (ES256, RS256 or HS256), a private key in PEM, or the bytes
 * of a shared secret (32 or more).
 */
export type SigningKey =
  | { readonly jwk: string | object }
  | { readonly pem: string; readonly keyId: string }
  | { readonly sharedSecret: Uint8Array; readonly keyId: string };

/** How Supabase tokens are minted. */
export interface SupabaseMinterOptions {
  /** The project's legacy JWT secret, as Supabase's settings show it; the variable `SUPABASE_JWT_SECRET` unless set. */
  readonly secret?: string;
  /** A signing key that was imported into the Supabase project, in the place of the legacy secret. */
  readonly key?: SigningKey;
  /** The kinds of users that get a token; `["normal"]` unless set. Policies tell guests by the claim `is_anonymous`. */
  readonly acceptedKinds?: readonly UserKind[];
  /** How long a token lives, in seconds: 3,600 unless set, 1 to 86,400. It cannot be taken back. */
  readonly lifetimeSeconds?: number;
  /** How far in the past `iat` is, in seconds, for services whose clock is behind: 0 unless set, 300 at most. */
  readonly backdateSeconds?: number;
  /** Whether no token outlives the access token that its user was proven with; `false` unless set. */
  readonly untilSourceExpires?: boolean;
  /** Whether `email` is in the token, for users whose address is verified; `false` unless set. */
  readonly email?: boolean;
  /** Whether `aal` is in the token: `aal2` for users with a second factor; `false` unless set. */
  readonly aal?: boolean;
  /** Whether `app_metadata` with `project_id` and `selected_team_id` is in the token; `false` unless set. */
  readonly appMetadata?: boolean;
  /** Roles that a token may have besides `authenticated`; see {@link SupabaseClaims.role}. */
  readonly roles?: readonly string[];
  /**
   * Whether a token is given out again while it is good, and says the same; `false` unless set. It pays with ES256 and
   * RS256. `true` keeps up to 10,000 `tokens` and gives one out only if it is good for another 60 seconds
   * (`marginSeconds`).
   */
  readonly cache?: boolean | { readonly tokens?: number; readonly marginSeconds?: number };
  /** What verifies access tokens that are given to {@link SupabaseMinter.mint}; one of the environment unless set. */
  readonly verifier?: Verifier;
}

/** What a token says of its user beside what every token of the minter says. */
export interface SupabaseClaims {
  /** The Postgres role, one of {@link SupabaseMinterOptions.roles}. Take it from your own records, not from the user. */
  readonly role?: string;
  /** `app_metadata.teams`: the ids of the user's teams. */
  readonly teams?: readonly string[];
  /** `app_metadata.permissions`: what the user may do in the project. */
  readonly permissions?: readonly string[];
  /** `app_metadata.team_permissions`: what the user may do in each team, by its id. */
  readonly teamPermissions?: Readonly<Record<string, readonly string[]>>;
  /** `user_metadata`: for names and pictures. A policy must never decide by it. */
  readonly userMetadata?: object;
  /** Claims of the application's own, by their names. Those that mean something to Supabase or Hexclave are refused. */
  readonly claims?: object;
}

/** Mints Supabase tokens for proven users. Make one per program and keep it. */
export class SupabaseMinter {
  private constructor();

  /** What tokens are signed with. */
  get algorithm(): "HS256" | "ES256" | "RS256";
  /** The key's `kid`; `null` for the legacy JWT secret. */
  get keyId(): string | null;
  /** The kinds of users that get a token. */
  get acceptedKinds(): UserKind[];

  /**
   * Mints a token with which Supabase lets the user in: for `accessToken` of supabase-js.
   *
   * An access token is verified first. `null` stands for nobody and gives `null`, which is what supabase-js wants to hear
   * then.
   *
   * @throws {@link ForbiddenError} (403) for a kind of user that gets no token and a role that is not allowed,
   * {@link ConfigurationError} for claims that may not be added or are longer than 4,096 bytes; for an access token also what
   * {@link Verifier.verifyAccessToken} throws. `TypeError` for anything that is neither a {@link User} nor a string nor null.
   */
  mint(userOrToken: User | string, claims?: SupabaseClaims): Promise<string>;
  mint(userOrToken: User | string | null, claims?: SupabaseClaims): Promise<string | null>;

  toJSON(): { algorithm: string; keyId: string | null; acceptedKinds: UserKind[] };
}

/**
 * Makes a minter.
 *
 * To change keys, give the next one to Supabase first (as standby key), then to a new minter, and revoke the old one when
 * its last token is over.
 *
 * @throws {@link ConfigurationError} when there is no secret, or a value is unusable: the message names the option or the
 * variable, and never repeats a secret. `TypeError` for an option of the wrong type, or one that is not known.
 */
export function createSupabaseMinter(options?: SupabaseMinterOptions): SupabaseMinter;

/**
 * Mints a Supabase token, with a minter and a verifier that are made from the environment when they are first needed.
 *
 * @example
 * ```ts
 * "use server";
 * export const getSupabaseJwt = async () => mintSupabaseToken(await hexclaveServerApp.getAccessToken());
 * ```
 *
 * @throws As {@link SupabaseMinter.mint}, {@link createSupabaseMinter} and {@link createVerifier}.
 */
export function mintSupabaseToken(userOrToken: User | string, claims?: SupabaseClaims): Promise<string>;
export function mintSupabaseToken(userOrToken: User | string | null, claims?: SupabaseClaims): Promise<string | null>;

/**
 * What went wrong. Texts are for logs and hold no token, no key and no secret; answer with {@link status}, and with
 * {@link code} if the caller is to know more.
 */
export class HexclaveError extends Error {
  private constructor();
  /** A short name that does not change between versions, such as `token_expired`. */
  readonly code: string;
  /** The HTTP status to answer with. */
  readonly status: number;
  /** Whether the same may go well later, as it is. */
  readonly retryable: boolean;
}

/** The access token, or what carries it, is bad: 401; 400 when a request carries tokens of different users. */
export class TokenError extends HexclaveError {
  /** Whether time alone is the reason, so that a fresh token may pass. */
  get expired(): boolean;
}

/** The user is proven, and not let in: 403. */
export class ForbiddenError extends HexclaveError {}

/** Nothing could be said about the token, because the project's keys could not be had: 503, retryable. */
export class UnavailableError extends HexclaveError {}

/** An option, a variable of the environment or a claim cannot be used: 500. */
export class ConfigurationError extends HexclaveError {}

/** A request is no webhook delivery to be taken: 400, 401, 409 or 413; or that could not be told: 503. */
export class WebhookError extends HexclaveError {}

/** What Convex refuses, with its own code and status. */
export class ConvexError extends HexclaveError {}
