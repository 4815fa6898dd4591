import { existsSync } from "node:fs";
import { delimiter, join, isAbsolute } from "node:path";

// The places in which scripts/ensure-chromium looks, in the same order.
const PROGRAMS = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** How playwright starts the browser; undefined where there is none and the test may be left out. */
export function launchOptions() {
  const { HEXCLAVE_TEST_CHROMIUM: named, INTEROP_REQUIRED } = process.env;
  const executablePath = (named ? [named] : PROGRAMS).map(find).find(Boolean);
  if (executablePath === undefined && (named || INTEROP_REQUIRED)) {
    throw new Error("There is no Chromium: scripts/ensure-chromium installs it, HEXCLAVE_TEST_CHROMIUM names another.");
  }
  return executablePath && { executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-quic"] };
}

function find(program) {
  const folders = isAbsolute(program) ? [""] : (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}
