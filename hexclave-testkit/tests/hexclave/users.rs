//! Users: who sees what of whom, lists, and changes.

use hexclave_testkit::hexclave::{LocalHexclave, NewUser};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    PASSWORD, as_client, as_server, ids, json_of, known_error, refused, refused_in_text, send, start,
    start_with,
};

#[tokio::test]
async fn servers_and_clients_see_users_in_their_own_shape() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    let ada = NewUser::new("Ada@Example.com")
        .password(PASSWORD)
        .name("Ada")
        .client_metadata(json!({ "theme": "dark" }))
        .client_read_only_metadata(json!(["pro"]))
        .server_metadata(json!({ "stripe": "cus_1" }));
    let id = hexclave.add_user(ada).expect("a user");
    let team = hexclave.add_user(NewUser::anonymous()).expect("a user");
    assert_ne!(team, id);

    let path = format!("/api/v1/users/{id}");
    let response = send(as_server(&hexclave, Method::GET, &path)).await;
    assert_eq!(response.status(), 200);
    let text = response.text().await.expect("a body");
    let expected = format!(
        concat!(
            r#"{{"id":"{}","primary_email":"ada@example.com","primary_email_verified":true,"#,
            r#""primary_email_auth_enabled":true,"display_name":"Ada","profile_image_url":null,"#,
            r#""selected_team_id":null,"selected_team":null,"signed_up_at_millis":1795300079000,"#,
            r#""last_active_at_millis":1795300079000,"has_password":true,"otp_auth_enabled":false,"#,
            r#""passkey_auth_enabled":false,"auth_with_email":true,"requires_totp_mfa":false,"#,
            r#""client_metadata":{{"theme":"dark"}},"client_read_only_metadata":["pro"],"#,
            r#""server_metadata":{{"stripe":"cus_1"}},"is_anonymous":false,"is_restricted":false,"#,
            r#""restricted_reason":null,"restricted_by_admin":false,"restricted_by_admin_reason":null,"#,
            r#""restricted_by_admin_private_details":null,"country_code":null,"#,
            r#""risk_scores":{{"sign_up":{{"bot":0,"free_trial_abuse":0}}}},"oauth_providers":[]}}"#,
        ),
        id
    );
    assert_eq!(text, expected);

    let tokens = hexclave
        .sign_in("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let me = as_client(&hexclave, Method::GET, "/api/v1/users/me")
        .header("x-stack-access-token", tokens.access_token.expose());
    let for_client = json_of(me).await;
    let for_server: Value = serde_json::from_str(&text).expect("JSON");
    let only_for_servers = [
        "primary_email_auth_enabled",
        "server_metadata",
        "last_active_at_millis",
        "restricted_by_admin_private_details",
        "country_code",
        "risk_scores",
    ];
    for (name, value) in for_server.as_object().expect("an object") {
        let shown = for_client.get(name);
        match only_for_servers.contains(&name.as_str()) {
            true => assert_eq!(shown, None, "{name}"),
            false => assert_eq!(shown, Some(value), "{name}"),
        }
    }
    refused(
        as_client(&hexclave, Method::GET, &path),
        401,
        "INSUFFICIENT_ACCESS_TYPE",
    )
    .await;
    let as_nobody = as_server(&hexclave, Method::GET, "/api/v1/users/me");
    refused(as_nobody, 400, "CANNOT_GET_OWN_USER_WITHOUT_USER").await;
}

#[tokio::test]
async fn lists_have_the_users_that_were_asked_for() {
    let (hexclave, clock) = start().await;
    let mut all = Vec::new();
    for new in [
        NewUser::new("ada@example.com").name("Ada"),
        NewUser::new("bob@example.com").unverified(),
        NewUser::new("cleo@example.com").restricted_by_admin("spam"),
        NewUser::anonymous(),
        NewUser::new("dora@example.com").name("Dóra"),
    ] {
        all.push(hexclave.add_user(new).expect("a user").to_string());
        clock.advance(1);
    }
    let [ada, bob, cleo, guest, dora] = [0, 1, 2, 3, 4].map(|index| all[index].as_str());
    let list = |query: &str| as_server(&hexclave, Method::GET, &format!("/api/v1/users?{query}"));
    for (query, expected) in [
        ("", &[ada, dora][..]),
        ("include_restricted=true", &[ada, bob, cleo, dora]),
        ("include_anonymous=true", &[ada, bob, cleo, guest, dora]),
        (
            "include_anonymous=true&include_restricted=false",
            &[ada, bob, cleo, guest, dora],
        ),
        ("include_anonymous=true&only_anonymous=true", &[guest]),
        ("desc=true", &[dora, ada]),
        ("query=D%C3%B3RA", &[dora]),
        ("query=EXAMPLE.com", &[ada, dora]),
        (&format!("query={ada}"), &[ada]),
        (&format!("cursor={dora}"), &[dora]),
        (&format!("cursor={bob}"), &[]),
    ] {
        let page = json_of(list(query)).await;
        assert_eq!(ids(&page), expected, "{query}");
        assert_eq!(page["is_paginated"], true);
        assert_eq!(page["pagination"], json!({ "next_cursor": null }), "{query}");
    }

    // A page names the first user of the next one.
    let mut cursor = String::new();
    let mut found = Vec::new();
    for _ in 0..3 {
        let page = json_of(list(&format!("include_anonymous=true&limit=2{cursor}"))).await;
        found.extend(ids(&page).into_iter().map(str::to_owned));
        match page["pagination"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, all);

    for query in [
        "limit=0",
        "limit=two",
        "cursor=first",
        "order_by=name",
        "desc=1",
        "unknown=1",
        "team_id=x",
    ] {
        refused(list(query), 400, "SCHEMA_ERROR").await;
    }
    refused_in_text(list("only_anonymous=true"), 400).await;
}

#[tokio::test]
async fn a_change_leaves_what_is_absent_and_takes_away_what_is_null() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    let users = || as_server(&hexclave, Method::POST, "/api/v1/users");
    let created = send(users().json(&json!({
        "primary_email": "ada@example.com",
        "primary_email_auth_enabled": true,
        "password": PASSWORD,
        "display_name": "Ada",
        "client_metadata": { "a": 1 },
        "country_code": "DE",
        "risk_scores": { "sign_up": { "bot": 7, "free_trial_abuse": 0 } },
        "oauth_providers": [{ "id": "google", "account_id": "1", "email": null }],
    })))
    .await;
    assert_eq!(created.status(), 201);
    let user: Value = created.json().await.expect("JSON");
    let path = format!("/api/v1/users/{}", user["id"].as_str().expect("an id"));
    let patch = |body: Value| as_server(&hexclave, Method::PATCH, &path).json(&body);

    let changed = json_of(patch(
        json!({ "display_name": "", "client_metadata": [1, { "b": null }] }),
    ))
    .await;
    assert_eq!(changed["display_name"], Value::Null, "an empty name is none");
    assert_eq!(changed["client_metadata"], json!([1, { "b": null }]));
    assert_eq!(changed["country_code"], "DE");
    assert_eq!(changed["risk_scores"]["sign_up"]["bot"], 7);
    assert_eq!(changed["primary_email_verified"], false);
    let changed = json_of(patch(
        json!({ "client_metadata": null, "primary_email_verified": true }),
    ))
    .await;
    assert_eq!(changed["client_metadata"], Value::Null);
    assert_eq!(changed["primary_email_verified"], true);

    // Another address is not verified, unless the server says so.
    let changed = json_of(patch(json!({ "primary_email": "countess@example.com" }))).await;
    assert_eq!(changed["primary_email_verified"], false);
    let restricted = json!({ "restricted_by_admin": true, "restricted_by_admin_reason": "spam" });
    let changed = json_of(patch(restricted)).await;
    assert_eq!(
        changed["restricted_reason"],
        json!({ "type": "restricted_by_administrator" })
    );
    assert_eq!(changed["restricted_by_admin_reason"], "spam");
    let changed = json_of(patch(json!({ "restricted_by_admin": false }))).await;
    assert_eq!(changed["restricted_by_admin_reason"], Value::Null);
    let changed = json_of(patch(json!({ "primary_email": null }))).await;
    assert_eq!(changed["primary_email"], Value::Null);
    assert_eq!(changed["primary_email_auth_enabled"], false);

    for body in [
        json!({ "unknown": 1 }),
        json!({ "display_name": 1 }),
        json!({ "primary_email_verified": null }),
        json!({ "restricted_by_admin": null }),
        json!({ "display_name": "x".repeat(257) }),
        json!({ "primary_email": "nobody" }),
        json!({ "is_anonymous": true }),
        json!({ "restricted_by_admin_reason": "no restriction" }),
        json!({ "country_code": "Germany" }),
        json!({ "risk_scores": { "sign_up": { "bot": 101, "free_trial_abuse": 0 } } }),
        json!({ "profile_image_url": "no url" }),
        json!({ "totp_secret_base64": "?" }),
        json!({ "oauth_providers": [] }),
        json!({ "selected_team_id": "x" }),
    ] {
        let (status, code) = known_error(send(patch(body.clone())).await).await;
        assert_eq!((status, code.as_str()), (400, "SCHEMA_ERROR"), "{body}");
    }
    refused(
        patch(json!({ "primary_email": "a@b", "password": "short" })),
        400,
        "PASSWORD_TOO_SHORT",
    )
    .await;
    let after = json_of(as_server(&hexclave, Method::GET, &path)).await;
    assert_eq!(
        after["primary_email"],
        Value::Null,
        "what is refused changes nothing"
    );
    refused_in_text(patch(json!({ "passkey_auth_enabled": true })), 400).await;
    refused_in_text(patch(json!({ "primary_email_auth_enabled": true })), 400).await;
    refused(
        users().json(&json!({ "selected_team_id": null })),
        400,
        "SCHEMA_ERROR",
    )
    .await;
}

#[tokio::test]
async fn an_address_signs_one_user_in() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    hexclave
        .add_user(NewUser::new("ada@example.com"))
        .expect("a user");
    let error = hexclave
        .add_user(NewUser::new("ADA@example.com"))
        .expect_err("it is taken");
    assert!(error.to_string().contains("USER_EMAIL_ALREADY_EXISTS"), "{error}");

    // The same address is no trouble where it does not sign in.
    let users = || as_server(&hexclave, Method::POST, "/api/v1/users");
    let other = json_of(users().json(&json!({ "primary_email": "ada@example.com" }))).await;
    let path = format!("/api/v1/users/{}", other["id"].as_str().expect("an id"));
    let patch =
        as_server(&hexclave, Method::PATCH, &path).json(&json!({ "primary_email_auth_enabled": true }));
    refused(patch, 409, "USER_EMAIL_ALREADY_EXISTS").await;
}

#[tokio::test]
async fn clients_change_little_and_delete_themselves_where_that_is_allowed() {
    for allowed in [false, true] {
        let (hexclave, _) = start_with(LocalHexclave::builder().allow_client_user_deletion(allowed)).await;
        let tokens = hexclave
            .sign_up("ada@example.com", PASSWORD)
            .await
            .expect("tokens");
        let me = |method| {
            as_client(&hexclave, method, "/api/v1/users/me")
                .header("x-stack-access-token", tokens.access_token.expose())
        };
        let changed = json_of(me(Method::PATCH).json(&json!({ "display_name": "Ada" }))).await;
        assert_eq!(changed["display_name"], "Ada");
        for name in [
            "server_metadata",
            "client_read_only_metadata",
            "primary_email_verified",
            "password",
        ] {
            refused(
                me(Method::PATCH).json(&json!({ name: null })),
                400,
                "SCHEMA_ERROR",
            )
            .await;
        }
        if allowed {
            let deleted = json_of(me(Method::DELETE)).await;
            assert_eq!(deleted, json!({ "success": true }));
            refused(me(Method::GET), 400, "CANNOT_GET_OWN_USER_WITHOUT_USER").await;
        } else {
            refused_in_text(me(Method::DELETE), 400).await;
        }
    }
}

#[tokio::test]
async fn users_who_are_not_there_are_not_found() {
    let (hexclave, _) = start().await;
    let nobody = "/api/v1/users/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    refused(as_server(&hexclave, Method::GET, nobody), 404, "USER_NOT_FOUND").await;
    refused(
        as_server(&hexclave, Method::DELETE, nobody),
        404,
        "USER_NOT_FOUND",
    )
    .await;
    let patch = as_server(&hexclave, Method::PATCH, nobody).json(&json!({}));
    refused(patch, 404, "USER_NOT_FOUND").await;
    refused(
        as_server(&hexclave, Method::GET, "/api/v1/users/ada"),
        400,
        "SCHEMA_ERROR",
    )
    .await;
    refused_in_text(as_server(&hexclave, Method::GET, "/api/v1/nothing"), 404).await;
    refused_in_text(as_server(&hexclave, Method::PUT, nobody), 405).await;
}

#[tokio::test]
async fn the_project_says_what_it_allows() {
    let (hexclave, _) = start_with(
        LocalHexclave::builder()
            .require_publishable_client_key(true)
            .allow_sign_up(false),
    )
    .await;
    let project = json_of(as_client(&hexclave, Method::GET, "/api/v1/projects/current")).await;
    assert_eq!(project["id"], hexclave.config().project_id().as_str());
    assert_eq!(project["config"]["sign_up_enabled"], false);
    let error = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect_err("it is off");
    assert!(error.to_string().contains("SIGN_UP_NOT_ENABLED"), "{error}");
    let without_key = crate::support::request(&hexclave, Method::GET, "/api/v1/projects/current")
        .header("x-stack-access-type", "client")
        .header("x-stack-project-id", hexclave.config().project_id().as_str());
    refused(without_key, 401, "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT").await;
}

#[tokio::test]
async fn clients_with_no_key_and_no_project_find_the_api() {
    let (hexclave, _) = start_with(LocalHexclave::builder().require_publishable_client_key(true)).await;
    let path = "/api/v1/internal/backend-urls";
    let urls = json_of(crate::support::request(&hexclave, Method::GET, path)).await;
    assert_eq!(urls, json!({ "urls": [hexclave.config().api_url().as_str()] }));
    let other = crate::support::request(&hexclave, Method::GET, &format!("{path}?region=eu"));
    refused(other, 400, "SCHEMA_ERROR").await;
}

#[test]
fn nobody_can_be_printed() {
    let ada = NewUser::new("ada@example.com")
        .password(PASSWORD)
        .second_factor(b"secret");
    assert_eq!(format!("{ada:?}"), "NewUser(..)");
}
