"use strict";

// The native part: one that was built here, or that of the platform's package. Each is named in full, because bundlers
// and `output: "standalone"` of Next.js find by reading what a program loads.
//
// Of Linux's two C libraries the one is tried after the other: npm installs the fitting package only, and the other
// cannot be loaded.

const PLATFORMS = {
  "darwin-arm64": [() => require("../hexclave-node.darwin-arm64.node"), () => require("hexclave-node-darwin-arm64")],
  "darwin-x64": [() => require("../hexclave-node.darwin-x64.node"), () => require("hexclave-node-darwin-x64")],
  "linux-arm64": [
    () => require("../hexclave-node.linux-arm64-gnu.node"),
    () => require("hexclave-node-linux-arm64-gnu"),
    () => require("../hexclave-node.linux-arm64-musl.node"),
    () => require("hexclave-node-linux-arm64-musl"),
  ],
  "linux-x64": [
    () => require("../hexclave-node.linux-x64-gnu.node"),
    () => require("hexclave-node-linux-x64-gnu"),
    () => require("../hexclave-node.linux-x64-musl.node"),
    () => require("hexclave-node-linux-x64-musl"),
  ],
  "win32-x64": [() => require("../hexclave-node.win32-x64-msvc.node"), () => require("hexclave-node-win32-x64-msvc")],
};

function load(platform) {
  const reasons = [];
  for (const attempt of PLATFORMS[platform] ?? []) {
    try {
      return attempt();
    } catch (error) {
      reasons.push(error);
    }
  }
  if (reasons.length === 0) {
    throw new Error(`hexclave-node has no native part for ${platform}: ${Object.keys(PLATFORMS).join(", ")}`);
  }
  // What is there and cannot be loaded tells more than what is not there.
  const cause = reasons.find(({ code }) => code !== "MODULE_NOT_FOUND");
  const what = cause === undefined ? "is not there" : "cannot be loaded";
  throw new Error(
    `The native part of hexclave-node for ${platform} ${what}. Install it on the platform that it runs on and without ` +
      "`--omit=optional`, or build it: see README.md",
    { cause: cause ?? reasons[0] },
  );
}

module.exports = load(`${process.platform}-${process.arch}`);
