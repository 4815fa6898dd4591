import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Script, SourceTextModule, createContext } from "node:vm";
import * as esbuild from "esbuild";
import { array, object, run, string } from "./program.mjs";

// What Convex gives an auth configuration to work with is JavaScript itself, plain classes of the web, and `process.env`.
const PLAIN = ["AbortController", "Headers", "Request", "Response", "TextDecoder", "TextEncoder", "URL", "URLSearchParams"];
// These are there and throw.
const REFUSED = ["fetch", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "performance", "crypto", "Convex"];

await run("convex-auth-config", async (input) => {
  const files = array(input.files, "files").map((file, index) => {
    const at = `files[${index}]`;
    object(file, at);
    return {
      name: string(file.name, `${at}.name`),
      text: string(file.text, `${at}.text`),
      environment: object(file.environment ?? {}, `${at}.environment`),
    };
  });
  const { getConvexProvidersConfig } = await import("@stackframe/js");
  const upstream = array(input.upstream ?? [], "upstream").map((options) =>
    JSON.parse(JSON.stringify({ providers: getConvexProvidersConfig(options) })),
  );
  const folder = await mkdtemp(join(tmpdir(), "hexclave-convex-auth-config-"));
  try {
    await symlink(fileURLToPath(new URL("node_modules", import.meta.url)), join(folder, "node_modules"));
    await checkTypes(folder, files);
    const results = [];
    for (const file of files) {
      results.push(await outcome(async () => evaluated(await bundled(folder, file), file.environment)));
    }
    return { results, upstream };
  } finally {
    await rm(folder, { recursive: true });
  }
});

function place(folder, { name, text, environment }) {
  const digest = createHash("sha256").update(text + JSON.stringify(environment)).digest("hex");
  return join(folder, digest.slice(0, 12), name);
}

/** All files at once, as strictly as TypeScript can, and without the types of Node. */
async function checkTypes(folder, files) {
  const paths = [];
  for (const file of files) {
    const path = place(folder, file);
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, file.text);
    // Plain JavaScript knows `process` only from the types of Node.
    if (file.name.endsWith(".ts") || Object.keys(file.environment).length === 0) {
      paths.push(path);
    }
  }
  if (paths.length === 0) {
    return;
  }
  const compilerOptions = {
    target: "esnext",
    module: "esnext",
    moduleResolution: "bundler",
    lib: ["esnext", "dom"],
    types: [],
    allowJs: true,
    checkJs: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    noUnusedLocals: true,
    verbatimModuleSyntax: true,
    isolatedModules: true,
    skipLibCheck: true,
    noEmit: true,
  };
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: paths }));
  try {
    await promisify(execFile)(join(folder, "node_modules/.bin/tsc"), ["-p", folder]);
  } catch (error) {
    throw new Error(`tsc: ${error.stdout || error.message}`);
  }
}

/** As `npx convex` does it: one module for a browser, shortened. */
async function bundled(folder, file) {
  const { outputFiles } = await esbuild.build({
    entryPoints: [place(folder, file)],
    bundle: true,
    platform: "browser",
    format: "esm",
    target: "esnext",
    conditions: ["convex", "module"],
    splitting: false,
    minifySyntax: true,
    minifyIdentifiers: true,
    minifyWhitespace: false,
    keepNames: true,
    define: { "process.env.NODE_ENV": '"production"' },
    write: false,
    logLevel: "silent",
  });
  if (outputFiles.length !== 1) {
    throw new Error(`esbuild made ${outputFiles.length} files`);
  }
  return outputFiles[0].text;
}

/** The default export as JSON, from a world without the current time, chance, network and other modules. */
async function evaluated(code, environment) {
  const context = createContext({}, { codeGeneration: { strings: false, wasm: false } });
  for (const name of PLAIN) {
    context[name] = globalThis[name];
  }
  context.refused = REFUSED;
  context.environment = JSON.stringify(environment);
  new Script(`{
    const refuse = (what) => () => { throw new Error("not supported while evaluating auth config: " + what); };
    for (const name of refused) {
      Object.defineProperty(globalThis, name, { get: refuse(name) });
    }
    Date.now = refuse("Date.now");
    Math.random = refuse("Math.random");
    const date = (Date, parts) => (parts.length > 0 ? new Date(...parts) : refuse("new Date")());
    globalThis.Date = new Proxy(Date, { construct: date, apply: refuse("Date") });
    const variables = JSON.parse(environment);
    const env = new Proxy({}, {
      get(_, name) {
        if (!Object.hasOwn(variables, name)) {
          throw new Error("environment variable " + String(name) + " is not set");
        }
        return variables[name];
      },
    });
    globalThis.process = { env };
    delete globalThis.refused;
    delete globalThis.environment;
  }`).runInContext(context);
  const module = new SourceTextModule(code, {
    context,
    importModuleDynamically: (name) => {
      throw new Error(`imports ${name} while running`);
    },
  });
  await module.link((name) => {
    throw new Error(`imports ${name}`);
  });
  await module.evaluate();
  return JSON.parse(JSON.stringify(module.namespace.default));
}

async function outcome(work) {
  try {
    return { ok: await work() };
  } catch (error) {
    return { error: String(error?.message ?? error) };
  }
}
