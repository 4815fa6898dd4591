// Lets normal and anonymous users of the Hexclave project 11111111-2222-4333-8444-555555555555
// call this Convex deployment, with tokens from http://localhost:8102.
// Made by `hexclave-bridge convex auth-config` (365c9bdf9669c369); run that again instead of editing it.
// Other providers go outside the marked lines; with `--merge` they are kept.
import type { AuthConfig } from "convex/server";

export default {
  providers: [
    // hexclave-bridge: begin
    {
      type: "customJwt",
      applicationID: "11111111-2222-4333-8444-555555555555",
      issuer: "http://localhost:8102/api/v1/projects/11111111-2222-4333-8444-555555555555",
      jwks: "http://localhost:8102/api/v1/projects/11111111-2222-4333-8444-555555555555/.well-known/jwks.json",
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      applicationID: "11111111-2222-4333-8444-555555555555:anon",
      issuer: "http://localhost:8102/api/v1/projects-anonymous-users/11111111-2222-4333-8444-555555555555",
      jwks: "http://localhost:8102/api/v1/projects/11111111-2222-4333-8444-555555555555/.well-known/jwks.json?include_anonymous=true",
      algorithm: "ES256",
    },
    // hexclave-bridge: end
  ],
} satisfies AuthConfig;
