// The libraries of npm. Reads one line of JSON (tokens, keys), then runs a round for each line `case seconds`.

import { createPublicKey } from "node:crypto";
import { createInterface } from "node:readline";

import { JwtVerifier } from "aws-jwt-verify";
import { createVerifier } from "fast-jwt";
import { createLocalJWKSet, jwtVerify } from "jose";

const BATCH = 32;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { tokens, jwks: json, iss, aud, signing_key } = JSON.parse((await lines.next()).value);
const jwks = JSON.parse(json);

const set = createLocalJWKSet(jwks);

// fast-jwt has no key set of its own; with the key given it is more than three times as fast as with a function that
// looks keys up, so it is given the key.
const key = createPublicKey({ key: jwks.keys.find((jwk) => jwk.kid === signing_key), format: "jwk" }).export({
  type: "spki",
  format: "pem",
});
const options = { key, algorithms: ["ES256"], allowedIss: iss, allowedAud: aud };
const fastJwt = createVerifier(options);
const remembering = createVerifier({ ...options, cache: 10_000 });
const rememberingOne = createVerifier({ ...options, cache: true });
for (const token of tokens) remembering(token);

const aws = JwtVerifier.create({ issuer: iss, audience: aud, jwksUri: `${iss}/.well-known/jwks.json` });
aws.cacheJwks(jwks);

const cases = {
  jose: async (i) => (await jwtVerify(tokens[i % tokens.length], set, { issuer: iss, audience: aud })).payload.sub,
  "fast-jwt": (i) => fastJwt(tokens[i % tokens.length]).sub,
  "fast-jwt-again": (i) => remembering(tokens[i % tokens.length]).sub,
  "fast-jwt-again-one": () => rememberingOne(tokens[0]).sub,
  "aws-jwt-verify": (i) => aws.verifySync(tokens[i % tokens.length]).sub,
};

const seconds = (start) => Number(process.hrtime.bigint() - start) / 1e9;

async function measure(operation, time) {
  const isAsync = operation === cases.jose;
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  let count = 0;
  while (seconds(start) < time) {
    for (let i = 0; i < BATCH; i += 1, count += 1) {
      const subject = isAsync ? await operation(count) : operation(count);
      if (!subject) throw new Error("the operation succeeds");
    }
  }
  const wall = seconds(start);
  const used = process.cpuUsage(cpu);
  return { count, wall, cpu: (used.user + used.system) / 1e6 };
}

console.log("ready");
for await (const line of lines) {
  const [name, time] = line.split(" ");
  console.log(JSON.stringify(await measure(cases[name], Number(time))));
}
