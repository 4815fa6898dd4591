// One of everything that Hexclave sends webhooks about.
import { run } from "../program.mjs";
import { end, serverApp } from "./apps.mjs";

await run("events.mjs", async (input) => {
  const server = serverApp(input);
  const [ada, bob] = await Promise.all(
    ["ada", "bob"].map((name) =>
      server.createUser({ primaryEmail: `${name}@example.com`, primaryEmailAuthEnabled: true }),
    ),
  );
  await ada.update({ displayName: "Ada", clientMetadata: { theme: "dark" } });
  const team = await server.createTeam({ displayName: "Engines", creatorUserId: ada.id });
  await ada.update({ selectedTeamId: team.id });
  await team.update({ serverMetadata: { tier: 1 } });
  await team.addUser(bob.id);
  await bob.grantPermission(team, "read_docs");
  await bob.revokePermission(team, "read_docs");
  await bob.grantPermission("manage");
  await bob.revokePermission("manage");
  await team.removeUser(bob.id);
  await bob.delete();
  await team.delete();
  return {};
});
end();
