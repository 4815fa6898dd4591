import { array, object, run, string } from "./program.mjs";

await run("sign-upstream", async (input) => {
  const serverSecret = string(input.serverSecret, "serverSecret");
  const requests = array(input.tokens, "tokens").map((token, index) => {
    const at = `tokens[${index}]`;
    object(token, at);
    return {
      audience: string(token.audience, `${at}.audience`),
      issuer: string(token.issuer, `${at}.issuer`),
      expirationTime: string(token.expirationTime, `${at}.expirationTime`),
      payload: object(token.payload, `${at}.payload`),
    };
  });

  // Upstream prefers the HEXCLAVE_ name of a variable to the STACK_ one.
  delete process.env.HEXCLAVE_SERVER_SECRET;
  process.env.STACK_SERVER_SECRET = serverSecret;
  const { getPrivateJwks, getPublicJwkSet, signJWT } = await import(
    "@stackframe/stack-shared/dist/utils/jwt"
  );

  const tokens = [];
  const jwks = new Map();
  for (const request of requests) {
    tokens.push(await signJWT(request));
    const { audience } = request;
    if (!jwks.has(audience)) {
      jwks.set(audience, await getPublicJwkSet(await getPrivateJwks({ audience })));
    }
  }
  return { tokens, jwks: Object.fromEntries(jwks) };
});
