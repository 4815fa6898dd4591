// Lets normal and anonymous users of the Hexclave project 11111111-2222-4333-8444-555555555555
// call this Convex deployment, with tokens from https://api.hexclave.com and https://api.stack-auth.com.
// The project's keys are in it (1044 bytes): when they change, make it anew and push it.
// Made by `hexclave-bridge convex auth-config` (89d98a1f8ca27f13); run that again instead of editing it.
// Other providers go outside the marked lines; with `--merge` they are kept.
import type { AuthConfig } from "convex/server";

export default {
  providers: [
    // hexclave-bridge: begin
    {
      type: "customJwt",
      applicationID: "11111111-2222-4333-8444-555555555555",
      issuer: "https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555",
      jwks: "data:application/json;base64,eyJrZXlzIjpbeyJrdHkiOiJFQyIsImNydiI6IlAtMjU2IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJkZ09qSUVtS3NUaUYiLCJ4IjoiYjlVVGhuUTF3c3hrUWN2YlJ1MUNuZnREdmp1cUxXQVI2elF0T0RLU3hRUSIsInkiOiItam9lWnlNU0tPLUlCMHM1OWlzYkNza1UxSklmN09xS0U2bFp6NndLS05FIn1dfQ==",
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      applicationID: "11111111-2222-4333-8444-555555555555",
      issuer: "https://api.stack-auth.com/api/v1/projects/11111111-2222-4333-8444-555555555555",
      jwks: "data:application/json;base64,eyJrZXlzIjpbeyJrdHkiOiJFQyIsImNydiI6IlAtMjU2IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJkZ09qSUVtS3NUaUYiLCJ4IjoiYjlVVGhuUTF3c3hrUWN2YlJ1MUNuZnREdmp1cUxXQVI2elF0T0RLU3hRUSIsInkiOiItam9lWnlNU0tPLUlCMHM1OWlzYkNza1UxSklmN09xS0U2bFp6NndLS05FIn1dfQ==",
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      applicationID: "11111111-2222-4333-8444-555555555555:anon",
      issuer: "https://api.hexclave.com/api/v1/projects-anonymous-users/11111111-2222-4333-8444-555555555555",
      jwks: "data:application/json;base64,eyJrZXlzIjpbeyJrdHkiOiJFQyIsImNydiI6IlAtMjU2IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJkZ09qSUVtS3NUaUYiLCJ4IjoiQUI2RzdiNGU2cVF3YmtiUzZSVml6aGJrM0xrTy1JOThPeHlJVVkwcXRIbyIsInkiOiJ2eW9zWEpGYjlMMGpZT0Y0V0QzZHhmVGhUSVpQS2N1UVNSeUZoQzZfQ1hRIn1dfQ==",
      algorithm: "ES256",
    },
    {
      type: "customJwt",
      applicationID: "11111111-2222-4333-8444-555555555555:anon",
      issuer: "https://api.stack-auth.com/api/v1/projects-anonymous-users/11111111-2222-4333-8444-555555555555",
      jwks: "data:application/json;base64,eyJrZXlzIjpbeyJrdHkiOiJFQyIsImNydiI6IlAtMjU2IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJkZ09qSUVtS3NUaUYiLCJ4IjoiQUI2RzdiNGU2cVF3YmtiUzZSVml6aGJrM0xrTy1JOThPeHlJVVkwcXRIbyIsInkiOiJ2eW9zWEpGYjlMMGpZT0Y0V0QzZHhmVGhUSVpQS2N1UVNSeUZoQzZfQ1hRIn1dfQ==",
      algorithm: "ES256",
    },
    // hexclave-bridge: end
  ],
} satisfies AuthConfig;
