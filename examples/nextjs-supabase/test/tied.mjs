// `node tied.mjs program …` runs a program of Node until it ends or the other end of standard input is gone: whoever has
// started it may be killed, and nothing is left.

import { spawn } from "node:child_process";

const child = spawn(process.execPath, process.argv.slice(2), { stdio: ["ignore", "inherit", "inherit"] });
process.stdin.resume().on("close", () => child.kill());
child.on("exit", (code) => process.exit(code ?? 1));
