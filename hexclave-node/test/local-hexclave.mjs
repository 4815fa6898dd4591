// A local Hexclave as a process: the real server that the SDKs run against, on a free port of this machine.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const TARGET = process.env.CARGO_TARGET_DIR ?? join(dirname(fileURLToPath(import.meta.url)), "..", "..", "target");
const PROGRAM = join(TARGET, "debug", process.platform === "win32" ? "hexclave-bridge.exe" : "hexclave-bridge");
const PASSWORD = "correct horse";

export const USERS = {
  ada: { email: "ada@example.com", password: PASSWORD, name: "Ada" },
  grace: { email: "grace@example.com", password: PASSWORD, name: "Grace" },
  mallory: { email: "mallory@example.com", password: PASSWORD, kind: "restricted" },
};

export class LocalHexclave {
  #program;

  constructor(program, { apiUrl, projectId, publishableClientKey }) {
    this.#program = program;
    this.apiUrl = apiUrl;
    this.projectId = projectId;
    this.publishableClientKey = publishableClientKey;
  }

  /** Starts one, with the users above. */
  static async start() {
    const folder = await mkdtemp(join(tmpdir(), "hexclave-node-"));
    try {
      const seed = join(folder, "seed.json");
      await writeFile(seed, JSON.stringify({ users: Object.values(USERS) }));
      const program = spawn(PROGRAM, ["local", "--listen", "127.0.0.1:0", "--json", "--seed", seed], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      process.once("exit", () => program.kill("SIGKILL"));
      const failed = once(program, "exit").then(([code]) => assert.fail(`hexclave-bridge local ended with ${code}`));
      failed.catch(() => {});
      const lines = createInterface({ input: program.stdout });
      const [first] = await Promise.race([once(lines, "line"), failed]);
      return new LocalHexclave(program, JSON.parse(first));
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  /** What a verifier needs to know of it. */
  get project() {
    return { projectId: this.projectId, apiUrl: this.apiUrl };
  }

  /** The access token of a new session of one of the users. */
  async signIn({ email, password }) {
    return (await this.#post("/auth/password/sign-in", { email, password })).access_token;
  }

  /** The access token of a new guest. */
  async signInAsGuest() {
    return (await this.#post("/auth/anonymous/sign-up", {})).access_token;
  }

  async #post(path, body) {
    const answer = await fetch(`${this.apiUrl}/api/v1${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-stack-access-type": "client",
        "x-stack-project-id": this.projectId,
        "x-stack-publishable-client-key": this.publishableClientKey,
      },
      body: JSON.stringify(body),
    });
    const said = await answer.text();
    assert.equal(answer.status, 200, said);
    return JSON.parse(said);
  }

  /** Ends it: from then on nobody listens at its address. */
  async stop() {
    if (this.#program.exitCode !== null || this.#program.signalCode !== null) return;
    const ended = once(this.#program, "exit");
    this.#program.kill("SIGTERM");
    await ended;
  }
}
