/**
 * The three kinds of users that Hexclave issues access tokens to: signed in with nothing missing; signed in, but held
 * back (an unverified e-mail where the project demands one, or an administrator's decision); a guest who has not
 * signed up.
 */
export type UserKind = "normal" | "restricted" | "anonymous";

/**
 * A user whose access token has been verified. There is no other way to get one, and an object that looks like one is
 * not taken for one.
 *
 * Names, e-mail, team and restriction are as of the token's {@link issuedAt}: up to 10 minutes old, unless the
 * deployment says otherwise. Key your data on {@link projectId} and {@link id}.
 *
 * `console.log` and `JSON.stringify` show `id`, `projectId` and `kind` only: personal data goes where it is read by
 * name.
 */
export class User {
  private constructor();
  /** Tells a user from an object of the same shape; not there at run time. */
  private readonly proven: true;

  /** The user's id, a UUID: the same in every token and for every kind of user. */
  get id(): string;
  /** The project that the user belongs to. */
  get projectId(): string;
  /** Whether the user is normal, restricted or anonymous. */
  get kind(): UserKind;
  /** Why the user is restricted, as Hexclave spells it; `null` for normal users. */
  get restrictedReason(): "anonymous" | "email_not_verified" | "restricted_by_administrator" | (string & {}) | null;
  /** The session that the token belongs to; `null` on old self-hosted servers. */
  get sessionId(): string | null;
  /** The display name. */
  get name(): string | null;
  /** The primary e-mail address. It is not unique within a project, and proven only if {@link emailVerified}. */
  get email(): string | null;
  /** Whether the primary e-mail address has been verified. */
  get emailVerified(): boolean;
  /** The team that the user works in at the moment. */
  get selectedTeamId(): string | null;
  /** When the user signed up; `null` on old self-hosted servers. */
  get signedUpAt(): Date | null;
  /** Whether the user has set up a second factor and has to pass it at each sign-in. */
  get requiresTotpMfa(): boolean;
  /** The token's `iss`: the host that issued it, and the kind of user. */
  get issuer(): string;
  /** When the token was issued. */
  get issuedAt(): Date;
  /** When the token stops being valid. */
  get expiresAt(): Date;
  /** The token's payload as it was signed, for claims that have no property here. */
  get claims(): Record<string, unknown>;

  toJSON(): { id: string; projectId: string; kind: UserKind };
}
