import type { ConfigurationError, ForbiddenError, UnavailableError } from "./errors.cjs";
import type { User, UserKind } from "./user.cjs";
import type { ProjectChoice, Verifier, createVerifier, verifyAccessToken } from "./verifier.cjs";

/**
 * A key that Supabase knows by its `kid`: a private JSON Web Key (ES256, RS256 or HS256), a private key in PEM, or
 * the bytes of a shared secret (32 or more).
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
   * Whether a token is given out again while it is good, and says the same; `false` unless set. It pays with ES256
   * and RS256. `true` keeps up to 10,000 `tokens` and gives one out only if it is good for another 60 seconds
   * (`marginSeconds`).
   */
  readonly cache?: boolean | { readonly tokens?: number; readonly marginSeconds?: number };
  /** What verifies access tokens that are given to {@link SupabaseMinter.mint}; one of the environment unless set. */
  readonly verifier?: Verifier;
}

/** What a token says of its user beside what every token of the minter says. */
export interface SupabaseClaims {
  /**
   * The Postgres role, one of {@link SupabaseMinterOptions.roles}. Take it from your own records, not from the user.
   */
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
   * An access token is verified first. `null` stands for nobody and gives `null`, which is what supabase-js wants to
   * hear then.
   *
   * @throws {@link ForbiddenError} (403) for a kind of user that gets no token and a role that is not allowed, {@link
   * ConfigurationError} for claims that may not be added or are longer than 4,096 bytes; for an access token also
   * what {@link Verifier.verifyAccessToken} throws. `TypeError` for anything that is neither a {@link User} nor a
   * string nor null.
   */
  mint(userOrToken: User | string, claims?: SupabaseClaims): Promise<string>;
  mint(userOrToken: User | string | null, claims?: SupabaseClaims): Promise<string | null>;

  toJSON(): { algorithm: string; keyId: string | null; acceptedKinds: UserKind[] };
}

/**
 * Makes a minter.
 *
 * To change keys, give the next one to Supabase first (as standby key), then to a new minter, and revoke the old one
 * when its last token is over.
 *
 * @throws {@link ConfigurationError} when there is no secret, or a value is unusable: the message names the option or
 * the variable, and never repeats a secret. `TypeError` for an option of the wrong type, or one that is not known.
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

/** Which document {@link supabaseJwks} writes. */
export type SupabaseJwksOptions = ProjectChoice & {
  /**
   * `third-party-auth` (the default): the body for Supabase's Management API, `POST
   * /v1/projects/{ref}/config/auth/third-party-auth`. `self-hosted`: the JWKS for `PGRST_JWT_SECRET`, `API_JWT_JWKS`
   * (Realtime) and `JWT_JWKS` (Storage).
   */
  readonly for?: "third-party-auth" | "self-hosted";
  /**
   * The legacy JWT secret, whose tokens a self-hosted Supabase goes on accepting. The document is then as secret as
   * that.
   */
  readonly secret?: string;
  /**
   * Keys of minters whose tokens are accepted too, of each the public half. (Of a shared secret that is the secret
   * itself.)
   */
  readonly keys?: readonly SigningKey[];
};

/**
 * Hexclave's public keys as Supabase takes them, in JSON. With them, Supabase accepts Hexclave's own access tokens,
 * and none have to be minted. The document is as of now: make it anew when Hexclave's keys change.
 *
 * @throws {@link UnavailableError} when the keys cannot be had, {@link ConfigurationError} when a key is unusable, or
 * a shared secret is among those for third-party auth.
 */
export function supabaseJwks(options?: SupabaseJwksOptions): Promise<string>;
