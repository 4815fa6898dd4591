import { expect, test } from "vitest";
import { api } from "../convex/_generated/api";
import { deployment, refusal } from "./support";

test("everybody sees their own notes and nobody else's", async () => {
  const { as } = deployment();
  await as("ada").mutation(api.notes.add, { text: "Ada's first" });
  await as("ada").mutation(api.notes.add, { text: "Ada's second" });
  await as("grace").mutation(api.notes.add, { text: "Grace's" });

  const texts = async (who: "ada" | "grace") => (await as(who).query(api.notes.list)).map((note) => note.text);
  expect(await texts("ada")).toEqual(["Ada's second", "Ada's first"]);
  expect(await texts("grace")).toEqual(["Grace's"]);
});

test("nobody changes notes of others, or learns that there are any", async () => {
  const { as } = deployment();
  const id = await as("ada").mutation(api.notes.add, { text: "Ada's" });
  for (const change of [api.notes.publish, api.notes.remove]) {
    expect(await refusal(as("grace").mutation(change, { id }))).toBe("note_not_found");
  }
  expect(await as("ada").query(api.notes.list)).toMatchObject([{ _id: id, isPublished: false }]);

  await as("ada").mutation(api.notes.remove, { id });
  expect(await refusal(as("ada").mutation(api.notes.remove, { id }))).toBe("note_not_found");
  expect(await as("ada").query(api.notes.list)).toEqual([]);
});

test("what is published is for everybody, without its owner", async () => {
  const { as, signedOut } = deployment();
  const id = await as("ada").mutation(api.notes.add, { text: "For all" });
  await as("ada").mutation(api.notes.add, { text: "For me" });
  expect(await signedOut.query(api.notes.published)).toEqual([]);
  await as("ada").mutation(api.notes.publish, { id });
  for (const reader of [signedOut, as("eve"), as("guest"), as("grace")]) {
    expect(await reader.query(api.notes.published)).toEqual([{ _id: id, text: "For all" }]);
  }
});

test("guests have three notes of their own and publish none", async () => {
  const { as } = deployment();
  await as("ada").mutation(api.notes.add, { text: "does not count" });
  const id = await as("guest").mutation(api.notes.add, { text: "1" });
  await as("guest").mutation(api.notes.add, { text: "2" });
  await as("guest").mutation(api.notes.add, { text: "3" });
  expect(await refusal(as("guest").mutation(api.notes.add, { text: "4" }))).toBe("guest_limit");
  expect(await refusal(as("guest").mutation(api.notes.publish, { id }))).toBe("kind_not_accepted");

  await as("guest").mutation(api.notes.remove, { id });
  await as("guest").mutation(api.notes.add, { text: "4" });
});

test("a guest who signs up keeps the notes and loses the limits", async () => {
  const { as } = deployment();
  for (const text of ["1", "2", "3"]) {
    await as("guest").mutation(api.notes.add, { text });
  }
  const id = await as("formerGuest").mutation(api.notes.add, { text: "4" });
  await as("formerGuest").mutation(api.notes.publish, { id });
  const notes = await as("formerGuest").query(api.notes.list);
  expect(notes.map((note) => note.text)).toEqual(["4", "3", "2", "1"]);
});

test("whoever is signed out or restricted has no notes", async () => {
  const { as, signedOut } = deployment();
  const id = await as("ada").mutation(api.notes.add, { text: "Ada's" });
  for (const [caller, code] of [
    [signedOut, "signed_out"],
    [as("eve"), "kind_not_accepted"],
  ] as const) {
    expect(await refusal(caller.query(api.notes.list))).toBe(code);
    expect(await refusal(caller.mutation(api.notes.add, { text: "mine" }))).toBe(code);
    expect(await refusal(caller.mutation(api.notes.publish, { id }))).toBe(code);
    expect(await refusal(caller.mutation(api.notes.remove, { id }))).toBe(code);
  }
});

test("notes have at most a thousand characters", async () => {
  const { as } = deployment();
  await as("ada").mutation(api.notes.add, { text: "x".repeat(1000) });
  expect(await refusal(as("ada").mutation(api.notes.add, { text: "x".repeat(1001) }))).toBe("text_too_long");
});
