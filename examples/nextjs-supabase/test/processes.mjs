// What the page needs to run: the services, and the application in production.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";

const folder = join(import.meta.dirname, "..");
const TIED = join(import.meta.dirname, "tied.mjs");
const NEXT = join(folder, "node_modules/next/dist/bin/next");

/** Starts the services; each ends with its standard input. */
export async function startServices(program) {
  const services = spawn(program, ["--json"], { stdio: ["pipe", "pipe", "inherit"] });
  for await (const line of createInterface(services.stdout)) {
    return { settings: JSON.parse(line), stop: () => stop(services) };
  }
  throw new Error("the services have ended at once");
}

/** `next build` with these settings. */
export async function buildApplication(settings) {
  const build = next(["build"], settings);
  const [output, [code]] = await Promise.all([text(build.stdout), once(build, "close")]);
  if (code !== 0) {
    throw new Error(`next build has failed:\n${output}`);
  }
}

/** `next start` on any free port. */
export async function startApplication(settings) {
  const application = next(["start", "--hostname", "127.0.0.1", "--port", "0"], settings);
  let output = "";
  for await (const line of createInterface(application.stdout)) {
    output += `${line}\n`;
    const url = line.match(/Local:\s+(http:\S+)/)?.[1];
    if (url) {
      application.stdout.resume();
      return { url, stop: () => stop(application) };
    }
  }
  throw new Error(`next start has ended at once:\n${output}`);
}

function next(command, settings) {
  // The variables go before those of `.env.local`.
  const env = { ...process.env, ...settings, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1" };
  return spawn(process.execPath, [TIED, NEXT, ...command], { cwd: folder, env, stdio: ["pipe", "pipe", "inherit"] });
}

async function stop(child) {
  if (child.exitCode === null && child.signalCode === null) {
    child.stdin.end();
    await once(child, "exit");
  }
}
