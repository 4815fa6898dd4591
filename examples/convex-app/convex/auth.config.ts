// Lets normal, restricted and anonymous users of the Hexclave project 11111111-2222-4333-8444-555555555555
// call this Convex deployment, with tokens from https://api.hexclave.com and https://api.stack-auth.com.
// Made by `hexclave-bridge convex auth-config` (2c3d989c9f3038c4); run that again instead of editing it.
// Other providers go outside the marked lines; with `--merge` they are kept.
import type { AuthConfig } from "convex/server";

export default {
  providers: [
    // hexclave-bridge: begin
    {
      type: "customJwt",
      applicationID: "11111111-2222-4333-8444-555555555555",
      issuer: "https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555",
      jwks: "https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555/.well-known/jwks.json",
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      applicationID: "11111111-2222-4333-8444-555555555555",
      issuer: "https://api.stack-auth.com/api/v1/projects/11111111-2222-4333-8444-555555555555",
      jwks: "https://api.stack-auth.com/api/v1/projects/11111111-2222-4333-8444-555555555555/.well-known/jwks.json",
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      applicationID: "11111111-2222-4333-8444-555555555555:anon",
      issuer: "https://api.hexclave.com/api/v1/projects-anonymous-users/11111111-2222-4333-8444-555555555555",
      jwks: "https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555/.well-known/jwks.json?include_anonymous=true",
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      applicationID: "11111111-2222-4333-8444-555555555555:anon",
      issuer: "https://api.stack-auth.com/api/v1/projects-anonymous-users/11111111-2222-4333-8444-555555555555",
      jwks: "https://api.stack-auth.com/api/v1/projects/11111111-2222-4333-8444-555555555555/.well-known/jwks.json?include_anonymous=true",
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      applicationID: "11111111-2222-4333-8444-555555555555:restricted",
      issuer: "https://api.hexclave.com/api/v1/projects-restricted-users/11111111-2222-4333-8444-555555555555",
      jwks: "https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555/.well-known/jwks.json?include_restricted=true",
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      applicationID: "11111111-2222-4333-8444-555555555555:restricted",
      issuer: "https://api.stack-auth.com/api/v1/projects-restricted-users/11111111-2222-4333-8444-555555555555",
      jwks: "https://api.stack-auth.com/api/v1/projects/11111111-2222-4333-8444-555555555555/.well-known/jwks.json?include_restricted=true",
      algorithm: "ES256",
    },
    // hexclave-bridge: end
  ],
} satisfies AuthConfig;
