import { once } from "node:events";
import { createServer } from "node:http";
import { createClient } from "@supabase/supabase-js";
import ws, { WebSocketServer } from "ws";
import { run, string } from "../program.mjs";

await run("supabase/send", async (input) => {
  const apiKey = string(input.apiKey, "apiKey");
  const { token } = input;
  const recorder = await record();
  const supabase = createClient(recorder.url, apiKey, {
    accessToken: async () => token,
    realtime: { transport: ws },
  });
  try {
    await Promise.all([
      supabase.from("data").select(),
      supabase.from("data").insert({ id: 1 }),
      supabase.rpc("now"),
      supabase.storage.from("files").list(),
      supabase.functions.invoke("hello"),
    ]);
    await subscribed(supabase.channel("room", { config: { private: true } }));
  } finally {
    await supabase.removeAllChannels();
    await recorder.stop();
  }
  return { requests: recorder.requests, joins: recorder.joins };
});
// Timers of the client would hold the program up for ten seconds.
process.exit();

function subscribed(channel) {
  return new Promise((resolve, reject) => {
    channel.subscribe((status, error) => {
      if (status === "SUBSCRIBED") {
        resolve();
      } else if (status !== "CLOSED") {
        reject(error ?? new Error(`the channel is ${status}`));
      }
    });
  });
}

/** A Supabase that lets everybody in and remembers what they sent. */
async function record() {
  const requests = [];
  const joins = [];
  const server = createServer((request, response) => {
    const { authorization = null, apikey = null } = request.headers;
    const path = new URL(request.url, "http://localhost").pathname;
    requests.push({ method: request.method, path, authorization, apikey });
    request.resume();
    response.setHeader("content-type", "application/json").end("[]");
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("message", (message) => {
      const [joinRef, ref, topic, event, payload] = parts(JSON.parse(message));
      if (event === "phx_join") {
        joins.push({ topic, accessToken: payload.access_token ?? null });
      }
      const reply = { status: "ok", response: { postgres_changes: [] } };
      socket.send(JSON.stringify([joinRef, ref, topic, "phx_reply", reply]));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    joins,
    async stop() {
      for (const socket of sockets.clients) {
        socket.terminate();
      }
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Phoenix's protocol has messages as lists in its second version, as objects in its first. */
function parts(message) {
  return Array.isArray(message)
    ? message
    : [message.join_ref, message.ref, message.topic, message.event, message.payload];
}
