import type { ConfigurationError, WebhookError } from "./errors.cjs";
import type { RequestLike } from "./verifier.cjs";

/** How webhook deliveries are verified. */
export interface WebhookVerifierOptions {
  /**
   * The signing secret of the webhook endpoint, `whsec_…`; several while one replaces another.
   * `HEXCLAVE_WEBHOOK_SECRET` or `STACK_WEBHOOK_SECRET` unless set.
   */
  readonly secret?: string | readonly string[];
  /** The longest body that is looked at, in bytes; 1 MiB unless set. */
  readonly maxBodyBytes?: number;
}

/** What a webhook says of a user. Members that are not listed here are there too. */
export interface WebhookUser {
  readonly id: string;
  readonly display_name: string | null;
  readonly primary_email: string | null;
  readonly primary_email_verified: boolean;
  readonly is_anonymous: boolean;
  readonly [member: string]: unknown;
}

/** What a webhook says of a team. */
export interface WebhookTeam {
  readonly id: string;
  readonly display_name: string;
  readonly [member: string]: unknown;
}

/** What has happened, by its type. */
export type WebhookEvent =
  | { readonly type: "user.created" | "user.updated"; readonly data: WebhookUser }
  | { readonly type: "user.deleted"; readonly data: { readonly id: string; readonly [member: string]: unknown } }
  | { readonly type: "team.created" | "team.updated"; readonly data: WebhookTeam }
  | { readonly type: "team.deleted"; readonly data: { readonly id: string; readonly [member: string]: unknown } }
  | {
      readonly type: "team_membership.created" | "team_membership.deleted";
      readonly data: { readonly team_id: string; readonly user_id: string; readonly [member: string]: unknown };
    }
  | {
      readonly type: "team_permission.created" | "team_permission.deleted";
      readonly data: {
        readonly id: string;
        readonly team_id: string;
        readonly user_id: string;
        readonly [member: string]: unknown;
      };
    }
  | {
      readonly type: "project_permission.created" | "project_permission.deleted";
      readonly data: { readonly id: string; readonly user_id: string; readonly [member: string]: unknown };
    };

/**
 * A delivery that is proven: its `type` tells what its `data` is. There may be types that are not listed.
 * `console.log` and `JSON.stringify` leave out the data, which is personal.
 */
export type WebhookDelivery = WebhookEvent & {
  /** The message's id, the same each time that it is sent: what to remember, to do nothing twice. */
  readonly id: string;
  /** When this attempt was made. It does not say when the event happened; nothing does. */
  readonly sentAt: Date;
};

/**
 * Verifies webhook deliveries. Make one per program and keep it: it remembers what it has seen, and refuses an
 * attempt to deliver that comes a second time. (Other processes do not know of it.)
 */
export class WebhookVerifier {
  private constructor();

  /**
   * Proves that a request is a delivery of Hexclave's, sent just now and seen for the first time, and reads it.
   * Answer with a status of the 2xx class once the event is dealt with; for anything else it is sent again.
   *
   * @param body - The raw body, byte for byte: `await request.text()`, not parsed JSON.
   * @throws {@link WebhookError}: 400 for what is no delivery, 401 for a wrong signature and for one from more than
   * five minutes ago, 409 for an attempt that was here before, 413 for a body that is too long.
   */
  verify(body: string | Uint8Array | ArrayBuffer, headers: RequestLike["headers"]): Promise<WebhookDelivery>;
}

/**
 * Makes a verifier of webhook deliveries.
 *
 * @throws {@link ConfigurationError} when there is no secret, or it is unusable.
 */
export function createWebhookVerifier(options?: WebhookVerifierOptions): WebhookVerifier;

/**
 * Verifies a webhook delivery. For each secret one verifier is made and kept for the life of the program, so that
 * replays are refused.
 *
 * @example
 * ```ts
 * export async function POST(request: Request) {
 *   const delivery = await verifyWebhook(await request.text(), request.headers);
 *   if (delivery.type === "user.deleted") await forget(delivery.data.id);
 *   return new Response(null, { status: 204 });
 * }
 * ```
 *
 * @param secret - The endpoint's signing secret; that of the environment unless given.
 * @throws As {@link WebhookVerifier.verify} and {@link createWebhookVerifier}.
 */
export function verifyWebhook(
  body: string | Uint8Array | ArrayBuffer,
  headers: RequestLike["headers"],
  secret?: string,
): Promise<WebhookDelivery>;
