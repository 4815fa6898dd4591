// What the setup guides have a Node server do: verify the Hexclave token with jose, and sign one for Supabase.
//
//   node service.mjs JWKS_URL ISSUER AUDIENCE WORKERS
//
// The secret is SUPABASE_JWT_SECRET. Prints the port when it listens.

import cluster from "node:cluster";
import { createServer } from "node:http";
import { createRemoteJWKSet, jwtVerify, SignJWT } from "jose";

const [jwksUrl, issuer, audience, workers] = process.argv.slice(2);
const LIFETIME = 3600;

function serve() {
  const keys = createRemoteJWKSet(new URL(jwksUrl));
  const secret = new TextEncoder().encode(process.env.SUPABASE_JWT_SECRET);

  async function exchange(accessToken) {
    const { payload } = await jwtVerify(accessToken, keys, { issuer, audience, algorithms: ["ES256"] });
    return new SignJWT({ sub: payload.sub, role: "authenticated", aud: "authenticated", is_anonymous: false })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setIssuedAt()
      .setExpirationTime(`${LIFETIME}s`)
      .sign(secret);
  }

  const server = createServer(async (request, response) => {
    let status = 404;
    let body = { code: "not_found" };
    if (request.method === "GET" && request.url === "/supabase/token") {
      const [, accessToken] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
      try {
        const token = await exchange(accessToken ?? "");
        status = 200;
        body = {
          access_token: token,
          issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
          token_type: "Bearer",
          expires_in: LIFETIME,
        };
      } catch {
        status = 401;
        body = { code: "token_refused" };
      }
    }
    const text = JSON.stringify(body);
    response
      .writeHead(status, {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
        "cache-control": "no-store",
      })
      .end(text);
  });
  server.listen(0, "127.0.0.1", () => {
    if (cluster.isPrimary) console.log(server.address().port);
  });
}

if (cluster.isPrimary && Number(workers) > 1) {
  let listening = 0;
  cluster.on("listening", (_, { port }) => {
    listening += 1;
    if (listening === Number(workers)) console.log(port);
  });
  for (let worker = 0; worker < Number(workers); worker += 1) cluster.fork();
} else {
  serve();
}

// With whoever has started it.
if (cluster.isPrimary) process.stdin.on("end", () => process.exit()).resume();
