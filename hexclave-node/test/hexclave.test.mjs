// Against a running Hexclave: keys that are fetched, outages, requests, the environment, threads.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";

import { TokenError, UnavailableError, createSupabaseMinter, createVerifier, supabaseJwks } from "hexclave-node";
import { createLocalJWKSet, jwtVerify } from "jose";

import { LocalHexclave, USERS } from "./local-hexclave.mjs";

const SECRET = "super-secret-jwt-token-with-at-least-32-characters-long";
const PACKAGE = new URL("..", import.meta.url);

let hexclave;
let token;
before(async () => {
  hexclave = await LocalHexclave.start();
  token = await hexclave.signIn(USERS.ada);
});
after(() => hexclave?.stop());

test("keys are fetched once for all who wait for them", async () => {
  const verifier = createVerifier(hexclave.project);
  assert.equal(verifier.keyHealth().state, "missing");
  assert.equal(verifier.projectKeys(), null);
  const users = await Promise.all(Array.from({ length: 50 }, () => verifier.verifyAccessToken(token)));
  assert.deepEqual([...new Set(users.map((user) => user.name))], ["Ada"]);
  const { state, ageSeconds, lastError } = verifier.keyHealth();
  assert.equal(state, "fresh");
  assert.ok(ageSeconds >= 0);
  assert.equal(lastError, null);
});

test("each kind of user is known by keys of its own", async () => {
  const verifier = createVerifier({ ...hexclave.project, acceptedKinds: ["normal", "restricted", "anonymous"] });
  const guest = await verifier.verifyAccessToken(await hexclave.signInAsGuest());
  assert.deepEqual([guest.kind, guest.email], ["anonymous", null]);
  const mallory = await verifier.verifyAccessToken(await hexclave.signIn(USERS.mallory));
  assert.deepEqual([mallory.kind, mallory.restrictedReason], ["restricted", "restricted_by_administrator"]);
});

test("a request's user is found wherever the request carries the token", async () => {
  const verifier = createVerifier(hexclave.project);
  const authJson = JSON.stringify({ accessToken: token, refreshToken: null });
  const inBase64 = Buffer.from(authJson).toString("base64");
  for (const [name, value] of [
    ["authorization", `Bearer ${token}`],
    ["authorization", `Bearer stackauth_${inBase64}`],
    ["x-stack-access-token", token],
    ["x-hexclave-access-token", token],
    ["x-stack-auth", authJson],
  ]) {
    const forms = [
      new Request("https://example.com", { headers: { [name]: value } }),
      { headers: new Headers([[name, value]]) },
      { headers: new Map([[name, value]]) },
      { headers: { get: (asked) => (asked === name ? value : undefined) } },
      { headers: { [name.toUpperCase()]: [value], accept: "*/*", via: undefined } },
    ];
    for (const request of forms) {
      assert.equal((await verifier.userFromRequest(request))?.name, "Ada", name);
    }
  }
});

test("a request to node:http is a request", async () => {
  const verifier = createVerifier(hexclave.project);
  const server = createServer(async (request, response) => {
    const user = await verifier.userFromRequest(request).catch((error) => error);
    response.statusCode = user?.status ?? 200;
    response.end(user === null ? "nobody" : (user.email ?? user.code));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  try {
    const ask = async (authorization) => {
      const headers = authorization === undefined ? {} : { authorization };
      const answer = await fetch(`http://127.0.0.1:${server.address().port}/`, { headers });
      return [answer.status, await answer.text()];
    };
    assert.deepEqual(await ask(`Bearer ${token}`), [200, "ada@example.com"]);
    assert.deepEqual(await ask(undefined), [200, "nobody"]);
    assert.deepEqual(await ask("Bearer"), [200, "nobody"]);
    assert.deepEqual(await ask("Basic YTpi"), [200, "nobody"]);
    assert.deepEqual(await ask("Bearer nonsense"), [401, "token_malformed"]);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test("a request that contradicts itself or cannot be read is refused", async () => {
  const verifier = createVerifier(hexclave.project);
  const other = await hexclave.signIn(USERS.grace);
  const conflicting = { headers: { authorization: `Bearer ${token}`, "x-stack-access-token": other } };
  await assert.rejects(verifier.userFromRequest(conflicting), (error) => {
    assert.ok(error instanceof TokenError);
    assert.deepEqual([error.code, error.status], ["conflicting_credentials", 400]);
    return true;
  });
  for (const unreadable of [`Bearer ${token}\u0001`, `Bearer ${token}, Bearer ${token}`, "Bearer \u00e4"]) {
    await assert.rejects(verifier.userFromRequest({ headers: { authorization: unreadable } }), {
      name: "TokenError",
      code: "token_malformed",
    });
  }
  for (const wrong of [undefined, null, {}, "request", { headers: "a: b" }, new Headers()]) {
    await assert.rejects(verifier.userFromRequest(wrong), { name: "TypeError", code: "ERR_INVALID_ARG_TYPE" });
  }
  await assert.rejects(
    verifier.userFromRequest({ headers: { authorization: 7 } }),
    /the header authorization should be/,
  );
});

test("cookies are read where they are asked for", async () => {
  const cookie = `stack-refresh=kept; stack-access=${encodeURIComponent(JSON.stringify(["kept", token]))}`;
  assert.equal(await createVerifier(hexclave.project).userFromRequest({ headers: { cookie } }), null);
  const verifier = createVerifier({ ...hexclave.project, cookies: true });
  assert.equal((await verifier.userFromRequest({ headers: { cookie } })).name, "Ada");
  assert.equal(await verifier.userFromRequest({ headers: { cookie: "theme=dark" } }), null);
});

test("Supabase gets the project's keys, and they verify Hexclave's own tokens", async () => {
  const document = JSON.parse(await supabaseJwks(hexclave.project));
  assert.deepEqual(Object.keys(document), ["custom_jwks"]);
  const { payload } = await jwtVerify(token, createLocalJWKSet(document.custom_jwks), { audience: hexclave.projectId });
  assert.equal(payload.name, "Ada");

  const verifier = createVerifier(hexclave.project);
  const selfHosted = JSON.parse(await supabaseJwks({ verifier, for: "self-hosted", secret: SECRET }));
  const legacy = selfHosted.keys.find(({ kid }) => kid === "legacy-jwt-secret");
  assert.equal(Buffer.from(legacy.k, "base64url").toString(), SECRET);
  await assert.rejects(supabaseJwks({ verifier, secret: SECRET }), (error) => {
    assert.deepEqual([error.name, error.code], ["ConfigurationError", "invalid_key"]);
    assert.ok(!error.message.includes(SECRET));
    return true;
  });
  await assert.rejects(
    supabaseJwks({ verifier, projectId: hexclave.projectId }),
    /`verifier` should be without `projectId`/,
  );
});

test("an outage refuses nobody who is known, and says of others that nothing could be said", async () => {
  const doomed = await LocalHexclave.start();
  let verifier, known, sameKey;
  try {
    [known, sameKey] = [await doomed.signIn(USERS.ada), await doomed.signIn(USERS.grace)];
    verifier = createVerifier(doomed.project);
    assert.equal((await verifier.verifyAccessToken(known)).name, "Ada");
  } finally {
    await doomed.stop();
  }
  assert.equal((await verifier.verifyAccessToken(known)).name, "Ada");
  assert.equal((await verifier.verifyAccessToken(sameKey)).name, "Grace");

  const late = createVerifier(doomed.project);
  const unavailable = (error) => {
    assert.ok(error instanceof UnavailableError, error);
    assert.deepEqual([error.code, error.status, error.retryable], ["keys_unavailable", 503, true]);
    assert.ok(error.cause instanceof Error);
    return true;
  };
  await assert.rejects(late.verifyAccessToken(known), unavailable);
  await assert.rejects(late.userFromRequest({ headers: { authorization: `Bearer ${known}` } }), unavailable);
  await assert.rejects(late.warmUp(), unavailable);
  await assert.rejects(createSupabaseMinter({ secret: SECRET, verifier: late }).mint(known), unavailable);
  assert.equal(late.keyHealth().state, "missing");
  assert.ok(late.keyHealth().lastError instanceof UnavailableError);
  // Nobody has to be asked about nobody.
  assert.equal(await late.userFromRequest({ headers: {} }), null);

  const prepared = createVerifier({ ...doomed.project, initialKeys: verifier.projectKeys() });
  assert.equal((await prepared.verifyAccessToken(known)).name, "Ada");
});

test("the one-liners take everything from the environment, in ESM and in CommonJS", async () => {
  const run = async (type, load) => {
    const program = `${load}
      const [token] = process.argv.slice(-1);
      const signedIn = { headers: { authorization: "Bearer " + token } };
      Promise.all([
        verifyAccessToken(token), userFromRequest(signedIn), userFromRequest({ headers: {} }), mintSupabaseToken(token),
      ]).then(([user, same, nobody, jwt]) => console.log(JSON.stringify([user.name, same.id === user.id, nobody, jwt])));`;
    const env = {
      PATH: process.env.PATH,
      HEXCLAVE_PROJECT_ID: hexclave.projectId,
      STACK_API_URL: hexclave.apiUrl,
      SUPABASE_JWT_SECRET: SECRET,
    };
    const args = [`--input-type=${type}`, "-e", program, "--", token];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: PACKAGE, env });
    return JSON.parse(stdout);
  };
  const names = "{ verifyAccessToken, userFromRequest, mintSupabaseToken }";
  for (const [type, load] of [
    ["module", `import ${names} from "hexclave-node";`],
    ["commonjs", `const ${names} = require("hexclave-node");`],
  ]) {
    const [name, same, nobody, jwt] = await run(type, load);
    assert.deepEqual([name, same, nobody], ["Ada", true, null], type);
    assert.equal((await jwtVerify(jwt, Buffer.from(SECRET))).payload.role, "authenticated");
  }
});

test("an empty environment is explained", async () => {
  const program = `import { mintSupabaseToken, verifyAccessToken, verifyWebhook } from "hexclave-node";
    const said = (error) => error.code + ": " + error.message;
    console.log(JSON.stringify(await Promise.all([
      verifyAccessToken("a.b.c").catch(said), mintSupabaseToken("a.b.c").catch(said), verifyWebhook("{}", {}).catch(said),
    ])));`;
  const args = ["--input-type=module", "-e", program];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: PACKAGE,
    env: { PATH: process.env.PATH },
  });
  const [verify, mint, webhook] = JSON.parse(stdout);
  assert.match(verify, /^invalid_config: no Hexclave project id: none of NEXT_PUBLIC_HEXCLAVE_PROJECT_ID/);
  assert.match(mint, /^invalid_secret: no Supabase JWT secret: SUPABASE_JWT_SECRET is not set/);
  assert.match(webhook, /^invalid_config: no webhook secret: none of HEXCLAVE_WEBHOOK_SECRET/);
});

test("it works in a thread with an environment of its own, and goes on when that thread has ended", async () => {
  const program = `
    const { parentPort, workerData } = require("node:worker_threads");
    require("hexclave-node").verifyAccessToken(workerData).then((user) => parentPort.postMessage(user.name));`;
  const env = { HEXCLAVE_PROJECT_ID: hexclave.projectId, HEXCLAVE_API_URL: hexclave.apiUrl };
  for (let turn = 0; turn < 2; turn += 1) {
    const worker = new Worker(program, { eval: true, env, workerData: token });
    const said = await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    assert.equal(said, "Ada");
    await worker.terminate();
  }
  assert.equal((await createVerifier(hexclave.project).verifyAccessToken(token)).name, "Ada");
});
