import { SignJWT, exportJWK, exportPKCS8, generateKeyPair } from "jose";
import { object, run } from "../program.mjs";

await run("supabase/sign", async (input) => {
  const payload = object(input.payload, "payload");
  const keys = [];
  for (const alg of ["ES256", "RS256"]) {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const named = { kid: `jose-${alg}`, alg, use: "sig" };
    const header = { alg, kid: named.kid, typ: "JWT" };
    keys.push({
      alg,
      privateJwk: { ...named, ...(await exportJWK(privateKey)) },
      publicJwk: { ...named, ...(await exportJWK(publicKey)) },
      pem: await exportPKCS8(privateKey),
      token: await new SignJWT(payload).setProtectedHeader(header).sign(privateKey),
    });
  }
  return { keys };
});
