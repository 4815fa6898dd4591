import { createLocalJWKSet, errors, importJWK, jwtVerify } from "jose";
import { array, object, run, string } from "../program.mjs";

await run("supabase/verify", async (input) => {
  const secret = new TextEncoder().encode(string(input.secret, "secret"));
  const jwks = object(input.jwks, "jwks");
  const { audience = "authenticated" } = input;
  const options = { audience: audience ?? undefined, currentDate: new Date(input.now * 1000) };
  const results = [];
  for (const [index, token] of array(input.tokens, "tokens").entries()) {
    results.push(await verify(string(token, `tokens[${index}]`), keyOf(secret, jwks), options));
  }
  return { results };
});

/**
 * Chooses a key as Supabase's Storage does: a token that names none is the legacy secret's, and shared secrets of the
 * document, of which `jose` takes none from a set, are looked up by name.
 */
function keyOf(secret, jwks) {
  const asymmetric = createLocalJWKSet(jwks);
  return async (header, token) => {
    if (header.alg !== "HS256") {
      return asymmetric(header, token);
    }
    const jwk = jwks.keys.find((key) => key.kty === "oct" && key.kid === header.kid);
    return header.kid === undefined ? secret : importJWK(jwk, "HS256");
  };
}

async function verify(token, key, options) {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, key, options);
    return { ok: true, payload, header: protectedHeader };
  } catch (error) {
    if (error instanceof errors.JOSEError) {
      return { ok: false, code: error.code };
    }
    throw error;
  }
}
