"use strict";

const { platform } = require("./platform.cjs");

// The native part: one that was built here, or that of the platform's package. Each is named in full, because bundlers
// and `output: "standalone"` of Next.js find by reading what a program loads.

const PLATFORMS = {
  "darwin-arm64": [() => require("../hexclave-node.darwin-arm64.node"), () => require("hexclave-node-darwin-arm64")],
  "darwin-x64": [() => require("../hexclave-node.darwin-x64.node"), () => require("hexclave-node-darwin-x64")],
  "linux-arm64-gnu": [
    () => require("../hexclave-node.linux-arm64-gnu.node"),
    () => require("hexclave-node-linux-arm64-gnu"),
  ],
  "linux-arm64-musl": [
    () => require("../hexclave-node.linux-arm64-musl.node"),
    () => require("hexclave-node-linux-arm64-musl"),
  ],
  "linux-x64-gnu": [() => require("../hexclave-node.linux-x64-gnu.node"), () => require("hexclave-node-linux-x64-gnu")],
  "linux-x64-musl": [
    () => require("../hexclave-node.linux-x64-musl.node"),
    () => require("hexclave-node-linux-x64-musl"),
  ],
  "win32-x64-msvc": [
    () => require("../hexclave-node.win32-x64-msvc.node"),
    () => require("hexclave-node-win32-x64-msvc"),
  ],
};

function load(name) {
  const reasons = [];
  for (const attempt of PLATFORMS[name] ?? []) {
    try {
      return attempt();
    } catch (error) {
      reasons.push(error);
    }
  }
  const what = name in PLATFORMS ? `The package hexclave-node-${name} is not installed, or cannot be loaded` : `There is no package for ${name}`;
  const todo = "install without `--omit=optional` and on the platform that it runs on, or build it from source: see README.md";
  throw new Error(`hexclave-node has no native part here. ${what}: ${todo}.`, { cause: reasons.at(-1) });
}

module.exports = load(platform());
