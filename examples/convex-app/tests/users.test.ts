import { expect, test } from "vitest";
import { api } from "../convex/_generated/api";
import { deployment } from "./support";

test("the page is told who calls, of whatever kind", async () => {
  const { as, signedOut } = deployment();
  expect(await signedOut.query(api.users.me)).toBeNull();
  expect(await as("ada").query(api.users.me)).toMatchObject({
    kind: "normal",
    primaryEmail: "ada@example.com",
    primaryEmailVerified: true,
    restrictedReason: null,
  });
  expect(await as("eve").query(api.users.me)).toMatchObject({
    kind: "restricted",
    primaryEmail: "eve@example.com",
    primaryEmailVerified: false,
    restrictedReason: { type: "email_not_verified" },
  });
  expect(await as("guest").query(api.users.me)).toMatchObject({
    kind: "anonymous",
    primaryEmail: null,
    restrictedReason: { type: "anonymous" },
  });
});

test("a guest who signs up stays the same user", async () => {
  const { as } = deployment();
  const before = await as("guest").query(api.users.me);
  const after = await as("formerGuest").query(api.users.me);
  expect([before?.kind, after?.kind]).toEqual(["anonymous", "normal"]);
  expect(after?.key).toBe(before?.key);
});
