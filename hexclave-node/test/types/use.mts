// How the package is used, as TypeScript sees it; and what it must not take.

import type { IncomingMessage } from "node:http";

import {
  ConfigurationError,
  HexclaveError,
  TokenError,
  User,
  type UserKind,
  type Verifier,
  convexAuthConfig,
  convexIdentity,
  createSupabaseMinter,
  createVerifier,
  createWebhookVerifier,
  explainConvex,
  mintSupabaseToken,
  supabaseJwks,
  userFromRequest,
  verifyAccessToken,
  verifyWebhook,
} from "hexclave-node";

export async function server(request: Request, incoming: IncomingMessage, env: Record<string, string | undefined>) {
  const verifier: Verifier = createVerifier({
    acceptedKinds: ["normal", "anonymous"],
    leewaySeconds: 5,
    keys: { normal: { keys: [] }, anonymous: "{}" },
  });
  const user: User = await verifier.verifyAccessToken("token");
  const found: User | null = (await userFromRequest(request)) ?? (await verifier.userFromRequest(incoming));
  const kind: UserKind = user.kind;
  const times: [Date, Date | null] = [user.expiresAt, user.signedUpAt];

  const minter = createSupabaseMinter({ key: { pem: "pem", keyId: "kid" }, cache: { tokens: 10 }, verifier });
  const jwt: string = await minter.mint(user, { role: "manager", claims: { plan: "pro" } });
  const nullable: string | null = await mintSupabaseToken(found);
  const document: string = await supabaseJwks({ verifier, for: "self-hosted", keys: [{ jwk: {} }] });

  const config: string = await convexAuthConfig({ projectId: "internal", format: "json" });
  const { subject }: { subject: string } = await convexIdentity(user, { config });
  const { accepted }: { accepted: boolean } = await explainConvex("token", { verifier });

  const delivery = await verifyWebhook(await request.text(), request.headers);
  if (delivery.type === "user.created") delivery.data.primary_email satisfies string | null;
  if (delivery.type === "team_membership.deleted") delivery.data.team_id satisfies string;
  await createWebhookVerifier({ secret: ["one", "two"] }).verify(new Uint8Array(), incoming.headers);

  // @ts-expect-error: a look-alike is not a proven user.
  await minter.mint({ id: user.id, projectId: user.projectId, kind });
  // @ts-expect-error: a spread user is not a proven user.
  await minter.mint({ ...user });
  // @ts-expect-error: nobody may be signed in, so there may be no token.
  const certain: string = await mintSupabaseToken(found);
  // @ts-expect-error: undefined is a mistake and not nobody.
  await mintSupabaseToken(undefined);
  // @ts-expect-error: users are made by verification only.
  new User();
  // @ts-expect-error: no such kind of user.
  createVerifier({ acceptedKinds: ["guest"] });
  // @ts-expect-error: no such option.
  createVerifier({ projectID: "internal" });
  // @ts-expect-error: a key in PEM has no name of its own.
  createSupabaseMinter({ key: { pem: "pem" } });
  // @ts-expect-error: a verifier knows its project.
  await supabaseJwks({ verifier, projectId: "internal" });
  // @ts-expect-error: parsed JSON is not what was signed.
  await verifyWebhook(await request.json().then((body: object) => body), request.headers);
  // @ts-expect-error: headers are not a request.
  await userFromRequest(request.headers);
  // @ts-expect-error: what a user says is not to be changed.
  user.id = "somebody else";
  // @ts-expect-error: a variable that may not be set is not a token.
  await verifyAccessToken(env["TOKEN"]);

  return { jwt, nullable, document, subject, accepted, times, certain };
}

export function statusOf(error: unknown): number {
  if (error instanceof TokenError && error.expired) return 401;
  if (error instanceof ConfigurationError) return error.status;
  if (error instanceof HexclaveError) return error.retryable ? 503 : error.status;
  // @ts-expect-error: not every error has a status.
  return (error as Error).status;
}
