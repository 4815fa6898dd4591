// The issuers whose tokens this Convex deployment accepts.
// Made by `hexclave-bridge convex auth-config`: run that again instead of editing this file.

export default /** @satisfies {import("convex/server").AuthConfig} */ ({
  providers: [
    {
      applicationID: "app",
      domain: "https://example.com",
    },
    {
      type: "customJwt",
      issuer: "https://example.com/\u2028\"\\",
      jwks: "data:,{}\n</script>`${x}`",
      algorithm: "RS256",
    },
  ],
});
