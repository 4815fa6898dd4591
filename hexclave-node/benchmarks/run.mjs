// Compares the package with jose and writes docs/performance-node.md: `npm run benchmark`.
//
// One program runs everything. In each round every case runs once, so that a ratio is always one of two figures of the
// same seconds.

import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { CASES, GATES, prepare } from "./cases.mjs";
import { machine, report, spread } from "./report.mjs";

const BATCH = 128;
const REPORT = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "docs", "performance-node.md");

const { rounds, seconds } = parseArgs({
  options: { rounds: { type: "string", default: "41" }, seconds: { type: "string", default: "0.25" } },
}).values;

/** Operations per second of processor time: of the whole program, threads of the pool and the collector included. */
async function measure(operation, time) {
  const cpu = process.cpuUsage();
  const end = performance.now() + time * 1000;
  let count = 0;
  while (performance.now() < end) {
    for (let i = 0; i < BATCH; i += 1, count += 1) {
      if (!(await operation(count))) throw new Error("the operation succeeds");
    }
    // As between two requests: what is not needed any more is let go.
    await new Promise(setImmediate);
  }
  const { user, system } = process.cpuUsage(cpu);
  return (count / (user + system)) * 1e6;
}

const operations = await prepare();
const names = Object.keys(CASES);
const results = Object.fromEntries(names.map((name) => [name, []]));
const where = machine();
for (let round = 0; round <= Number(rounds); round += 1) {
  // The first round warms up. Every other one goes backwards, so that no case always follows the same other.
  for (const name of round % 2 === 0 ? names : names.toReversed()) {
    const perSecond = await measure(operations[name], Number(seconds));
    if (round > 0) results[name].push(perSecond);
  }
  process.stderr.write(`round ${round} of ${rounds}\n`);
}

const rustc = execFileSync("rustc", ["--version"], { encoding: "utf8" }).trim();
await mkdir(dirname(REPORT), { recursive: true });
await writeFile(REPORT, report(results, { where, rustc, rounds, seconds }));
for (const [title, one, other, least] of GATES) {
  const { median, holds } = spread(results[one], results[other], least);
  console.log(`${title}: ${median}, at least ${least}: ${holds}`);
}
