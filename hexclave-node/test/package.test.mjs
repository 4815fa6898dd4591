// What is published: its types, its files, and how it finds its native part.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import * as esm from "hexclave-node";

import { platform } from "../scripts/platform.mjs";

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), "..");

test("both module systems have the same, once", () => {
  const cjs = require("hexclave-node");
  assert.deepEqual(Object.keys(cjs).sort(), Object.keys(esm).sort());
  for (const [name, value] of Object.entries(esm)) assert.equal(cjs[name], value, name);
});

test("the types are those of all that is there, and hold", async () => {
  const rooms = (await readdir(join(PACKAGE, "lib"))).filter((file) => file.endsWith(".d.cts"));
  const types = (await Promise.all(rooms.map((file) => readFile(join(PACKAGE, "lib", file), "utf8")))).join("");
  for (const name of Object.keys(esm)) assert.match(types, new RegExp(`^export (class|function) ${name}\\b`, "m"));
  const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
  const { stdout } = await run(process.execPath, [tsc, "-p", join(PACKAGE, "test", "types")]).catch((error) => error);
  assert.equal(stdout, "");
});

test("what is packed is what is needed, and works beside the platform's package", async () => {
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const { stdout } = await run(npm, ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: PACKAGE });
  const files = JSON.parse(stdout)[0].files.map(({ path }) => path);
  const outside = files.filter((path) => !/^lib\/[a-z.-]+\.([cm]js|d\.[cm]ts)$/.test(path));
  assert.deepEqual(outside.sort(), ["README.md", "package.json"]);

  const folder = await mkdtemp(join(tmpdir(), "hexclave-node-"));
  try {
    const [main, native] = ["hexclave-node", `hexclave-node-${platform()}`].map((name) =>
      join(folder, "node_modules", name),
    );
    for (const file of files) {
      await mkdir(dirname(join(main, file)), { recursive: true });
      await copyFile(join(PACKAGE, file), join(main, file));
    }
    const args = ["-p", 'require("hexclave-node").createVerifier({ projectId: "internal" }).projectId'];
    await assert.rejects(run(process.execPath, args, { cwd: folder }), (error) => {
      assert.match(error.stderr, /The native part of hexclave-node for \S+ is not there\. Install it/);
      return true;
    });
    const binary = `hexclave-node.${platform()}.node`;
    await mkdir(native);
    await writeFile(join(native, "index.js"), 'throw new Error("for another platform");');
    await assert.rejects(run(process.execPath, args, { cwd: folder }), (error) => {
      assert.match(error.stderr, /cannot be loaded[^]*for another platform/);
      return true;
    });
    await copyFile(join(PACKAGE, binary), join(native, binary));
    await writeFile(
      join(native, "package.json"),
      JSON.stringify({ name: `hexclave-node-${platform()}`, main: binary }),
    );
    assert.equal((await run(process.execPath, args, { cwd: folder })).stdout, "internal\n");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a platform without a package is named", async () => {
  const program = 'Object.defineProperty(process, "arch", { value: "s390x" }); require("hexclave-node");';
  await assert.rejects(run(process.execPath, ["-e", program], { cwd: PACKAGE }), (error) => {
    assert.match(error.stderr, /hexclave-node has no native part for [a-z0-9]+-s390x: darwin-arm64/);
    return true;
  });
});
