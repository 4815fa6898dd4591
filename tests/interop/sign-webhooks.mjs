import { Webhook } from "standardwebhooks";
import { array, object, run, string } from "./program.mjs";

await run("sign-webhooks", (input) => {
  const deliveries = array(input.deliveries, "deliveries").map((delivery, index) => {
    const at = `deliveries[${index}]`;
    object(delivery, at);
    return {
      secret: string(delivery.secret, `${at}.secret`),
      id: string(delivery.id, `${at}.id`),
      timestamp: seconds(delivery.timestamp, `${at}.timestamp`),
      body: string(delivery.body, `${at}.body`),
    };
  });
  return {
    signatures: deliveries.map(({ secret, id, timestamp, body }) =>
      new Webhook(secret).sign(id, new Date(timestamp * 1000), body),
    ),
  };
});

function seconds(value, what) {
  if (!Number.isSafeInteger(value)) {
    throw new Error(`${what} must be a whole number`);
  }
  return value;
}
