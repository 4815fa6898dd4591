// Lets normal, restricted and anonymous users of the Hexclave project whose id is in HEXCLAVE_PROJECT_ID
// call this Convex deployment, with tokens from https://api.hexclave.com and https://api.stack-auth.com.
// Convex refuses this file while that is not set: `npx convex env set HEXCLAVE_PROJECT_ID <project id>`
// Made by `hexclave-bridge convex auth-config` (81d09b8575cbb916); run that again instead of editing it.
// Other providers go outside the marked lines; with `--merge` they are kept.

export default /** @satisfies {import("convex/server").AuthConfig} */ ({
  providers: [
    // hexclave-bridge: begin
    {
      type: "customJwt",
      applicationID: `${process.env.HEXCLAVE_PROJECT_ID}`,
      issuer: `https://api.hexclave.com/api/v1/projects/${process.env.HEXCLAVE_PROJECT_ID}`,
      jwks: `https://api.hexclave.com/api/v1/projects/${process.env.HEXCLAVE_PROJECT_ID}/.well-known/jwks.json`,
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      applicationID: `${process.env.HEXCLAVE_PROJECT_ID}`,
      issuer: `https://api.stack-auth.com/api/v1/projects/${process.env.HEXCLAVE_PROJECT_ID}`,
      jwks: `https://api.stack-auth.com/api/v1/projects/${process.env.HEXCLAVE_PROJECT_ID}/.well-known/jwks.json`,
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      applicationID: `${process.env.HEXCLAVE_PROJECT_ID}:anon`,
      issuer: `https://api.hexclave.com/api/v1/projects-anonymous-users/${process.env.HEXCLAVE_PROJECT_ID}`,
      jwks: `https://api.hexclave.com/api/v1/projects/${process.env.HEXCLAVE_PROJECT_ID}/.well-known/jwks.json?include_anonymous=true`,
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      applicationID: `${process.env.HEXCLAVE_PROJECT_ID}:anon`,
      issuer: `https://api.stack-auth.com/api/v1/projects-anonymous-users/${process.env.HEXCLAVE_PROJECT_ID}`,
      jwks: `https://api.stack-auth.com/api/v1/projects/${process.env.HEXCLAVE_PROJECT_ID}/.well-known/jwks.json?include_anonymous=true`,
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      applicationID: `${process.env.HEXCLAVE_PROJECT_ID}:restricted`,
      issuer: `https://api.hexclave.com/api/v1/projects-restricted-users/${process.env.HEXCLAVE_PROJECT_ID}`,
      jwks: `https://api.hexclave.com/api/v1/projects/${process.env.HEXCLAVE_PROJECT_ID}/.well-known/jwks.json?include_restricted=true`,
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      applicationID: `${process.env.HEXCLAVE_PROJECT_ID}:restricted`,
      issuer: `https://api.stack-auth.com/api/v1/projects-restricted-users/${process.env.HEXCLAVE_PROJECT_ID}`,
      jwks: `https://api.stack-auth.com/api/v1/projects/${process.env.HEXCLAVE_PROJECT_ID}/.well-known/jwks.json?include_restricted=true`,
      algorithm: "ES256",
    },
    // hexclave-bridge: end
  ],
});
