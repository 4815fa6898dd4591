// The issuers whose tokens this Convex deployment accepts.
// Made by `hexclave-bridge convex auth-config` (97cf9d1d1286dbc9); run that again instead of editing it.
// Other providers go outside the marked lines; with `--merge` they are kept.
import type { AuthConfig } from "convex/server";

export default {
  providers: [
    // hexclave-bridge: begin
    // hexclave-bridge: end
  ],
} satisfies AuthConfig;
