// Lets normal and anonymous users of the Hexclave project 11111111-2222-4333-8444-555555555555
// call this Convex deployment, with tokens from https://api.hexclave.com.
// Made by `hexclave-bridge convex auth-config` (286c7aee19bc3df8); run that again instead of editing it.
// Other providers go outside the marked lines; with `--merge` they are kept.

export default /** @satisfies {import("convex/server").AuthConfig} */ ({
  providers: [
    // hexclave-bridge: begin
    {
      type: "customJwt",
      issuer: "https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555",
      jwks: "https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555/.well-known/jwks.json",
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      issuer: "https://api.hexclave.com/api/v1/projects-anonymous-users/11111111-2222-4333-8444-555555555555",
      jwks: "https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555/.well-known/jwks.json?include_anonymous=true",
      algorithm: "ES256",
    },
    // hexclave-bridge: end
  ],
});
