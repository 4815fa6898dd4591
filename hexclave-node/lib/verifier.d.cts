import type { ConfigurationError, ForbiddenError, HexclaveError, TokenError, UnavailableError } from "./errors.cjs";
import type { User, UserKind } from "./user.cjs";

/** A JWKS document (RFC 7517, section 5), as an object or as its JSON text. */
export type JwksDocument = string | { readonly keys: readonly object[] };

/** A project's public keys, told apart by the kind of user whose tokens they sign. */
export interface ProjectKeys {
  readonly normal?: JwksDocument;
  readonly restricted?: JwksDocument;
  readonly anonymous?: JwksDocument;
}

/**
 * Which Hexclave project it is. What is left out comes from the environment; see README.md for the variables' names.
 */
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
   * For how long known keys are used beyond their freshness while Hexclave does not answer, in seconds: 86,400 (a
   * day) unless set, a year at most.
   */
  readonly staleIfErrorSeconds?: number;
  /**
   * How many verified tokens to remember, so that a token is not verified anew in each request: 10,000 unless set,
   * which takes up to about 20 MB. 0 verifies every token anew. A remembered token is refused as soon as it would be
   * otherwise.
   */
  readonly cachedTokens?: number;
  /**
   * Whether {@link Verifier.userFromRequest} looks at Hexclave's cookies too; `false` unless set.
   *
   * A browser sends cookies with every request to the site, whoever caused it. With `true`, keep other sites from
   * acting in your users' names on every route that changes something: demand a header that they cannot send, or
   * check `Origin`. (Next.js checks `Origin` for server actions.) A cookie holds the access token of the last visit,
   * which has mostly expired.
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
    { get(name: string): string | null | undefined } | Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** How a verifier stands with its keys, for a readiness probe. */
export interface KeyHealth {
  /**
   * `fresh`: as good as Hexclave's own word. `stale`: older than that, and still used. `missing`: none were fetched
   * yet. `expired`: too old to be relied on.
   */
  readonly state: "missing" | "fresh" | "stale" | "expired";
  /** How long ago they were fetched, in seconds; `null` when there are none or when they were given. */
  readonly ageSeconds: number | null;
  /** Why the last fetch failed; `null` when it did not. */
  readonly lastError: HexclaveError | null;
}

/**
 * Verifies the access tokens of one Hexclave project. Make one per program and keep it: it holds the project's keys,
 * and the tokens that it has verified.
 */
export class Verifier {
  private constructor();
  /** Tells a verifier from an object of the same shape; not there at run time. */
  private readonly made: true;

  /** The project whose tokens this verifies. */
  get projectId(): string;
  /** The base URL of the Hexclave API. */
  get apiUrl(): string;
  /** The kinds of users that are let in. */
  get acceptedKinds(): UserKind[];

  /**
   * Proves who a token's user is.
   *
   * Needs the network only when the keys are not at hand, and never asks Hexclave about the user: a signed-out
   * session's token passes until it expires.
   *
   * @throws {@link TokenError} (401) when the token is bad, {@link ForbiddenError} (403) when it is that of a kind of
   * user that is not let in, {@link UnavailableError} (503) when the keys could not be had.
   */
  verifyAccessToken(token: string): Promise<User>;

  /**
   * The user of a request; `null` when it carries no access token, for then nobody is signed in.
   *
   * It reads `x-stack-access-token`, `x-hexclave-access-token`, `Authorization: Bearer` (with an access token, or in
   * the form of Hexclave's SDKs) and `x-stack-auth`; with {@link VerifierOptions.cookies}, also Hexclave's cookies.
   *
   * @example
   * ```ts
   * export async function GET(request: Request) {
   *   const user = await verifier.userFromRequest(request);
   *   return user ? Response.json({ id: user.id }) : new Response(null, { status: 401 });
   * }
   * ```
   *
   * @throws As {@link verifyAccessToken}; and {@link TokenError} with status 400 when the request carries tokens of
   * different users.
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

  /**
   * The keys at hand, to keep them for {@link VerifierOptions.initialKeys} of the next start; `null` when there are
   * none.
   */
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
 * @throws {@link ConfigurationError} when no project is named, or a value is unusable: the message names the option
 * or the variable. `TypeError` for an option of the wrong type, or one that is not known.
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
 * A project, and which of its users: named by options, or by a verifier that knows. What is left out comes from the
 * environment.
 */
export type ProjectChoice =
  | (ProjectOptions & {
      /** The kinds of users; `["normal"]` unless set. */
      readonly acceptedKinds?: readonly UserKind[];
      readonly verifier?: undefined;
    })
  | {
      /** Takes project, kinds of users and keys from this verifier. */
      readonly verifier: Verifier;
      readonly projectId?: undefined;
      readonly apiUrl?: undefined;
      readonly acceptedKinds?: undefined;
    };
