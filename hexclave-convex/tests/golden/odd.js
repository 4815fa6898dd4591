// The issuers whose tokens this Convex deployment accepts.
// The project's keys are in it (24 bytes): when they change, make it anew and push it.
// Made by `hexclave-bridge convex auth-config` (51b2f3d2d18e160b); run that again instead of editing it.
// Other providers go outside the marked lines; with `--merge` they are kept.

export default /** @satisfies {import("convex/server").AuthConfig} */ ({
  providers: [
    // hexclave-bridge: begin
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
    // hexclave-bridge: end
  ],
});
