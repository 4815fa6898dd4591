import { convexTest } from "convex-test";
import schema from "../convex/schema";
import identities from "./identities.json";

const modules = import.meta.glob("../convex/**/*.*s");

/** A deployment with an empty database. */
export function deployment() {
  const convex = convexTest({ schema, modules });
  return {
    signedOut: convex,
    /** As Convex sees somebody whose access token it has verified. */
    as: (who: keyof typeof identities) => convex.withIdentity(members(identities[who])),
  };
}

/** The code of the error with which a function refuses its caller; rejects when it does not. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    (value) => new Error(`not refused: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  // What is no ConvexError says `Server Error` to clients in production, and nothing else.
  if (!(error instanceof Error && Symbol.for("ConvexError") in error && "data" in error)) {
    throw error;
  }
  const data: unknown = typeof error.data === "string" ? JSON.parse(error.data) : error.data;
  return (data as { code: string }).code;
}

/** A null claim is there in Convex too; only convex-test's types have no place for it. */
function members(identity: object): { [name: string]: string | number | boolean } {
  return identity as { [name: string]: string | number | boolean };
}
