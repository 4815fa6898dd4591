// The issuers whose tokens this Convex deployment accepts.
// Made by `hexclave-bridge convex auth-config` (d5b9179f9fda4a8b); run that again instead of editing it.
// Other providers go outside the marked lines; with `--merge` they are kept.

export default /** @satisfies {import("convex/server").AuthConfig} */ ({
  providers: [
    // hexclave-bridge: begin
    // hexclave-bridge: end
  ],
});
