// Functions that ask who calls them. Compiled next to an emitted `hexclave.ts`, whose types are looked at here too.
import { actionGeneric, httpActionGeneric, httpRouter, mutationGeneric, queryGeneric } from "convex/server";
import type { GenericDataModel, GenericMutationCtx, GenericQueryCtx } from "convex/server";
import { hexclaveUser, requireHexclaveUser } from "./hexclave.js";
import type { HexclaveUser, HexclaveUserKind } from "./hexclave.js";

type Options = { allow?: HexclaveUserKind[] };

export const userInQuery = queryGeneric((ctx, options: Options) => hexclaveUser(ctx, options));
export const userInMutation = mutationGeneric((ctx, options: Options) => hexclaveUser(ctx, options));
export const userInAction = actionGeneric((ctx, options: Options) => hexclaveUser(ctx, options));
export const requireInQuery = queryGeneric((ctx, options: Options) => requireHexclaveUser(ctx, options));
export const requireInMutation = mutationGeneric((ctx, options: Options) => requireHexclaveUser(ctx, options));
export const requireInAction = actionGeneric((ctx, options: Options) => requireHexclaveUser(ctx, options));

const http = httpRouter();
http.route({
  path: "/user",
  method: "GET",
  handler: httpActionGeneric(async (ctx) => {
    const user: HexclaveUser<"normal"> = await requireHexclaveUser(ctx);
    return Response.json(user);
  }),
});
export default http;

export async function types(
  query: GenericQueryCtx<GenericDataModel>,
  mutation: GenericMutationCtx<GenericDataModel>,
): Promise<void> {
  const normal: HexclaveUser<"normal"> = await requireHexclaveUser(query);
  const nothing: null = normal.restrictedReason;
  const perhaps: HexclaveUser<"normal"> | null = await hexclaveUser(mutation, {});
  // @ts-expect-error Nobody may be signed in.
  perhaps.id;

  const either = await requireHexclaveUser(query, { allow: ["normal", "anonymous"] });
  const kind: "normal" | "anonymous" = either.kind;
  if (either.isAnonymous) {
    const reason: "anonymous" = either.restrictedReason.type;
    void reason;
  }
  // @ts-expect-error A guest may have come in.
  const wrong: HexclaveUser<"normal"> = either;
  // @ts-expect-error There is no such kind.
  await requireHexclaveUser(query, { allow: ["administrator"] });
  // @ts-expect-error Users are not changed.
  either.key = "";

  const restricted = await requireHexclaveUser(query, { allow: ["restricted"] });
  const reason: string = restricted.restrictedReason.type;
  void [nothing, kind, wrong, reason];
}
