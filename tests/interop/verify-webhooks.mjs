import { webhookEvents } from "@stackframe/stack-shared/dist/interface/webhooks";
import { Webhook } from "standardwebhooks";
import { array, object, run, string } from "./program.mjs";

await run("verify-webhooks.mjs", async (input) => {
  const webhook = new Webhook(string(input.secret, "secret"));
  const results = [];
  for (const message of array(input.messages, "messages")) {
    results.push(await verify(webhook, object(message, "a message")));
  }
  return { results };
});

/** Says whether a message is signed as it should be, and its data what Hexclave's schema demands. */
async function verify(webhook, { id, timestamp, signature, body }) {
  const headers = {
    "webhook-id": string(id, "id"),
    "webhook-timestamp": string(timestamp, "timestamp"),
    "webhook-signature": string(signature, "signature"),
  };
  let event;
  try {
    event = webhook.verify(string(body, "body"), headers);
  } catch (error) {
    return { ok: false, reason: error.message };
  }
  const known = webhookEvents.find(({ type }) => type === event.type);
  if (!known) {
    return { ok: true, type: event.type, known: false };
  }
  await known.schema.strict().noUnknown().validate(event.data);
  return { ok: true, type: event.type, known: true };
}
