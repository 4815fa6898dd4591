// Every answer of the local Hexclave against upstream's own schema for it, which lets nothing be absent or unknown.
import assert from "node:assert/strict";
import { currentUserCrud } from "@stackframe/stack-shared/dist/interface/crud/current-user";
import { projectPermissionsCrud } from "@stackframe/stack-shared/dist/interface/crud/project-permissions";
import { projectsCrudClientReadSchema } from "@stackframe/stack-shared/dist/interface/crud/projects";
import { sessionsCreateOutputSchema, sessionsCrud } from "@stackframe/stack-shared/dist/interface/crud/sessions";
import { teamMemberProfilesCrud } from "@stackframe/stack-shared/dist/interface/crud/team-member-profiles";
import { teamMembershipsCrud } from "@stackframe/stack-shared/dist/interface/crud/team-memberships";
import { teamPermissionsCrud } from "@stackframe/stack-shared/dist/interface/crud/team-permissions";
import { teamsCrud } from "@stackframe/stack-shared/dist/interface/crud/teams";
import { usersCrud } from "@stackframe/stack-shared/dist/interface/crud/users";
import { accessTokenPayloadSchema } from "@stackframe/stack-shared/dist/schema-fields";
import { decodeJwt } from "jose";
import { run } from "../program.mjs";
import { end } from "./apps.mjs";

const password = "correct horse";

await run("answers.mjs", async (input) => {
  const ask = (headers) => async (method, path, body) => {
    const answer = await fetch(`${input.baseUrl}/api/v1${path}`, {
      method,
      headers: { "x-hexclave-project-id": input.projectId, "content-type": "application/json", ...headers },
      body: body && JSON.stringify(body),
    });
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
    assert.equal(answer.headers.get("content-type"), "application/json; charset=utf-8");
    assert.equal(answer.headers.get("cache-control"), "no-store, max-age=0");
    return answer.json();
  };
  let checked = 0;
  const check = async (schema, value) => {
    await schema.strict().noUnknown().validate(value);
    checked += 1;
    return value;
  };
  const checkAll = async (schema, list) => {
    assert.ok(list.items.length > 0, "there is something to check");
    for (const item of list.items) {
      await check(schema, item);
    }
  };
  const server = ask({
    "x-hexclave-access-type": "server",
    "x-hexclave-secret-server-key": input.secretServerKey,
  });
  const anybody = ask({ "x-hexclave-access-type": "client" });

  const signedUp = await anybody("POST", "/auth/password/sign-up", { email: "ada@example.com", password });
  assert.deepEqual(Object.keys(signedUp), ["access_token", "refresh_token", "user_id"]);
  const payload = decodeJwt(signedUp.access_token);
  await check(accessTokenPayloadSchema, payload);
  const guest = await anybody("POST", "/auth/anonymous/sign-up", {});
  await check(accessTokenPayloadSchema, decodeJwt(guest.access_token));
  const ada = ask({
    "x-hexclave-access-type": "client",
    "x-hexclave-access-token": signedUp.access_token,
  });
  const me = signedUp.user_id;

  const secret = Buffer.from("12345678901234567890").toString("base64");
  await check(usersCrud.server.readSchema, await server("POST", "/users", {
    primary_email: "bob@example.com",
    primary_email_auth_enabled: true,
    password,
    totp_secret_base64: secret,
    restricted_by_admin: true,
    restricted_by_admin_reason: "spam",
    restricted_by_admin_private_details: "seen",
    country_code: "DE",
    client_metadata: { a: 1 },
    oauth_providers: [{ id: "google", account_id: "1", email: "bob@example.com" }],
  }));
  await checkAll(usersCrud.server.readSchema, await server("GET", "/users?include_anonymous=true"));

  const team = await check(
    teamsCrud.server.readSchema,
    await server("POST", "/teams", { display_name: "Engines", creator_user_id: me }),
  );
  await check(teamsCrud.client.readSchema, await ada("GET", `/teams/${team.id}`));
  await check(teamsCrud.client.readSchema, await ada("PATCH", `/teams/${team.id}`, { client_metadata: null }));
  await checkAll(teamsCrud.client.readSchema, await ada("GET", "/teams?user_id=me"));
  await check(usersCrud.server.readSchema, await server("PATCH", `/users/${me}`, { selected_team_id: team.id }));
  await check(currentUserCrud.client.readSchema, await ada("GET", "/users/me"));
  await check(currentUserCrud.client.readSchema, await ada("PATCH", "/users/me", { display_name: "Ada" }));
  await check(
    teamMembershipsCrud.server.readSchema,
    await server("POST", `/team-memberships/${team.id}/${guest.user_id}`, {}),
  );
  await checkAll(teamMemberProfilesCrud.client.readSchema, await ada("GET", `/team-member-profiles?team_id=${team.id}`));
  await checkAll(teamMemberProfilesCrud.server.readSchema, await server("GET", "/team-member-profiles"));
  await checkAll(teamPermissionsCrud.client.readSchema, await ada("GET", "/team-permissions?user_id=me&recursive=true"));
  await check(
    projectPermissionsCrud.server.readSchema,
    await server("POST", `/project-permissions/${me}/manage`, {}),
  );
  await checkAll(projectPermissionsCrud.client.readSchema, await ada("GET", "/project-permissions?user_id=me"));
  await check(sessionsCreateOutputSchema, await server("POST", "/auth/sessions", { user_id: me }));
  await checkAll(sessionsCrud.client.readSchema, await ada("GET", "/auth/sessions?user_id=me"));
  await check(projectsCrudClientReadSchema, await anybody("GET", "/projects/current"));
  return { checked };
});
end();
