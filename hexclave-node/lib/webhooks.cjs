"use strict";

const { inspect } = require("node:util");

const { argument, number, options, text, type, variable, wrong } = require("./arguments.cjs");
const { settled } = require("./errors.cjs");
const { readHeaders } = require("./headers.cjs");
const native = require("./native.cjs");

const HEADERS = native.webhookHeaderNames();

const secrets = type(
  "a string or an array of strings",
  (value) => text.is(value) || (Array.isArray(value) && value.length > 0 && value.every(text.is)),
  (value) => [value].flat(),
);

/** The body as it arrived; JSON that was parsed and written again would not be it. */
const rawBody = type(
  "the raw body: a string, a Uint8Array or an ArrayBuffer",
  (body) => text.is(body) || body instanceof Uint8Array || body instanceof ArrayBuffer,
  (body) =>
    body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.byteLength) : Buffer.from(body),
);

class WebhookDelivery {
  #payload;

  constructor({ id, sentAt, eventType, payload }) {
    this.id = id;
    this.sentAt = new Date(sentAt);
    this.type = eventType;
    this.#payload = payload;
  }

  // Not shown by `console.log` and `JSON.stringify`, since it is personal.
  get data() {
    return JSON.parse(this.#payload).data;
  }
}

class WebhookVerifier {
  #handle;

  constructor(given) {
    const { secret = [], maxBodyBytes } = options(
      given,
      { secret: secrets, maxBodyBytes: number },
      "createWebhookVerifier",
    );
    this.#handle = settled(native.createWebhookVerifier(secret, maxBodyBytes, variable));
  }

  async verify(body, headers) {
    const raw = argument(body, rawBody, "body", "verifyWebhook");
    const read = readHeaders(headers, HEADERS, "verifyWebhook");
    return new WebhookDelivery(settled(await native.verifyWebhook(this.#handle, read, raw)));
  }

  [inspect.custom]() {
    return "WebhookVerifier {}";
  }
}

const createWebhookVerifier = (options) => new WebhookVerifier(options);

/** One for each secret, so that it remembers what it has seen; `undefined` is that of the environment. */
const shared = new Map();

async function verifyWebhook(body, headers, secret) {
  if (secret !== undefined && !text.is(secret)) throw wrong("verifyWebhook: `secret`", text.expected);
  if (!shared.has(secret)) shared.set(secret, createWebhookVerifier({ secret }));
  return shared.get(secret).verify(body, headers);
}

module.exports = { WebhookVerifier, createWebhookVerifier, verifyWebhook };
