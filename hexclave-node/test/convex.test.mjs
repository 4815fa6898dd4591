import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ConfigurationError,
  ConvexError,
  convexAuthConfig,
  convexIdentity,
  createVerifier,
  explainConvex,
} from "hexclave-node";

import { PROJECT, USER, claimsOf, projectKey, sign } from "./tokens.mjs";

const ISSUER = `https://api.hexclave.com/api/v1/projects/${PROJECT}`;
const [normal, anonymous] = [await projectKey("normal-key"), await projectKey("anonymous-key")];
const verifier = createVerifier({ projectId: PROJECT, keys: { normal: normal.jwks, anonymous: anonymous.jwks } });
const token = await sign(normal, claimsOf());
const config = await convexAuthConfig({ verifier, inlineKeys: true, format: "json" });

test("the configuration is written in each form", async () => {
  const ts = await convexAuthConfig({ projectId: PROJECT, acceptedKinds: ["normal", "anonymous"] });
  assert.match(ts, /} satisfies AuthConfig;\n$/);
  assert.ok(ts.includes(`"${PROJECT}:anon"`) && ts.includes("https://api.stack-auth.com"));
  const js = await convexAuthConfig({ projectId: PROJECT, aliases: false, format: "js" });
  assert.ok(!js.includes("AuthConfig;") && !js.includes("https://api.stack-auth.com/"));

  const { providers } = JSON.parse(config);
  assert.ok(providers.every(({ jwks }) => jwks.startsWith("data:")));
  const upstream = JSON.parse(await convexAuthConfig({ projectId: PROJECT, upstream: true, format: "json" }));
  assert.deepEqual(
    upstream.providers.map((provider) => "applicationID" in provider),
    [false, false],
  );

  const ofAnyProject = await convexAuthConfig({ projectId: PROJECT, projectIdVariable: "HEXCLAVE_PROJECT_ID" });
  assert.ok(ofAnyProject.includes("process.env.HEXCLAVE_PROJECT_ID") && !ofAnyProject.includes(PROJECT));
});

test("options that contradict each other are refused", async () => {
  for (const options of [
    { upstream: true, acceptedKinds: ["normal"] },
    { upstream: true, inlineKeys: true },
    { projectIdVariable: "A", format: "json" },
    { verifier, projectId: PROJECT },
    { format: "yaml" },
  ]) {
    await assert.rejects(convexAuthConfig({ projectId: PROJECT, ...options }), { code: "ERR_INVALID_ARG_TYPE" });
  }
  await assert.rejects(convexAuthConfig({ projectId: PROJECT, projectIdVariable: "not a name" }), (error) => {
    assert.ok(error instanceof ConvexError);
    assert.equal(error.code, "InvalidEnvironmentName");
    assert.match(error.message, /option `projectIdVariable`/);
    return true;
  });
  const bare = createVerifier({ projectId: PROJECT, keys: { normal: normal.jwks }, acceptedKinds: ["anonymous"] });
  await assert.rejects(convexAuthConfig({ verifier: bare, inlineKeys: true }), { code: "KeysMissing" });
});

test("the identity is Convex's, of a token and of a proven user", async () => {
  const identity = await convexIdentity(token, { config });
  const { tokenIdentifier, issuer, subject } = identity;
  assert.deepEqual([tokenIdentifier, issuer, subject], [`${ISSUER}|${USER}`, ISSUER, USER]);
  assert.deepEqual([identity.email_verified, identity.restricted_reason], [true, null]);
  const user = await verifier.verifyAccessToken(token);
  assert.deepEqual(await convexIdentity(user), identity);
  assert.deepEqual(await convexIdentity(token, { config: JSON.parse(config), websocket: true }), identity);
});

test("a refusal has Convex's code and status", async () => {
  const guest = await sign(anonymous, claimsOf("anonymous"));
  for (const [refused, code, status] of [
    [guest, "NoAuthProvider", 401],
    [`${token}x`, "InvalidAuthHeader", 401],
  ]) {
    await assert.rejects(convexIdentity(refused, { config }), (error) => {
      assert.ok(error instanceof ConvexError);
      assert.deepEqual([error.code, error.status, error.retryable], [code, status, false]);
      return true;
    });
  }
  await assert.rejects(convexIdentity(token, { config: "[{}]" }), { code: "AuthConfigNotMatchingSchemaError" });
  await assert.rejects(convexIdentity({ id: USER }, { config }), { name: "TypeError" });
  await assert.rejects(
    convexIdentity(token, { config, projectId: "no id" }).then(() => convexIdentity(token, { projectId: "no id" })),
    ConfigurationError,
  );
});

test("an explanation says what to do", async () => {
  const good = await explainConvex(token, { config });
  assert.equal(good.accepted, true);
  assert.ok(good.report.startsWith("Convex accepts this token"));

  const guest = await sign(anonymous, claimsOf("anonymous"));
  const bad = await explainConvex(guest, { config });
  assert.deepEqual([bad.accepted, bad.error.code, bad.token.kind], [false, "NoAuthProvider", "anonymous"]);
  assert.equal(bad.steps.find(({ outcome }) => outcome === "failed").name, "provider");
  assert.ok(bad.fixes.length > 0 && bad.nearest.length > 0);
  assert.ok(!JSON.stringify(bad).includes(guest.split(".")[2]));
});
