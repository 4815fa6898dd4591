//! Teams, their members, and permissions.

use hexclave_core::UserId;
use hexclave_testkit::hexclave::{LocalHexclave, NewTeam, NewUser};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{
    PASSWORD, as_client, as_server, ids, json_of, refused, refused_in_text, send, start_with,
};

async fn with_ada_and_bob() -> (LocalHexclave, [UserId; 2]) {
    let (hexclave, _) = start_with(LocalHexclave::builder().allow_client_team_creation(true)).await;
    let users = ["ada", "bob"].map(|name| {
        let user = NewUser::new(&format!("{name}@example.com")).password(PASSWORD);
        hexclave.add_user(user).expect("a user")
    });
    (hexclave, users)
}

/// Requests that come from somebody who is signed in.
async fn as_user(hexclave: &LocalHexclave, name: &str) -> impl Fn(Method, &str) -> RequestBuilder {
    let tokens = hexclave.sign_in(&format!("{name}@example.com"), PASSWORD).await;
    let token = tokens.expect("tokens").access_token;
    move |method, path| as_client(hexclave, method, path).header("x-stack-access-token", token.expose())
}

#[tokio::test]
async fn members_see_their_teams_and_others_do_not() {
    let (hexclave, [ada, bob]) = with_ada_and_bob().await;
    let team = hexclave
        .add_team(NewTeam::new("Engines").admin(ada))
        .expect("a team");
    let other = hexclave
        .add_team(NewTeam::new("Looms").admin(bob).member(ada))
        .expect("a team");
    let [team, other] = [team, other].map(|id| id.to_string());
    let as_ada = as_user(&hexclave, "ada").await;
    let as_bob = as_user(&hexclave, "bob").await;

    let mine = json_of(as_ada(Method::GET, "/api/v1/teams?user_id=me")).await;
    assert_eq!(ids(&mine), [team.as_str(), &other]);
    assert_eq!(mine["is_paginated"], false);
    assert!(mine.get("pagination").is_none());
    assert!(mine["items"][0].get("server_metadata").is_none());
    let his = json_of(as_bob(Method::GET, &format!("/api/v1/teams?user_id={bob}"))).await;
    assert_eq!(ids(&his), [other.as_str()]);
    let all = json_of(as_server(&hexclave, Method::GET, "/api/v1/teams")).await;
    assert_eq!(ids(&all), [team.as_str(), &other]);
    assert_eq!(all["items"][0]["created_at_millis"], 1_795_300_079_000_u64);
    assert_eq!(all["items"][0]["server_metadata"], Value::Null);

    let path = format!("/api/v1/teams/{team}");
    refused_in_text(as_ada(Method::GET, "/api/v1/teams"), 403).await;
    refused_in_text(as_ada(Method::GET, &format!("/api/v1/teams?user_id={bob}")), 403).await;
    let nobodys = as_client(&hexclave, Method::GET, "/api/v1/teams?user_id=me");
    refused(nobodys, 400, "CANNOT_GET_OWN_USER_WITHOUT_USER").await;
    refused(
        as_client(&hexclave, Method::GET, &path),
        401,
        "USER_AUTHENTICATION_REQUIRED",
    )
    .await;
    refused(as_bob(Method::GET, &path), 404, "TEAM_MEMBERSHIP_NOT_FOUND").await;
    refused(as_bob(Method::DELETE, &path), 404, "TEAM_MEMBERSHIP_NOT_FOUND").await;
    let nowhere = "/api/v1/teams/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    refused(as_server(&hexclave, Method::GET, nowhere), 404, "TEAM_NOT_FOUND").await;
    let listed = json_of(as_server(
        &hexclave,
        Method::GET,
        &format!("/api/v1/users?team_id={team}"),
    ))
    .await;
    assert_eq!(ids(&listed), [ada.to_string()]);
}

#[tokio::test]
async fn what_members_may_do_is_what_their_permissions_say() {
    let (hexclave, [ada, bob]) = with_ada_and_bob().await;
    let team = hexclave
        .add_team(NewTeam::new("Engines").admin(ada).member(bob))
        .expect("a team");
    let as_ada = as_user(&hexclave, "ada").await;
    let as_bob = as_user(&hexclave, "bob").await;
    let path = format!("/api/v1/teams/{team}");
    let rename = json!({ "display_name": "Looms" });
    refused(
        as_bob(Method::PATCH, &path).json(&rename),
        401,
        "TEAM_PERMISSION_REQUIRED",
    )
    .await;
    assert_eq!(
        json_of(as_ada(Method::PATCH, &path).json(&rename)).await["display_name"],
        "Looms"
    );
    for name in ["server_metadata", "client_read_only_metadata", "creator_user_id"] {
        refused(
            as_ada(Method::PATCH, &path).json(&json!({ name: null })),
            400,
            "SCHEMA_ERROR",
        )
        .await;
    }

    let permissions = |query: &str| {
        as_bob(
            Method::GET,
            &format!("/api/v1/team-permissions?user_id=me&{query}"),
        )
    };
    let direct = json_of(permissions(&format!("team_id={team}"))).await;
    let expected = json!([{ "id": "team_member", "user_id": bob.to_string(), "team_id": team.to_string() }]);
    assert_eq!(direct["items"], expected);
    assert_eq!(direct["is_paginated"], false);
    let all = json_of(permissions("recursive=true")).await;
    assert_eq!(ids(&all), ["$invite_members", "$read_members", "team_member"]);
    let one = json_of(permissions("recursive=true&permission_id=$read_members")).await;
    assert_eq!(ids(&one), ["$read_members"]);
    refused(permissions("recursive=yes"), 400, "SCHEMA_ERROR").await;
    refused(permissions("permission_id=$root"), 400, "SCHEMA_ERROR").await;

    // Who may not remove others may still go.
    let membership = |user: &str| format!("/api/v1/team-memberships/{team}/{user}");
    let remove_ada = as_bob(Method::DELETE, &membership(&ada.to_string()));
    refused(remove_ada, 401, "TEAM_PERMISSION_REQUIRED").await;
    json_of(as_bob(Method::DELETE, &membership("me"))).await;
    refused(
        as_bob(Method::DELETE, &membership("me")),
        404,
        "TEAM_MEMBERSHIP_NOT_FOUND",
    )
    .await;
}

#[tokio::test]
async fn servers_grant_and_take_back() {
    let (hexclave, [ada, bob]) = with_ada_and_bob().await;
    hexclave
        .define_team_permission("read_docs", &[])
        .expect("a permission");
    hexclave
        .define_team_permission("write_docs", &["read_docs"])
        .expect("a permission");
    hexclave
        .define_project_permission("manage", &[])
        .expect("a permission");
    for (id, contains) in [
        ("Read", &[][..]),
        ("$own", &[]),
        ("", &[]),
        ("fine", &["unknown"]),
    ] {
        assert!(hexclave.define_team_permission(id, contains).is_err(), "{id}");
    }
    let team = hexclave
        .add_team(NewTeam::new("Engines").admin(ada))
        .expect("a team");
    let post = |path: String| as_server(&hexclave, Method::POST, &path).json(&json!({}));
    let delete = |path: String| as_server(&hexclave, Method::DELETE, &path);

    let membership = format!("/api/v1/team-memberships/{team}/{bob}");
    let joined = send(post(membership.clone())).await;
    assert_eq!(joined.status(), 201);
    let joined: Value = joined.json().await.expect("JSON");
    assert_eq!(
        joined,
        json!({ "team_id": team.to_string(), "user_id": bob.to_string() })
    );
    refused(post(membership.clone()), 409, "TEAM_MEMBERSHIP_ALREADY_EXISTS").await;
    refused(
        as_server(&hexclave, Method::POST, &membership),
        400,
        "SCHEMA_ERROR",
    )
    .await;
    refused(
        as_client(&hexclave, Method::POST, &membership).json(&json!({})),
        401,
        "INSUFFICIENT_ACCESS_TYPE",
    )
    .await;

    let grant = format!("/api/v1/team-permissions/{team}/{bob}/write_docs");
    assert_eq!(send(post(grant.clone())).await.status(), 201);
    let all = json_of(as_server(
        &hexclave,
        Method::GET,
        &format!("/api/v1/team-permissions?team_id={team}&user_id={bob}&recursive=true"),
    ))
    .await;
    assert!(ids(&all).contains(&"read_docs"));
    json_of(delete(grant.clone())).await;
    refused(delete(grant), 401, "TEAM_PERMISSION_NOT_FOUND").await;
    refused(
        post(format!("/api/v1/team-permissions/{team}/{bob}/manage")),
        404,
        "PERMISSION_NOT_FOUND",
    )
    .await;

    let grant = format!("/api/v1/project-permissions/{bob}/manage");
    assert_eq!(send(post(grant.clone())).await.status(), 201);
    let listed = json_of(as_server(&hexclave, Method::GET, "/api/v1/project-permissions")).await;
    assert_eq!(
        listed["items"],
        json!([{ "id": "manage", "user_id": bob.to_string() }])
    );
    json_of(delete(grant.clone())).await;
    refused(delete(grant), 404, "PERMISSION_NOT_FOUND").await;

    // Who has gone is selected nowhere and has no permissions.
    let user = format!("/api/v1/users/{bob}");
    let select = json!({ "selected_team_id": team.to_string() });
    let selected = json_of(as_server(&hexclave, Method::PATCH, &user).json(&select)).await;
    assert_eq!(selected["selected_team"]["display_name"], "Engines");
    json_of(delete(membership)).await;
    let after = json_of(as_server(&hexclave, Method::GET, &user)).await;
    assert_eq!(after["selected_team"], Value::Null);
    let refusal = as_server(&hexclave, Method::PATCH, &user).json(&select);
    refused(refusal, 404, "TEAM_MEMBERSHIP_NOT_FOUND").await;
}

#[tokio::test]
async fn clients_make_teams_where_that_is_allowed() {
    let (hexclave, [ada, bob]) = with_ada_and_bob().await;
    let as_ada = as_user(&hexclave, "ada").await;
    let made = as_ada(Method::POST, "/api/v1/teams").json(&json!({ "display_name": "Engines" }));
    let team = json_of(made).await;
    let permissions = json_of(as_ada(Method::GET, "/api/v1/team-permissions?user_id=me")).await;
    assert_eq!(ids(&permissions), ["team_admin"]);
    assert_eq!(permissions["items"][0]["team_id"], team["id"]);
    assert_eq!(permissions["items"][0]["user_id"], ada.to_string());
    let for_bob = json!({ "display_name": "Looms", "creator_user_id": bob.to_string() });
    refused_in_text(as_ada(Method::POST, "/api/v1/teams").json(&for_bob), 403).await;
    refused(
        as_ada(Method::POST, "/api/v1/teams").json(&json!({})),
        400,
        "SCHEMA_ERROR",
    )
    .await;

    let (strict, _) = start_with(LocalHexclave::builder()).await;
    strict
        .add_user(NewUser::new("ada@example.com").password(PASSWORD))
        .expect("a user");
    let as_ada = as_user(&strict, "ada").await;
    let refusal = as_ada(Method::POST, "/api/v1/teams").json(&json!({ "display_name": "Engines" }));
    refused_in_text(refusal, 403).await;
}

#[tokio::test]
async fn members_have_profiles_of_their_own() {
    let (hexclave, [ada, bob]) = with_ada_and_bob().await;
    let team = hexclave
        .add_team(NewTeam::new("Engines").member(ada).admin(bob))
        .expect("a team");
    let as_ada = as_user(&hexclave, "ada").await;
    let profile = |user: &str| format!("/api/v1/team-member-profiles/{team}/{user}");
    let changed =
        json_of(as_ada(Method::PATCH, &profile("me")).json(&json!({ "display_name": "Countess" }))).await;
    assert_eq!(changed["display_name"], "Countess");
    assert!(changed.get("user").is_none());
    let seen = json_of(as_server(&hexclave, Method::GET, &profile(&ada.to_string()))).await;
    assert_eq!(seen["user"]["primary_email"], "ada@example.com");
    let change_bob = as_ada(Method::PATCH, &profile(&bob.to_string())).json(&json!({}));
    refused_in_text(change_bob, 403).await;
    refused_in_text(as_ada(Method::GET, "/api/v1/team-member-profiles"), 400).await;
    let list = json_of(as_ada(
        Method::GET,
        &format!("/api/v1/team-member-profiles?team_id={team}"),
    ))
    .await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2));
}
