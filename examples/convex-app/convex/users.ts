import { query } from "./_generated/server";
import { hexclaveUser } from "./hexclave";

/** Who calls, of whatever kind, for the page to show; null when nobody is signed in. */
export const me = query({
  args: {},
  handler: (ctx) => hexclaveUser(ctx, { allow: ["normal", "restricted", "anonymous"] }),
});
