import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  notes: defineTable({
    /** The `key` of the user who wrote it. */
    owner: v.string(),
    text: v.string(),
    isPublished: v.boolean(),
  })
    .index("by_owner", ["owner"])
    .index("by_publication", ["isPublished"]),
});
