// The issuers whose tokens this Convex deployment accepts.
// Made by `hexclave-bridge convex auth-config`: run that again instead of editing this file.
import type { AuthConfig } from "convex/server";

export default {
  providers: [],
} satisfies AuthConfig;
