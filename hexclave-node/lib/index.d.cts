/**
 * Proven Hexclave users in Node.js, and what Supabase and Convex need to know of them. (Hexclave is the new name of
 * Stack Auth.)
 *
 * @packageDocumentation
 */

export * from "./convex.cjs";
export * from "./errors.cjs";
export * from "./supabase.cjs";
export * from "./user.cjs";
export * from "./verifier.cjs";
export * from "./webhooks.cjs";
