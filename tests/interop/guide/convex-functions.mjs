// "Use Hexclave user data in Convex functions": the guide's query, called with `convex-test` as users with the given
// identities.
import { HexclaveServerApp } from "@stackframe/js";
import { anyApi, queryGeneric as query } from "convex/server";
import { convexTest } from "convex-test";
import { array, run, string } from "../program.mjs";

await run("guide/convex-functions", async (input) => {
  const hexclaveServerApp = new HexclaveServerApp({
    tokenStore: null,
    projectId: string(input.projectId, "projectId"),
    secretServerKey: string(input.secretServerKey, "secretServerKey"),
  });
  const myQuery = query({
    handler: async (ctx, args) => {
      const user = await hexclaveServerApp.getPartialUser({ from: "convex", ctx });
      return user;
    },
  });

  const convex = convexTest({
    modules: {
      "convex/_generated/api.js": async () => ({}),
      "convex/functions.js": async () => ({ myQuery }),
    },
  });
  const users = [];
  for (const identity of array(input.identities, "identities")) {
    const caller = identity === null ? convex : convex.withIdentity(identity);
    users.push(await caller.query(anyApi.functions.myQuery, {}));
  }
  return { users };
});
process.exit();
