"use strict";

const { inspect } = require("node:util");

const { isObject } = require("./arguments.cjs");
const native = require("./native.cjs");

const KEY = Symbol("made by verification");

class User {
  #handle;

  constructor(key, handle) {
    if (key !== KEY) throw new TypeError("A User is made by verification only: verifyAccessToken, userFromRequest");
    this.#handle = handle;
  }

  /** What the native part knows the user by, if this is one. */
  static handleOf(value) {
    return isObject(value) && #handle in value ? value.#handle : undefined;
  }

  get id() {
    return native.userId(this.#handle);
  }

  get projectId() {
    return native.userProjectId(this.#handle);
  }

  get kind() {
    return native.userKind(this.#handle);
  }

  get restrictedReason() {
    return native.userRestrictedReason(this.#handle);
  }

  get sessionId() {
    return native.userSessionId(this.#handle);
  }

  get name() {
    return native.userName(this.#handle);
  }

  get email() {
    return native.userEmail(this.#handle);
  }

  get emailVerified() {
    return native.userEmailVerified(this.#handle);
  }

  get selectedTeamId() {
    return native.userSelectedTeamId(this.#handle);
  }

  get signedUpAt() {
    const time = native.userSignedUpAt(this.#handle);
    return time === null ? null : new Date(time);
  }

  get requiresTotpMfa() {
    return native.userRequiresTotpMfa(this.#handle);
  }

  get issuer() {
    return native.userIssuer(this.#handle);
  }

  get issuedAt() {
    return new Date(native.userIssuedAt(this.#handle));
  }

  get expiresAt() {
    return new Date(native.userExpiresAt(this.#handle));
  }

  get claims() {
    return JSON.parse(native.userPayload(this.#handle));
  }

  toJSON() {
    return { id: this.id, projectId: this.projectId, kind: this.kind };
  }

  [inspect.custom](_depth, options) {
    return `User ${inspect(this.toJSON(), options)}`;
  }
}

const { handleOf } = User;
delete User.handleOf;

const userOf = (handle) => new User(KEY, handle);

module.exports = { User, handleOf, userOf };
