import assert from "node:assert/strict";
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { test } from "node:test";
import { inspect } from "node:util";

import { ConfigurationError, WebhookError, createWebhookVerifier, verifyWebhook } from "hexclave-node";

const USER = "22222222-2222-4222-8222-222222222222";
const BODY = JSON.stringify({ type: "user.deleted", data: { id: USER, teams: [], note: "ä" } });

const newSecret = () => `whsec_${randomBytes(24).toString("base64")}`;

/** The headers of a delivery, as Standard Webhooks has them. */
function seal(secret, body = BODY, { id = `msg_${randomUUID()}`, at = Date.now() } = {}) {
  const timestamp = String(Math.floor(at / 1000));
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "svix-id": id, "svix-timestamp": timestamp, "svix-signature": `v1,${signature}` };
}

const refused = (code, status) => (error) => {
  assert.ok(error instanceof WebhookError, error);
  assert.deepEqual([error.code, error.status, error.retryable], [code, status, false]);
  return true;
};

test("a delivery is proven and read, in whatever form it comes", async () => {
  const verifier = createWebhookVerifier({ secret: newSecret() });
  await assert.rejects(verifier.verify(BODY, seal(newSecret())), refused("webhook_signature_mismatch", 401));

  const secret = newSecret();
  for (const [body, headers] of [
    [BODY, seal(secret)],
    [Buffer.from(BODY), new Headers(seal(secret))],
    [new TextEncoder().encode(BODY).buffer, new Map(Object.entries(seal(secret)))],
    [
      BODY,
      Object.fromEntries(Object.entries(seal(secret)).map(([name, value]) => [name.replace("svix", "Webhook"), value])),
    ],
  ]) {
    const delivery = await verifyWebhook(body, headers, secret);
    assert.deepEqual([delivery.type, delivery.data.id, delivery.data.note], ["user.deleted", USER, "ä"]);
    assert.ok(delivery.id.startsWith("msg_"));
    assert.ok(Math.abs(delivery.sentAt - Date.now()) < 300_000);
    assert.ok(!(inspect(delivery) + JSON.stringify(delivery)).includes(USER));
  }
});

test("an attempt is taken once, also by the function that keeps no verifier in sight", async () => {
  const secret = newSecret();
  const headers = seal(secret);
  await verifyWebhook(BODY, headers, secret);
  await assert.rejects(verifyWebhook(BODY, headers, secret), refused("webhook_replayed", 409));
});

test("two secrets may be good while one replaces the other", async () => {
  const [old, next] = [newSecret(), newSecret()];
  const verifier = createWebhookVerifier({ secret: [old, next] });
  for (const secret of [old, next]) assert.equal((await verifier.verify(BODY, seal(secret))).data.id, USER);
});

test("what is no delivery of now is refused", async () => {
  const secret = newSecret();
  const verifier = createWebhookVerifier({ secret, maxBodyBytes: 1000 });
  const altered = BODY.replace(USER, USER.replace("2", "3"));
  const long = JSON.stringify({ type: "user.deleted", data: { id: USER, note: "x".repeat(1000) } });
  for (const [body, headers, code, status] of [
    [BODY, {}, "webhook_malformed", 400],
    ["[]", seal(secret, "[]"), "webhook_malformed", 400],
    [altered, seal(secret), "webhook_signature_mismatch", 401],
    [BODY, seal(secret, BODY, { at: Date.now() - 3_600_000 }), "webhook_out_of_time", 401],
    [BODY, seal(secret, BODY, { at: Date.now() + 3_600_000 }), "webhook_out_of_time", 401],
    [long, seal(secret, long), "webhook_too_large", 413],
  ]) {
    await assert.rejects(verifier.verify(body, headers), refused(code, status), code);
  }
});

test("what the body and the secret should be is said, and the secret is not", async () => {
  const secret = newSecret();
  await assert.rejects(verifyWebhook(JSON.parse(BODY), seal(secret), secret), {
    name: "TypeError",
    message: "verifyWebhook: `body` should be the raw body: a string, a Uint8Array or an ArrayBuffer",
  });
  await assert.rejects(verifyWebhook(BODY, "headers", secret), /the headers should be an object with `get`/);
  await assert.rejects(verifyWebhook(BODY, {}, 7), /`secret` should be a string/);
  assert.throws(() => createWebhookVerifier({ secret: [] }), TypeError);
  assert.throws(
    () => createWebhookVerifier({ secret: "hidden" }),
    (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.match(error.message, /option `secret`.*whsec_/);
      assert.ok(!inspect(error).includes("hidden"));
      return true;
    },
  );
  assert.equal(inspect(createWebhookVerifier({ secret }), { showHidden: true }), "WebhookVerifier {}");
});
