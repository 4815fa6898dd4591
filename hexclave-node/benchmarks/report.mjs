// What is written of the results.

import { readFileSync } from "node:fs";
import os from "node:os";

import { CASES, GATES } from "./cases.mjs";

/** The median of the ratios of two cases, round by round, and the middle half of them. */
export function spread(one, other, least = 0) {
  const ratios = one.map((value, round) => value / other[round]);
  const [low, median, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratios, share));
  const digits = median >= 100 ? 0 : median >= 10 ? 1 : 2;
  return {
    median: median.toFixed(digits),
    middle: `${low.toFixed(digits)} to ${high.toFixed(digits)}`,
    holds: median >= least ? "holds" : "**does not hold**",
  };
}

function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const [below, above] = [Math.floor(place), Math.ceil(place)];
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

/** What this runs on, and how busy it is. */
export function machine() {
  const [{ model }] = os.cpus();
  const cores = os.cpus().length;
  const load = os.loadavg()[0].toFixed(1);
  const system = `${os.type()} ${os.release()}, ${os.arch()}`;
  return `${model.trim()}, ${cores} cores, ${system}. Load average when it began: ${load}`;
}

function versions(rustc) {
  const version = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")).version;
  const lock = readFileSync(new URL("../../Cargo.lock", import.meta.url), "utf8");
  const crate = (name) => `${name} ${lock.match(new RegExp(`name = "${name}"\nversion = "(.*)"`))[1]}`;
  return [
    `hexclave-node ${version("../package.json")}`,
    crate("napi"),
    crate("aws-lc-rs"),
    rustc,
    `Node ${process.version} with OpenSSL ${process.versions.openssl}`,
    `jose ${version("../node_modules/jose/package.json")}`,
  ].join(", ");
}

function gates(results) {
  const rows = GATES.map(([title, one, other, least]) => {
    const { median, middle, holds } = spread(results[one], results[other], least);
    return `| ${title} | ${median} | ${middle} | ${least} | ${holds} |`;
  });
  return ["| | median | middle half | at least | |", "|---|--:|--:|--:|---|", ...rows].join("\n");
}

function table(results, names, reference) {
  const rows = names.map((name) => {
    const { median, middle } = spread(results[name], results[reference]);
    const perSecond = Math.round(quantile(results[name], 0.5));
    return `| ${CASES[name]} | ${perSecond.toLocaleString("en")} | ${median} (${middle}) |`;
  });
  const title = `| | operations per second | × ${CASES[reference]} (middle half) |`;
  return [title, "|---|--:|--:|", ...rows].join("\n");
}

export function report(results, { where, rustc, rounds, seconds }) {
  const minting = ["mint", "mint-token", "mint-cached", "jose-mint", "jose-mint-key"];
  const verifying = ["new", "jose-verify", "known", "known-one", "request"];
  return `# Performance in Node.js

Written by \`npm run benchmark\` in \`hexclave-node/\`. Trust the ratios, not the figures: how fast a machine is changes
from minute to minute, how two programs compare on it hardly does.

## Method

- One Node.js program, one operation after the other, each awaited. The way from JavaScript into native code and back is
  in all figures of hexclave-node, and so is reading the user's id.
- ${rounds} rounds. In each round every case runs once for ${seconds} seconds, every other round in reverse. A ratio is that of
  two figures of one round; shown is the median of the rounds, and the half of them in the middle.
- Time is the processor time of the whole program: threads of Node's pool, which jose's cryptography runs in, and the
  garbage collector included.
- 5,000 access tokens with Hexclave's 18 claims, signed with one key. jose finds the key by \`kid\` and checks \`iss\`,
  \`aud\` and \`exp\`; hexclave-node checks the project, the branch, the kind of user and the repetition of names besides.
- A Supabase token has the claims \`sub\`, \`role\`, \`iat\` and \`exp\` with jose, as in Hexclave's guide; \`aud\` and
  \`is_anonymous\` besides with hexclave-node. The guide makes the key's bytes anew for each token.

Machine: ${where}.

Versions: ${versions(rustc)}.

## Comparison with the goals

${gates(results)}

## Minting

${table(results, minting, "jose-mint")}

## Verifying

${table(results, verifying, "jose-verify")}

## Again

\`npm ci && npm run benchmark\` in \`hexclave-node/\` builds the native part, measures for about two minutes and writes
this file. It needs Cargo and Node 20 or newer. On a quiet machine the middle half is narrower.
`;
}
