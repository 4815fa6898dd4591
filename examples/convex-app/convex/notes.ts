import { ConvexError, v } from "convex/values";
import type { Id } from "./_generated/dataModel";
import { mutation, type MutationCtx, query, type QueryCtx } from "./_generated/server";
import { type HexclaveUser, requireHexclaveUser } from "./hexclave";

/** Enough to try the app, too few to fill the table with. */
const GUEST_NOTES = 3;
/** In UTF-16 code units. */
const LONGEST_TEXT = 1000;
const NEWEST = 50;

/** The caller's own notes. Guests have some too, and keep them when they sign up: their key stays the same. */
export const list = query({
  args: {},
  handler: async (ctx) => {
    const user = await requireHexclaveUser(ctx, { allow: ["normal", "anonymous"] });
    return await notesOf(ctx, user).order("desc").take(NEWEST);
  },
});

/** What everybody may read, signed in or not. */
export const published = query({
  args: {},
  handler: async (ctx) => {
    const notes = ctx.db.query("notes").withIndex("by_publication", (q) => q.eq("isPublished", true));
    return (await notes.order("desc").take(NEWEST)).map(({ _id, text }) => ({ _id, text }));
  },
});

export const add = mutation({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    const user = await requireHexclaveUser(ctx, { allow: ["normal", "anonymous"] });
    if (text.length > LONGEST_TEXT) {
      throw new ConvexError({ code: "text_too_long", message: `a note has at most ${LONGEST_TEXT} characters` });
    }
    if (user.isAnonymous && (await notesOf(ctx, user).take(GUEST_NOTES)).length === GUEST_NOTES) {
      throw new ConvexError({ code: "guest_limit", message: `sign up to write more than ${GUEST_NOTES} notes` });
    }
    return await ctx.db.insert("notes", { owner: user.key, text, isPublished: false });
  },
});

/** Shows a note to everybody: not for guests, whom nobody could answer. */
export const publish = mutation({
  args: { id: v.id("notes") },
  handler: async (ctx, { id }) => {
    const user = await requireHexclaveUser(ctx);
    await requireOwn(ctx, user, id);
    await ctx.db.patch("notes", id, { isPublished: true });
  },
});

export const remove = mutation({
  args: { id: v.id("notes") },
  handler: async (ctx, { id }) => {
    const user = await requireHexclaveUser(ctx, { allow: ["normal", "anonymous"] });
    await requireOwn(ctx, user, id);
    await ctx.db.delete("notes", id);
  },
});

function notesOf(ctx: QueryCtx, user: HexclaveUser) {
  return ctx.db.query("notes").withIndex("by_owner", (q) => q.eq("owner", user.key));
}

/** Somebody else's note and one that is not there are refused alike, so that nobody learns which ids there are. */
async function requireOwn(ctx: MutationCtx, user: HexclaveUser, id: Id<"notes">): Promise<void> {
  const note = await ctx.db.get("notes", id);
  if (note === null || note.owner !== user.key) {
    throw new ConvexError({ code: "note_not_found", message: "you have no such note" });
  }
}
