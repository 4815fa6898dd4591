// Makes the tarballs to publish, in `dist/`: the package, and one for each platform whose native part lies here as
// `hexclave-node.<platform>.node`. All platforms have to be there, unless it is called with `--partial`.

import { execFileSync } from "node:child_process";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const NAPI = "@napi-rs/cli@3.10.12";
const LICENSES = ["LICENSE-APACHE", "LICENSE-MIT"];

const { partial = false } = parseArgs({ options: { partial: { type: "boolean" } } }).values;
const folder = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(folder, "dist");
const run = (command, ...args) =>
  execFileSync(command, args, { cwd: dist, stdio: "inherit", shell: process.platform === "win32" });

await rm(dist, { recursive: true, force: true });
await mkdir(dist);
await cp(join(folder, "lib"), join(dist, "lib"), { recursive: true });
await cp(join(folder, "README.md"), join(dist, "README.md"));
await copyLicenses(dist);
const { devDependencies, scripts, ...manifest } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
await writeManifest(dist, manifest);

run("npx", "--yes", `--package=${NAPI}`, "napi", "create-npm-dirs");

const here = await readdir(folder);
const optionalDependencies = {};
const missing = [];
for (const platform of await readdir(join(dist, "npm"))) {
  const package_ = join(dist, "npm", platform);
  const binary = `hexclave-node.${platform}.node`;
  if (!here.includes(binary)) {
    missing.push(binary);
    await rm(package_, { recursive: true });
    continue;
  }
  await cp(join(folder, binary), join(package_, binary));
  await copyLicenses(package_);
  await writeManifest(package_, JSON.parse(await readFile(join(package_, "package.json"), "utf8")));
  optionalDependencies[`${manifest.name}-${platform}`] = manifest.version;
}
if (missing.length > 0 && !partial) {
  throw new Error(`not there: ${missing.join(", ")} (--partial goes on without)`);
}
await writeManifest(dist, { ...manifest, optionalDependencies });
run("npm", "pack", ".", ...(await readdir(join(dist, "npm"))).map((platform) => `./npm/${platform}`));

async function copyLicenses(to) {
  for (const license of LICENSES) await cp(join(folder, "..", license), join(to, license));
}

async function writeManifest(to, manifest) {
  const files = [...manifest.files, ...LICENSES];
  await writeFile(join(to, "package.json"), `${JSON.stringify({ ...manifest, files }, null, 2)}\n`);
}
