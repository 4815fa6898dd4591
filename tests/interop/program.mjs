import { text } from "node:stream/consumers";

/** Hands the JSON document on standard input to `main` and prints what it returns as JSON. */
export async function run(name, main) {
  try {
    const output = await main(parse(await text(process.stdin)));
    process.stdout.write(`${JSON.stringify(output)}\n`);
  } catch (error) {
    process.stderr.write(`${name}: ${describe(error)}\n`);
    process.exitCode = 1;
  }
}

function parse(input) {
  let document;
  try {
    document = JSON.parse(input);
  } catch {
    throw new Error("standard input is not one JSON document");
  }
  return object(document, "the document");
}

function describe(error) {
  const text = [error?.message ?? error, error?.cause?.message ?? error?.cause?.code];
  return text.filter(Boolean).join(": ").replace(/\s*\n\s*/g, " ");
}

export function object(value, what) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Error(`${what} must be an object`);
  }
  return value;
}

export function array(value, what) {
  if (!Array.isArray(value)) {
    throw new Error(`${what} must be an array`);
  }
  return value;
}

export function string(value, what) {
  if (typeof value !== "string" || value === "") {
    throw new Error(`${what} must be a string that is not empty`);
  }
  return value;
}
