"use strict";

class HexclaveError extends Error {
  constructor(message, { code, status, retryable, cause }) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = status;
    this.retryable = retryable;
  }
}

class TokenError extends HexclaveError {
  get expired() {
    return this.code === "token_expired" || this.code === "source_expired";
  }
}

class ForbiddenError extends HexclaveError {}
class UnavailableError extends HexclaveError {}
class ConfigurationError extends HexclaveError {}
class WebhookError extends HexclaveError {}
class ConvexError extends HexclaveError {}

const classes = {
  HexclaveError,
  TokenError,
  ForbiddenError,
  UnavailableError,
  ConfigurationError,
  WebhookError,
  ConvexError,
};
for (const [name, { prototype }] of Object.entries(classes)) {
  Object.defineProperty(prototype, "name", { value: name, configurable: true, writable: true });
}

/** The error of a failure that the native part has told of. */
function errorOf({ class: name, message, causes, ...rest }) {
  return new classes[name](message, { ...rest, cause: causes.length > 0 ? causeOf(causes.join(": ")) : undefined });
}

function causeOf(message) {
  const cause = new Error(message);
  // It happened elsewhere: where it was made says nothing.
  cause.stack = `Error: ${message}`;
  return cause;
}

/** What the native part has given, or the error in its place. */
function settled(outcome) {
  if (outcome?.failed === true) throw errorOf(outcome);
  return outcome;
}

module.exports = { classes, errorOf, settled };
