// What a backend does with users, teams and permissions.
import assert from "node:assert/strict";
import { run } from "../program.mjs";
import { clientApp, end, ok, rejection, serverApp } from "./apps.mjs";

const password = "correct horse";

await run("server.mjs", async (input) => {
  const server = serverApp(input);
  assert.deepEqual([...(await server.listUsers())], []);
  const project = await clientApp(input).getProject();
  assert.equal(project.id, input.projectId);
  assert.equal(project.config.credentialEnabled, true);

  // Users, in pages.
  const created = [];
  for (const name of ["Ada", "Bob", "Cleo", "Dora", "Eve"]) {
    created.push(await server.createUser({
      primaryEmail: `${name.toLowerCase()}@example.com`,
      primaryEmailAuthEnabled: true,
      primaryEmailVerified: name !== "Eve",
      password,
      displayName: name,
      serverMetadata: { name },
    }));
  }
  const [ada, bob, cleo] = created;
  const ids = (users) => users.map((user) => user.id);
  const inOrder = [...created].map((user) => user.id);
  const pages = [];
  let cursor;
  do {
    const page = await server.listUsers({ limit: 2, cursor, orderBy: "signedUpAt" });
    pages.push(ids(page));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  assert.deepEqual(pages.map((page) => page.length), [2, 2, 1]);
  assert.deepEqual(pages.flat(), inOrder);
  assert.deepEqual(ids(await server.listUsers({ desc: true })), inOrder.toReversed());
  assert.deepEqual(ids(await server.listUsers({ query: "CLEO@" })), [cleo.id]);
  assert.deepEqual(ids(await server.listUsers({ query: bob.id })), [bob.id]);
  const guest = await clientApp(input).getUser({ or: "anonymous" });
  assert.equal((await server.listUsers()).length, 5);
  assert.equal((await server.listUsers({ includeAnonymous: true })).length, 6);
  assert.deepEqual(ids(await server.listUsers({ includeAnonymous: true, onlyAnonymous: true })), [guest.id]);
  assert.equal(
    await rejection(server.createUser({ primaryEmail: "ada@example.com", primaryEmailAuthEnabled: true })),
    "USER_EMAIL_ALREADY_EXISTS",
  );
  assert.equal(await server.getUser("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"), null);

  // Changing somebody: what is absent stays, and null takes away.
  await ada.update({ displayName: null, clientMetadata: { a: 1 } });
  await ada.update({ serverMetadata: null });
  const changed = await serverApp(input).getUser(ada.id);
  assert.equal(changed.displayName, null);
  assert.deepEqual(changed.clientMetadata, { a: 1 });
  assert.equal(changed.serverMetadata, null);
  assert.equal(changed.primaryEmail, "ada@example.com");

  // Teams with members and their permissions.
  const team = await server.createTeam({ displayName: "Engines", creatorUserId: ada.id });
  await team.update({ serverMetadata: { tier: 1 }, clientReadOnlyMetadata: { colour: "red" } });
  await team.addUser(bob.id);
  assert.equal(await rejection(team.addUser(bob.id)), "TEAM_MEMBERSHIP_ALREADY_EXISTS");
  assert.deepEqual(ids(await serverApp(input).listTeams()), [team.id]);
  assert.deepEqual(ids(await team.listUsers()), [ada.id, bob.id]);
  assert.deepEqual(ids(await ada.listTeams()), [team.id]);
  assert.deepEqual(ids(await cleo.listTeams()), []);
  assert.deepEqual(await server.getTeam("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"), null);
  const direct = async (user) => ids(await (await serverApp(input).getUser(user.id)).listPermissions(team, { recursive: false }));
  const all = async (user) => ids(await (await serverApp(input).getUser(user.id)).listPermissions(team, { recursive: true }));
  assert.deepEqual(await direct(ada), ["team_admin"]);
  assert.deepEqual(await direct(bob), ["team_member"]);
  assert.deepEqual(await all(bob), ["$invite_members", "$read_members", "team_member"]);
  await bob.grantPermission(team, "write_docs");
  assert.deepEqual(await direct(bob), ["team_member", "write_docs"]);
  assert.equal((await all(bob)).includes("read_docs"), true);
  assert.equal(await (await serverApp(input).getUser(bob.id)).hasPermission(team, "read_docs"), true);
  await bob.revokePermission(team, "write_docs");
  assert.deepEqual(await direct(bob), ["team_member"]);
  assert.equal(await rejection(bob.grantPermission(team, "unheard_of")), "PERMISSION_NOT_FOUND");
  assert.equal(await rejection(bob.revokePermission(team, "write_docs")), "TEAM_PERMISSION_NOT_FOUND");
  await bob.grantPermission("manage");
  const inProject = await (await serverApp(input).getUser(bob.id)).listPermissions({ recursive: true });
  assert.deepEqual(ids(inProject), ["manage", "read_all"]);
  await bob.revokePermission("manage");

  // The same from the member's side.
  const app = clientApp(input);
  ok(await app.signInWithCredential({ email: "bob@example.com", password, noRedirect: true }));
  const me = await app.getUser({ or: "throw" });
  const [mine] = await me.listTeams();
  assert.equal(mine.displayName, "Engines");
  assert.deepEqual(mine.clientReadOnlyMetadata, { colour: "red" });
  assert.equal("serverMetadata" in mine, false);
  assert.equal((await me.getTeam(team.id)).id, team.id);
  assert.equal(await me.hasPermission(mine, "$read_members"), true);
  assert.equal(await me.hasPermission(mine, "$update_team"), false);
  assert.equal(await rejection(mine.update({ displayName: "Mine" })), "TEAM_PERMISSION_REQUIRED");
  assert.deepEqual(ids(await mine.listUsers()), [ada.id, bob.id]);
  await me.setSelectedTeam(mine);
  assert.equal((await app.getUser()).selectedTeam.id, team.id);
  const profile = await me.getTeamProfile(mine);
  await profile.update({ displayName: "Bobby" });
  const own = await me.createTeam({ displayName: "Bob's" });
  await own.update({ displayName: "Robert's" });
  assert.deepEqual((await clientApp(input, { tokenStore: await me.getAuthJson() }).getUser().then((user) => user.listTeams())).map((team) => team.displayName), ["Engines", "Robert's"]);
  await own.delete();
  await me.leaveTeam(mine);
  assert.deepEqual(ids(await serverApp(input).getUser(bob.id).then((user) => user.listTeams())), []);
  assert.equal((await serverApp(input).getUser(bob.id)).selectedTeam, null);

  await team.removeUser(ada.id);
  await team.delete();
  await cleo.delete();
  assert.equal(await serverApp(input).getUser(cleo.id), null);
  return { users: inOrder };
});
end();
