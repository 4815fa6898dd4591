"use strict";

const { inspect } = require("node:util");

const {
  argument,
  flag,
  isObject,
  jsonOrText,
  number,
  options,
  text,
  texts,
  type,
  variable,
  wrong,
} = require("./arguments.cjs");
const { errorOf, settled } = require("./errors.cjs");
const { readHeaders } = require("./headers.cjs");
const native = require("./native.cjs");
const { userOf } = require("./user.cjs");

const keyDocuments = type("an object of JWKS documents", isObject, (documents) =>
  options(documents, { normal: jsonOrText, restricted: jsonOrText, anonymous: jsonOrText }, "createVerifier: the keys"),
);

/** Options that say which project it is, and which of its users. */
const project = { projectId: text, apiUrl: text, acceptedKinds: texts };

const checks = {
  ...project,
  leewaySeconds: number,
  staleIfErrorSeconds: number,
  cachedTokens: number,
  cookies: flag,
  keys: keyDocuments,
  initialKeys: keyDocuments,
};

class Verifier {
  #handle;
  #setup;

  constructor(given) {
    const { projectId, apiUrl, ...rest } = options(given, checks, "createVerifier");
    this.#handle = settled(native.createVerifier({ projectId, apiUrl }, rest, variable));
    this.#setup = native.describeVerifier(this.#handle);
  }

  /** What the native part knows a verifier by, if this is one. */
  static handleOf(value) {
    return isObject(value) && #handle in value ? value.#handle : undefined;
  }

  get projectId() {
    return this.#setup.projectId;
  }

  get apiUrl() {
    return this.#setup.apiUrl;
  }

  get acceptedKinds() {
    return [...this.#setup.acceptedKinds];
  }

  async verifyAccessToken(token) {
    const known = argument(token, text, "token", "verifyAccessToken");
    return userOf(settled(await native.verifyAccessToken(this.#handle, known)));
  }

  async userFromRequest(request) {
    if (!isObject(request?.headers)) {
      throw wrong("userFromRequest: `request`", "a Request, or an object with `headers`");
    }
    const headers = readHeaders(request.headers, this.#setup.headerNames, "userFromRequest");
    const user = settled(await native.userFromHeaders(this.#handle, headers));
    return user === null ? null : userOf(user);
  }

  async warmUp() {
    settled(await native.warmUp(this.#handle));
  }

  keyHealth() {
    const { state, ageSeconds = null, lastError } = native.keyHealth(this.#handle);
    return { state, ageSeconds, lastError: lastError ? errorOf(lastError) : null };
  }

  projectKeys() {
    const documents = native.projectKeys(this.#handle);
    if (documents === null) return null;
    return Object.fromEntries(Object.entries(documents).map(([kind, document]) => [kind, JSON.parse(document)]));
  }

  toJSON() {
    const { projectId, apiUrl, acceptedKinds } = this;
    return { projectId, apiUrl, acceptedKinds };
  }

  [inspect.custom](_depth, options) {
    return `Verifier ${inspect(this.toJSON(), options)}`;
  }
}

const { handleOf } = Verifier;
delete Verifier.handleOf;

const isVerifier = type("a Verifier", (value) => handleOf(value) !== undefined);

/** Options of functions that are about a project: which one, or a verifier that knows. */
const projectOrVerifier = { ...project, verifier: isVerifier };

/** The handle of the verifier that such options mean. */
function chosenVerifier({ verifier, ...project }, caller) {
  if (verifier === undefined) return handleOf(createVerifier(project));
  const [name] = Object.keys(project);
  if (name !== undefined) throw wrong(`${caller}: \`verifier\``, `without \`${name}\`, which it knows`);
  return handleOf(verifier);
}

const createVerifier = (options) => new Verifier(options);

let shared;
/** The verifier of the environment, made when it is first needed. */
const defaultVerifier = () => (shared ??= createVerifier());

// Async, so that a mistake in the environment is a rejection too.
const verifyAccessToken = async (token) => defaultVerifier().verifyAccessToken(token);
const userFromRequest = async (request) => defaultVerifier().userFromRequest(request);

module.exports = {
  Verifier,
  chosenVerifier,
  createVerifier,
  defaultVerifier,
  isVerifier,
  projectOrVerifier,
  userFromRequest,
  verifyAccessToken,
};
