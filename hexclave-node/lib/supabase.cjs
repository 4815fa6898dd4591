"use strict";

const { inspect } = require("node:util");

const {
  bytes,
  flag,
  isObject,
  json,
  jsonOrText,
  number,
  oneOf,
  options,
  text,
  texts,
  type,
  variable,
  wrong,
} = require("./arguments.cjs");
const { settled } = require("./errors.cjs");
const native = require("./native.cjs");
const { handleOf } = require("./user.cjs");
const { chosenVerifier, createVerifier, defaultVerifier, isVerifier, projectOrVerifier } = require("./verifier.cjs");

const FORMS = [["jwk"], ["pem", "keyId"], ["sharedSecret", "keyId"]];

/** A key to sign with, in one of its forms. */
const signingKey = type(
  "an object with `jwk`, with `pem` and `keyId`, or with `sharedSecret` and `keyId`",
  (key) => isObject(key) && FORMS.some((form) => isExactly(key, form)),
  (key) => options(key, { jwk: jsonOrText, pem: text, sharedSecret: bytes, keyId: text }, "a signing key"),
);
const signingKeys = type(
  "an array of signing keys",
  (keys) => Array.isArray(keys) && keys.every(signingKey.is),
  (keys) => keys.map(signingKey.convert),
);

const isExactly = (object, names) =>
  Object.keys(object).length === names.length && names.every((name) => Object.hasOwn(object, name));

const permissionsByTeam = type(
  "an object of team ids and arrays of strings",
  (teams) => isObject(teams) && Object.values(teams).every(texts.is),
);

const cache = type(
  "true, false or an object",
  (value) => flag.is(value) || isObject(value),
  (value) => {
    if (value === false) return {};
    const { tokens = DEFAULT_CACHE, marginSeconds } = options(
      value === true ? {} : value,
      { tokens: number, marginSeconds: number },
      "createSupabaseMinter: the cache",
    );
    return { cachedTokens: tokens, cacheMarginSeconds: marginSeconds };
  },
);
const DEFAULT_CACHE = 10_000;

const minterChecks = {
  secret: text,
  key: signingKey,
  acceptedKinds: texts,
  lifetimeSeconds: number,
  backdateSeconds: number,
  untilSourceExpires: flag,
  email: flag,
  aal: flag,
  appMetadata: flag,
  roles: texts,
  cache,
  verifier: isVerifier,
};

const claimsChecks = {
  role: text,
  teams: texts,
  permissions: texts,
  teamPermissions: permissionsByTeam,
  userMetadata: json,
  claims: json,
};

class SupabaseMinter {
  #handle;
  #setup;
  #verifier;

  constructor(given) {
    const { key, cache, verifier, ...rest } = options(given, minterChecks, "createSupabaseMinter");
    if (key !== undefined && rest.secret !== undefined) {
      throw wrong("createSupabaseMinter: the options", "those of one key: `secret` or `key`, not both");
    }
    this.#handle = settled(native.createSupabaseMinter({ ...rest, key, ...cache }, variable));
    this.#setup = native.describeMinter(this.#handle);
    this.#verifier = verifier;
  }

  get algorithm() {
    return this.#setup.algorithm;
  }

  get keyId() {
    return this.#setup.keyId ?? null;
  }

  get acceptedKinds() {
    return [...this.#setup.acceptedKinds];
  }

  async mint(userOrToken, claims) {
    if (userOrToken === null) return null;
    const said = claims === undefined ? undefined : options(claims, claimsChecks, "mint");
    const user = text.is(userOrToken) ? await this.#verify(userOrToken) : userOrToken;
    const handle = handleOf(user);
    if (handle === undefined) {
      throw wrong("mint: `userOrToken`", "a User from verifyAccessToken or userFromRequest, an access token, or null");
    }
    return settled(native.mint(this.#handle, handle, said));
  }

  #verify(token) {
    this.#verifier ??= this.#ownVerifier();
    return this.#verifier.verifyAccessToken(token);
  }

  /** Lets in those who get a token here. */
  #ownVerifier() {
    const shared = defaultVerifier();
    const { acceptedKinds } = this;
    return String(acceptedKinds) === String(shared.acceptedKinds) ? shared : createVerifier({ acceptedKinds });
  }

  toJSON() {
    const { algorithm, keyId, acceptedKinds } = this;
    return { algorithm, keyId, acceptedKinds };
  }

  [inspect.custom](_depth, options) {
    return `SupabaseMinter ${inspect(this.toJSON(), options)}`;
  }
}

const createSupabaseMinter = (options) => new SupabaseMinter(options);

let shared;
/** The minter of the environment, made when it is first needed. */
const defaultMinter = () => (shared ??= createSupabaseMinter());

const mintSupabaseToken = async (userOrToken, claims) => defaultMinter().mint(userOrToken, claims);

const jwksChecks = {
  ...projectOrVerifier,
  for: oneOf("third-party-auth", "self-hosted"),
  secret: text,
  keys: signingKeys,
};

async function supabaseJwks(given) {
  const { for: whom = "third-party-auth", secret, keys, ...project } = options(given, jwksChecks, "supabaseJwks");
  const verifier = chosenVerifier(project, "supabaseJwks");
  return settled(await native.supabaseJwks(verifier, { selfHosted: whom === "self-hosted", secret, keys }));
}

module.exports = { SupabaseMinter, createSupabaseMinter, mintSupabaseToken, supabaseJwks };
