/**
 * What went wrong. Texts are for logs and hold no token, no key and no secret; answer with {@link status}, and with
 * {@link code} if the caller is to know more.
 */
export class HexclaveError extends Error {
  protected constructor();
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
