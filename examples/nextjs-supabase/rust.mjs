// What of the example is Rust. `node rust.mjs serve` runs the services; `node rust.mjs install` puts the native part of
// hexclave-node where `npm install` has put the rest of it. (From npm, the package comes with it.)

import { spawn, spawnSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { platform } from "../../hexclave-node/scripts/platform.mjs";

const PACKAGES = { addon: "hexclave-node", services: "example-nextjs-supabase" };
const folder = import.meta.dirname;

/**
 * Builds both at once, as each alone would build what they share in a way of its own; with other packages and features where
 * `CARGO_SELECTION` names them. Gives the paths of what is made.
 */
function build() {
  const selection = process.env.CARGO_SELECTION?.split(" ") ?? Object.values(PACKAGES).flatMap((name) => ["--package", name]);
  const { error, status, stdout } = spawnSync(
    "cargo",
    ["build", "--locked", ...selection, "--message-format", "json-render-diagnostics"],
    { cwd: folder, stdio: ["ignore", "pipe", "inherit"], maxBuffer: 64 * 1024 * 1024, encoding: "utf8" },
  );
  if (error || status !== 0) {
    throw new Error("The Rust side of the example cannot be built: is a Rust toolchain installed?", { cause: error });
  }
  const messages = stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const made = (name) => messages.find(({ target }) => target?.name === name);
  return {
    addon: made("hexclave_node").filenames.find((name) => /\.(so|dylib|dll)$/.test(name)),
    services: made(PACKAGES.services).executable,
  };
}

/** Gives the same. */
export function install() {
  const made = build();
  const place = join(folder, "node_modules/hexclave-node", `hexclave-node.${platform()}.node`);
  copyFileSync(made.addon, place);
  return made;
}

function serve() {
  const services = spawn(build().services, { stdio: "inherit" });
  // A terminal interrupts both; the services end first.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => services.kill("SIGINT"));
  services.on("exit", (code) => {
    process.exitCode = code ?? 1;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const commands = { install, serve };
  commands[process.argv[2]]();
}
