"use strict";

// What callers pass, looked at before the native part gets it: an error names what is wrong, and never shows it, since
// it may be a secret.

/** A `TypeError` as Node's own functions throw it. */
function wrong(what, expected) {
  const error = new TypeError(`${what} should be ${expected}`);
  error.code = "ERR_INVALID_ARG_TYPE";
  return error;
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** A check of one value: what it should be, whether it is, and how the native part gets it. */
const type = (expected, is, convert = (value) => value) => ({ expected, is, convert });

const text = type("a string", (value) => typeof value === "string");
const flag = type("true or false", (value) => typeof value === "boolean");
const number = type("a number", (value) => typeof value === "number");
const texts = type(
  "an array of strings",
  (value) => Array.isArray(value) && value.every(text.is),
  (value) => [...value],
);
/** An object that JSON can hold, as its text. */
const json = type("an object", isObject, (value) => JSON.stringify(value));
/** A JSON document: its text, or what it says. */
const jsonOrText = type(
  "an object or a JSON text",
  (value) => text.is(value) || isObject(value),
  (value) => (text.is(value) ? value : JSON.stringify(value)),
);
const bytes = type(
  "a Uint8Array",
  (value) => value instanceof Uint8Array,
  (value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength),
);
const oneOf = (...values) => type(values.map((value) => `"${value}"`).join(" or "), (value) => values.includes(value));

/** Reads an object of options by the checks of each; `undefined` counts as not given. */
function options(given, checks, caller) {
  if (given === undefined) return {};
  if (!isObject(given)) throw wrong(`${caller}: the options`, "an object");
  const read = {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(checks, name)) {
      const known = Object.keys(checks).join(", ");
      throw wrong(`${caller}: the option \`${name}\``, `one of those that are known: ${known}`);
    }
    if (value === undefined) continue;
    const check = checks[name];
    if (!check.is(value)) throw wrong(`${caller}: the option \`${name}\``, check.expected);
    read[name] = check.convert(value);
  }
  return read;
}

/** Reads one argument by its check. */
function argument(value, check, name, caller) {
  if (!check.is(value)) throw wrong(`${caller}: \`${name}\``, check.expected);
  return check.convert(value);
}

/** A variable of the environment, as it is now and in this thread. */
const variable = (name) => process.env[name];

module.exports = {
  argument,
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
};
