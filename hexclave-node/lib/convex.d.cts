import type { ConvexError, UnavailableError } from "./errors.cjs";
import type { User, UserKind } from "./user.cjs";
import type { ProjectChoice } from "./verifier.cjs";

/** Which configuration {@link convexAuthConfig} writes. */
export type ConvexAuthConfigOptions = ProjectChoice & {
  /** The form: TypeScript for `convex/auth.config.ts` (the default), JavaScript, or JSON. */
  readonly format?: "ts" | "js" | "json";
  /** Whether tokens under the API host's other name are accepted too, where it has one; `true` unless set. */
  readonly aliases?: boolean;
  /** Whether the project's keys are put into the configuration instead of their URL; `false` unless set. */
  readonly inlineKeys?: boolean;
  /** Take the project's id from this variable of the Convex deployment. */
  readonly projectIdVariable?: string;
  /**
   * Write exactly what `getConvexProvidersConfig` of `@stackframe/js` makes: normal and anonymous users, audience not
   * checked.
   */
  readonly upstream?: boolean;
};

/**
 * The configuration with which Convex accepts the project's users, as text.
 *
 * @example
 * ```ts
 * await writeFile("convex/auth.config.ts", await convexAuthConfig());
 * ```
 *
 * @throws {@link UnavailableError} when keys are to be put in and cannot be had.
 */
export function convexAuthConfig(options?: ConvexAuthConfigOptions): Promise<string>;

/** By which configuration a token is judged. */
export type ConvexJudgeOptions = ProjectChoice & {
  /**
   * The deployment's configuration in JSON (its text, or what it says): an object with a list `providers`, or the
   * bare list. The one that {@link convexAuthConfig} writes unless set.
   */
  readonly config?: string | object;
  /**
   * Judge as Convex's WebSocket does, which drops what has expired without the 5 seconds of leeway; `false` unless
   * set.
   */
  readonly websocket?: boolean;
};

/**
 * What `ctx.auth.getUserIdentity()` returns in a Convex function. Nothing is renamed (`email_verified`), and objects
 * are flattened (`"restricted_reason.type"`). Key data on `project_id` and `subject`, never on `tokenIdentifier`.
 */
export interface ConvexIdentity {
  readonly tokenIdentifier: string;
  readonly issuer: string;
  readonly subject: string;
  readonly [claim: string]: unknown;
}

/**
 * The identity that Convex builds: from a proven {@link User}, or from an access token that is checked as a Convex
 * deployment with the given configuration checks it. For trying out and for tests; the keys are fetched for each
 * token.
 *
 * @throws {@link ConvexError} with Convex's code and status when it refuses the token or the configuration;
 * `retryable` when the keys could not be had.
 */
export function convexIdentity(userOrToken: User | string, options?: ConvexJudgeOptions): Promise<ConvexIdentity>;

/** What Convex does with a token, and what to do about it. It holds no part of the token. */
export interface ConvexExplanation {
  /** Whether Convex accepts the token. */
  readonly accepted: boolean;
  /** Convex's answer to a refused token. */
  readonly error: { code: string; message: string; httpStatus: number; because: string[] } | null;
  /** What can be read of the token; times are in seconds since 1970. */
  readonly token: {
    issuer: string | null;
    audience: string[] | null;
    subject: string | null;
    kind: UserKind | null;
    projectId: string | null;
    keyId: string | null;
    algorithm: string | null;
    issuedAt: number | null;
    notBefore: number | null;
    expiresAt: number | null;
  };
  /** What came of each step, in Convex's order. */
  readonly steps: {
    name: "token" | "provider" | "keys" | "signature" | "times" | "claims" | "websocket";
    outcome: "passed" | "failed" | "not_reached";
  }[];
  /** The issuer of the chosen provider. */
  readonly provider: string | null;
  /** Where none was chosen, those that come nearest. */
  readonly nearest: {
    issuer: string;
    applicationID: string | null;
    differences: { what: string; text: string }[];
  }[];
  /** What to do so that the token, or the next one, is accepted. */
  readonly fixes: string[];
  /** What is worth knowing beside that. */
  readonly notes: string[];
  /** All of it for a person to read. */
  readonly report: string;
}

/**
 * Explains what Convex does with a token, step by step, and what to do about it. A refused token is no error here.
 *
 * @throws {@link ConvexError} when the configuration is one that Convex refuses.
 */
export function explainConvex(token: string, options?: ConvexJudgeOptions): Promise<ConvexExplanation>;
