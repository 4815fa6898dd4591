import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { anyApi } from "convex/server";
import { convexTest } from "convex-test";
import { array, object, run, string } from "./program.mjs";

const KINDS = ["query", "mutation", "action"];

await run("convex-helper", async (input) => {
  const helper = string(input.helper, "helper");
  const calls = array(input.calls, "calls").map((call, index) => object(call, `calls[${index}]`));
  const folder = await mkdtemp(join(tmpdir(), "hexclave-convex-helper-"));
  try {
    const functions = await compiled(folder, helper);
    const results = [];
    for (const { identity, options } of calls) {
      results.push({
        user: await agreed(functions, "user", identity, options),
        required: await agreed(functions, "require", identity, options),
      });
    }
    return { results };
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** Checks the types of the helper and of the functions that use it, and loads what comes out. */
async function compiled(folder, helper) {
  const here = (path) => fileURLToPath(new URL(path, import.meta.url));
  await cp(here("convex-helper"), folder, { recursive: true });
  await symlink(here("node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await writeFile(join(folder, "hexclave.ts"), helper);
  try {
    await promisify(execFile)(join(folder, "node_modules/.bin/tsc"), ["-p", folder]);
  } catch (error) {
    throw new Error(`tsc: ${error.stdout || error.message}`);
  }
  return import(pathToFileURL(join(folder, "out/functions.js")).href);
}

/** What a query, a mutation and an action, and an HTTP action without options, say alike of who calls them. */
async function agreed(functions, name, identity, options) {
  const modules = {
    "convex/_generated/api.js": async () => ({}),
    "convex/functions.js": async () => functions,
    "convex/http.js": async () => functions,
  };
  const convex = convexTest({ modules });
  const caller = identity === null ? convex : convex.withIdentity(identity);
  const said = [];
  for (const kind of KINDS) {
    const reference = anyApi.functions[`${name}In${kind[0].toUpperCase()}${kind.slice(1)}`];
    said.push(await outcome(() => caller[kind](reference, options)));
  }
  if (name === "require" && options.allow === undefined) {
    said.push(await outcome(async () => sorted(await (await caller.fetch("/user")).json())));
  }
  const [first, ...others] = said.map((one) => JSON.stringify(one));
  if (others.some((other) => other !== first)) {
    throw new Error(`the kinds of functions differ: ${said.map((one) => JSON.stringify(one)).join(" ")}`);
  }
  return said[0];
}

/** As Convex orders the members of what a function returns. */
function sorted(members) {
  return Object.fromEntries(Object.entries(members).sort(([one], [other]) => (one < other ? -1 : 1)));
}

async function outcome(call) {
  try {
    return { ok: await call() };
  } catch (error) {
    // Anything but a ConvexError would not reach a client in production.
    if (!(Symbol.for("ConvexError") in error)) {
      throw error;
    }
    const data = typeof error.data === "string" ? JSON.parse(error.data) : error.data;
    return { code: data.code, message: data.message };
  }
}
