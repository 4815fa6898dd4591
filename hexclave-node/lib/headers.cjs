"use strict";

const { isObject, wrong } = require("./arguments.cjs");

/** Names and values in turn, of those headers of a request that are looked at. */
function readHeaders(headers, names, caller) {
  if (typeof headers?.get === "function") return fromGetter(headers, names);
  if (isObject(headers)) return fromRecord(headers, names, caller);
  throw wrong(`${caller}: the headers`, "an object with `get`, such as Headers, or a record of names and values");
}

function fromGetter(headers, names) {
  const read = [];
  for (const name of names) {
    const value = headers.get(name);
    if (typeof value === "string") read.push(name, value);
  }
  return read;
}

/** As Node's `http` and others have it, whose names may be in any case and whose values may be several. */
function fromRecord(headers, names, caller) {
  const read = [];
  for (const [name, value] of Object.entries(headers)) {
    const wanted = name.toLowerCase();
    if (value === undefined || value === null || !names.includes(wanted)) continue;
    for (const single of Array.isArray(value) ? value : [value]) {
      if (typeof single !== "string") throw wrong(`${caller}: the header ${wanted}`, "a string or an array of strings");
      read.push(wanted, single);
    }
  }
  return read;
}

module.exports = { readHeaders };
