//! Sessions and second factors.

use hexclave_testkit::hexclave::{LocalHexclave, NewUser, Tokens};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{
    PASSWORD, as_client, as_server, ids, json_of, known_error, refused, refused_in_text, send, start_with,
};

fn refresh(hexclave: &LocalHexclave, refresh_token: &str) -> RequestBuilder {
    as_client(hexclave, Method::POST, "/api/v1/auth/sessions/current/refresh")
        .header("x-stack-refresh-token", refresh_token)
}

async fn is_alive(hexclave: &LocalHexclave, tokens: &Tokens) -> bool {
    send(refresh(hexclave, tokens.refresh_token.expose()))
        .await
        .status()
        == 200
}

#[tokio::test]
async fn sessions_are_listed_revoked_and_signed_out_of() {
    let (hexclave, clock) = start_with(LocalHexclave::builder()).await;
    let first = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    clock.advance(10);
    let second = hexclave
        .sign_in("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let other = hexclave
        .sign_up("bob@example.com", PASSWORD)
        .await
        .expect("tokens");
    let with = |method, path: &str, tokens: &Tokens| {
        as_client(&hexclave, method, path).header("x-stack-access-token", tokens.access_token.expose())
    };

    let list = json_of(with(Method::GET, "/api/v1/auth/sessions?user_id=me", &first)).await;
    assert_eq!(list["is_paginated"], false);
    let [newer, older] = [0, 1].map(|index| list["items"][index].clone());
    assert_eq!(newer["created_at"], 1_795_300_089_000_u64);
    assert_eq!(older["created_at"], 1_795_300_079_000_u64);
    assert_eq!(older["user_id"], first.user_id.to_string());
    assert_eq!(
        (&older["is_current_session"], &newer["is_current_session"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(older["is_impersonation"], false);
    refused(
        with(Method::GET, "/api/v1/auth/sessions", &first),
        400,
        "SCHEMA_ERROR",
    )
    .await;
    let others = format!("/api/v1/auth/sessions?user_id={}", other.user_id);
    refused_in_text(with(Method::GET, &others, &first), 403).await;

    let revoke = |session: &Value| {
        format!(
            "/api/v1/auth/sessions/{}?user_id=me",
            session["id"].as_str().expect("an id")
        )
    };
    refused(
        with(Method::DELETE, &revoke(&older), &first),
        400,
        "CANNOT_DELETE_CURRENT_SESSION",
    )
    .await;
    refused_in_text(with(Method::DELETE, &revoke(&older), &other), 404).await;
    json_of(with(Method::DELETE, &revoke(&newer), &first)).await;
    assert!(!is_alive(&hexclave, &second).await);
    assert!(is_alive(&hexclave, &first).await);
    refused_in_text(with(Method::DELETE, &revoke(&newer), &first), 404).await;

    let sign_out = || with(Method::DELETE, "/api/v1/auth/sessions/current", &first);
    assert_eq!(json_of(sign_out()).await, json!({ "success": true }));
    assert!(!is_alive(&hexclave, &first).await);
    refused(sign_out(), 401, "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED").await;
    let me = json_of(with(Method::GET, "/api/v1/users/me", &first)).await;
    assert_eq!(
        me["primary_email"], "ada@example.com",
        "access tokens outlive their session"
    );
}

#[tokio::test]
async fn servers_open_sessions_that_end_in_time() {
    let (hexclave, clock) = start_with(LocalHexclave::builder()).await;
    let ada = hexclave
        .add_user(NewUser::new("ada@example.com"))
        .expect("a user");
    let open = |body: Value| as_server(&hexclave, Method::POST, "/api/v1/auth/sessions").json(&body);
    let tokens = json_of(open(
        json!({ "user_id": ada.to_string(), "expires_in_millis": 60_000 }),
    ))
    .await;
    let refresh_token = tokens["refresh_token"].as_str().expect("a token");
    assert!(tokens["access_token"].is_string());
    clock.advance(59);
    assert_eq!(send(refresh(&hexclave, refresh_token)).await.status(), 200);
    clock.advance(1);
    refused(
        refresh(&hexclave, refresh_token),
        401,
        "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED",
    )
    .await;

    json_of(open(
        json!({ "user_id": ada.to_string(), "is_impersonation": true }),
    ))
    .await;
    let path = format!("/api/v1/auth/sessions?user_id={ada}");
    let list = json_of(as_server(&hexclave, Method::GET, &path)).await;
    assert_eq!(
        ids(&list).len(),
        1,
        "those of impersonators are not for servers to see"
    );

    let year = 365 * 24 * 3600;
    let tokens = json_of(open(json!({ "user_id": ada.to_string() }))).await;
    let refresh_token = tokens["refresh_token"].as_str().expect("a token");
    clock.advance(year - 1);
    assert_eq!(send(refresh(&hexclave, refresh_token)).await.status(), 200);
    clock.advance(1);
    refused(
        refresh(&hexclave, refresh_token),
        401,
        "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED",
    )
    .await;

    let nobody = json!({ "user_id": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee" });
    refused(open(nobody), 400, "USER_ID_DOES_NOT_EXIST").await;
    let too_long = json!({ "user_id": ada.to_string(), "expires_in_millis": 367_u64 * 86_400_000 + 1 });
    refused(open(too_long), 400, "SCHEMA_ERROR").await;
}

#[tokio::test]
async fn a_new_password_and_a_deletion_end_all_sessions() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    let tokens = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let path = format!("/api/v1/users/{}", tokens.user_id);
    json_of(as_server(&hexclave, Method::PATCH, &path).json(&json!({ "display_name": "Ada" }))).await;
    assert!(is_alive(&hexclave, &tokens).await);
    json_of(as_server(&hexclave, Method::PATCH, &path).json(&json!({ "password": "battery staple" }))).await;
    assert!(!is_alive(&hexclave, &tokens).await);

    let tokens = hexclave
        .sign_in("ada@example.com", "battery staple")
        .await
        .expect("tokens");
    json_of(as_server(&hexclave, Method::DELETE, &path)).await;
    assert!(!is_alive(&hexclave, &tokens).await);
    assert!(
        hexclave
            .sign_in("ada@example.com", "battery staple")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn users_set_and_change_their_password() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    let ada = hexclave
        .add_user(NewUser::new("ada@example.com"))
        .expect("a user");
    let open = as_server(&hexclave, Method::POST, "/api/v1/auth/sessions");
    let tokens = json_of(open.json(&json!({ "user_id": ada.to_string() }))).await;
    let token = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    let post = |path: &str, body: Value| {
        as_client(&hexclave, Method::POST, &format!("/api/v1/auth/password/{path}"))
            .header("x-stack-access-token", token("access_token"))
            .header("x-stack-refresh-token", token("refresh_token"))
            .json(&body)
    };
    let change = |old: &str, new: &str| post("update", json!({ "old_password": old, "new_password": new }));
    refused(
        change(PASSWORD, "battery staple"),
        400,
        "USER_DOES_NOT_HAVE_PASSWORD",
    )
    .await;
    refused(
        post("set", json!({ "password": "short" })),
        400,
        "PASSWORD_TOO_SHORT",
    )
    .await;
    json_of(post("set", json!({ "password": PASSWORD }))).await;
    refused_in_text(post("set", json!({ "password": PASSWORD })), 400).await;

    let other = hexclave
        .sign_in("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    refused(
        change("wrong horse", PASSWORD),
        400,
        "PASSWORD_CONFIRMATION_MISMATCH",
    )
    .await;
    assert!(is_alive(&hexclave, &other).await);
    json_of(change(PASSWORD, "battery staple")).await;
    assert!(!is_alive(&hexclave, &other).await);
    let own = send(refresh(&hexclave, &token("refresh_token"))).await;
    assert_eq!(own.status(), 200, "the session that has changed it goes on");
    let nobody = as_client(&hexclave, Method::POST, "/api/v1/auth/password/set");
    let nobody = nobody.json(&json!({ "password": PASSWORD }));
    refused(nobody, 401, "USER_AUTHENTICATION_REQUIRED").await;
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_shown_once() {
    let (hexclave, clock) = start_with(LocalHexclave::builder()).await;
    let secret = b"12345678901234567890";
    let ada = NewUser::new("ada@example.com")
        .password(PASSWORD)
        .second_factor(secret);
    let ada = hexclave.add_user(ada).expect("a user");
    let asked = || async {
        let sign_in = as_client(&hexclave, Method::POST, "/api/v1/auth/password/sign-in")
            .json(&json!({ "email": "ada@example.com", "password": PASSWORD }));
        let response = send(sign_in).await;
        assert_eq!(
            response.headers()["x-hexclave-known-error"],
            "MULTI_FACTOR_AUTHENTICATION_REQUIRED"
        );
        let body: Value = response.json().await.expect("JSON");
        body["details"]["attempt_code"]
            .as_str()
            .expect("a code")
            .to_owned()
    };
    let show = |code: &str, totp: &str| {
        as_client(&hexclave, Method::POST, "/api/v1/auth/mfa/sign-in")
            .json(&json!({ "type": "totp", "totp": totp, "code": code }))
    };
    let code = asked().await;
    let totp = hexclave.one_time_password(secret);
    refused(show(&code, "000000"), 400, "INVALID_TOTP_CODE").await;
    refused(show("unknown", &totp), 404, "VERIFICATION_CODE_NOT_FOUND").await;
    let tokens = json_of(show(&code, &totp)).await;
    assert_eq!(tokens["user_id"], ada.to_string());
    assert_eq!(tokens["is_new_user"], false);
    assert!(tokens["access_token"].is_string() && tokens["refresh_token"].is_string());
    refused(show(&code, &totp), 409, "VERIFICATION_CODE_ALREADY_USED").await;

    let code = asked().await;
    clock.advance(300);
    let totp = hexclave.one_time_password(secret);
    refused(show(&code, &totp), 400, "VERIFICATION_CODE_EXPIRED").await;
}

#[tokio::test]
async fn an_expired_token_is_told_from_a_forged_one() {
    let (hexclave, clock) = start_with(LocalHexclave::builder()).await;
    let tokens = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    clock.advance(600);
    let me = |token: &str| {
        as_client(&hexclave, Method::GET, "/api/v1/users/me").header("x-stack-access-token", token)
    };
    let response = send(me(tokens.access_token.expose())).await;
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["code"], "ACCESS_TOKEN_EXPIRED");
    assert_eq!(body["details"]["expired_at_millis"], 1_795_300_679_000_u64);
    assert_eq!(body["details"]["user_id"], tokens.user_id.to_string());
    let (payload, _) = tokens.access_token.expose().rsplit_once('.').expect("a token");
    let forged = format!("{payload}.{}", "A".repeat(86));
    refused(me(&forged), 401, "UNPARSABLE_ACCESS_TOKEN").await;

    let (other, _) = start_with(LocalHexclave::builder()).await;
    assert_eq!(other.config().project_id(), hexclave.config().project_id());
    let elsewhere = hexclave_testkit::hexclave::Issuer::random().expect("an issuer");
    let subject = hexclave_testkit::hexclave::Subject::new("ada@example.com");
    let foreign = elsewhere
        .token(&subject, crate::support::NOW + 600)
        .expect("a token");
    let response = send(me(&foreign)).await;
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["code"], "INVALID_PROJECT_FOR_ACCESS_TOKEN");
    assert_eq!(
        body["details"]["actual_project_id"],
        elsewhere.config().project_id().as_str()
    );
    let (status, code) = known_error(send(me("garbage")).await).await;
    assert_eq!((status, code.as_str()), (401, "UNPARSABLE_ACCESS_TOKEN"));
}
