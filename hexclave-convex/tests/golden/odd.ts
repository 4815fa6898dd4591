// The issuers whose tokens this Convex deployment accepts.
// Made by `hexclave-bridge convex auth-config`: run that again instead of editing this file.
import type { AuthConfig } from "convex/server";

export default {
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
} satisfies AuthConfig;
