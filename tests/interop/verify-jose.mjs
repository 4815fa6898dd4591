import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { array, object, run, string } from "./program.mjs";

await run("verify-jose", async (input) => {
  const jwksUrl = url(string(input.jwksUrl, "jwksUrl"));
  const requests = array(input.tokens, "tokens").map((request, index) => {
    const at = `tokens[${index}]`;
    object(request, at);
    return {
      token: string(request.token, `${at}.token`),
      issuer: string(request.issuer, `${at}.issuer`),
      audience: string(request.audience, `${at}.audience`),
    };
  });

  const keys = createRemoteJWKSet(jwksUrl);
  const results = [];
  for (const request of requests) {
    results.push(await verify(keys, request));
  }
  return { results };
});

async function verify(keys, { token, issuer, audience }) {
  try {
    const options = { issuer, audience, algorithms: ["ES256"] };
    const { payload, protectedHeader } = await jwtVerify(token, keys, options);
    return { ok: true, payload, header: protectedHeader };
  } catch (error) {
    // An error that is not jose's own, such as a refused connection, says nothing about the token.
    if (error instanceof errors.JOSEError) {
      return { ok: false, code: error.code };
    }
    throw error;
  }
}

function url(value) {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    throw new Error("jwksUrl must be an http or https URL");
  }
  return new URL(value);
}
