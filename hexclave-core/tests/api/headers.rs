//! What is sent: the right headers, and no others.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderValue};
use hexclave_core::{
    AcceptedKinds, AccessToken, ProjectConfig, RefreshToken, SecretKey, UserKind,
    api::{Client, PasswordSignUp, SessionTokens, UserPatch},
};
use serde_json::{Value, json};

use crate::scripted::{Answer, PROJECT, Scripted, USER};

const USER_AGENT: &str = concat!("hexclave-core/", env!("CARGO_PKG_VERSION"));

pub(crate) fn user_json() -> Value {
    json!({ "id": USER, "signed_up_at_millis": 1_750_000_000_123_u64, "new_in_2027": [1] })
}

fn sent(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &HeaderValue| value.to_str().expect("text").to_owned();
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .filter(|(name, _)| name != "host")
        .collect()
}

fn expected(own: &[(&str, &str)]) -> BTreeMap<String, String> {
    let always = [
        ("accept", "application/json"),
        ("accept-encoding", "gzip"),
        ("user-agent", USER_AGENT),
    ];
    let pairs = always.iter().chain(own);
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn each_access_sends_its_own_key_and_no_other() {
    let project = || Answer::json(json!({ "id": PROJECT, "display_name": "Test", "config": {} }));
    let server = Scripted::start([project(), project(), project()]).await;
    let config = || server.config.clone();

    let client = Client::public(config()).expect("a client");
    client.project().await.expect("a project");
    let asked = server.asked_once();
    assert_eq!(asked.line(), "GET /api/v1/projects/current");
    let project = ("x-stack-project-id", PROJECT);
    assert_eq!(
        sent(&asked.headers),
        expected(&[
            ("x-stack-access-type", "client"),
            project,
            ("x-stack-publishable-client-key", "pck_public"),
        ])
    );

    let client = Client::server(config()).expect("a client");
    assert_eq!(client.project().await.expect("a project").display_name, "Test");
    assert_eq!(
        sent(&server.asked_once().headers),
        expected(&[
            ("x-stack-access-type", "server"),
            project,
            ("x-stack-secret-server-key", "ssk_hidden"),
        ])
    );

    let client = Client::admin(config()).expect("a client");
    client.project().await.expect("a project");
    assert_eq!(
        sent(&server.asked_once().headers),
        expected(&[
            ("x-stack-access-type", "admin"),
            project,
            ("x-stack-super-secret-admin-key", "sak_hidden"),
        ])
    );
    assert!(!format!("{client:?}").contains("hidden"));
}

#[tokio::test]
async fn who_is_let_in_is_said_and_decided() {
    let guest = || {
        let mut user = user_json();
        user["is_anonymous"] = json!(true);
        Answer::json(user)
    };
    let server = Scripted::start([Answer::json(user_json()), guest(), guest(), guest()]).await;
    let token = AccessToken::from("header.payload.signature");
    let only = AcceptedKinds::only;
    for (kinds, allow, comes_in) in [
        (only(UserKind::Normal), None, true),
        (
            only(UserKind::Normal).and(UserKind::Restricted),
            Some("x-stack-allow-restricted-user"),
            false,
        ),
        (
            only(UserKind::Restricted),
            Some("x-stack-allow-restricted-user"),
            false,
        ),
        (AcceptedKinds::ALL, Some("x-stack-allow-anonymous-user"), true),
    ] {
        let client = server.builder().accept(kinds).server().expect("a client");
        let me = client.as_user(&token).me().await;
        assert_eq!(me.is_ok(), comes_in, "{kinds}: {me:?}");
        let asked = server.asked_once();
        assert_eq!(asked.line(), "GET /api/v1/users/me");
        let mut own = vec![
            ("x-stack-access-type", "server"),
            ("x-stack-project-id", PROJECT),
            ("x-stack-secret-server-key", "ssk_hidden"),
            ("x-stack-access-token", "header.payload.signature"),
        ];
        own.extend(allow.map(|name| (name, "true")));
        assert_eq!(sent(&asked.headers), expected(&own), "{kinds}");
    }
}

#[tokio::test]
async fn bodies_are_objects_and_refresh_tokens_go_where_they_are_used() {
    let tokens = || {
        Answer::json(json!({ "access_token": "a.b.c", "refresh_token": "hidden refresh", "user_id": USER }))
    };
    let server = Scripted::start([tokens(), tokens(), tokens(), tokens(), Answer::json(user_json())]).await;
    let client = server.builder().public().expect("a client");
    let client_headers = [
        ("content-type", "application/json"),
        ("x-stack-access-type", "client"),
        ("x-stack-project-id", PROJECT),
        ("x-stack-publishable-client-key", "pck_public"),
    ];

    let guest = client.sign_up_anonymously().await.expect("a guest");
    assert!(!format!("{guest:?}").contains("hidden") && !format!("{guest:?}").contains("a.b.c"));
    let asked = server.asked_once();
    assert_eq!(asked.line(), "POST /api/v1/auth/anonymous/sign-up");
    assert_eq!(asked.json(), json!({}));
    let mut own = client_headers.to_vec();
    own.push(("content-length", "2"));
    assert_eq!(sent(&asked.headers), expected(&own));

    let SessionTokens {
        access_token,
        refresh_token,
        ..
    } = guest.tokens;
    client.refresh(&refresh_token).await.expect("a token");
    let asked = server.asked_once();
    assert_eq!(asked.line(), "POST /api/v1/auth/oauth/token");
    let form = format!(
        "grant_type=refresh_token&refresh_token=hidden+refresh&client_id={PROJECT}&client_secret=pck_public"
    );
    assert_eq!(asked.body, form);
    assert_eq!(
        sent(&asked.headers),
        expected(&[
            ("content-type", "application/x-www-form-urlencoded"),
            ("content-length", &form.len().to_string()),
        ])
    );

    client
        .refresh_current_session(&refresh_token)
        .await
        .expect("a token");
    let asked = server.asked_once();
    assert_eq!(asked.line(), "POST /api/v1/auth/sessions/current/refresh");
    assert_eq!(asked.json(), json!({}));
    own.push(("x-stack-refresh-token", "hidden refresh"));
    assert_eq!(sent(&asked.headers), expected(&own));

    let sign_up = PasswordSignUp::new("zoe@example.com", "correct horse").upgrading(&access_token);
    client.sign_up_with_password(&sign_up).await.expect("a user");
    let asked = server.asked_once();
    assert_eq!(asked.line(), "POST /api/v1/auth/password/sign-up");
    assert_eq!(
        asked.json(),
        json!({ "email": "zoe@example.com", "password": "correct horse" })
    );
    assert_eq!(asked.headers["x-stack-access-token"], "a.b.c");
    assert_eq!(asked.headers["x-stack-allow-anonymous-user"], "true");
    assert!(!asked.headers.contains_key("x-stack-refresh-token"));

    let patch = UserPatch::default().display_name(None);
    let user = client
        .as_user(&access_token)
        .update(&patch)
        .await
        .expect("a user");
    let asked = server.asked_once();
    assert_eq!(asked.line(), "PATCH /api/v1/users/me");
    assert_eq!(asked.json(), json!({ "display_name": null }));
    assert_eq!(user.extra["new_in_2027"], json!([1]));
}

#[tokio::test]
async fn extra_headers_are_sent_and_cannot_replace_ours() {
    let server = Scripted::start([Answer::json(user_json())]).await;
    let config = ProjectConfig::builder()
        .project_id(PROJECT.parse().expect("a project"))
        .api_url(server.config.api_url().clone())
        .secret_server_key(SecretKey::new("ssk_hidden").expect("a key"))
        .variables(|name| {
            (name == "HEXCLAVE_EXTRA_REQUEST_HEADERS")
                .then(|| r#"{"x-gate":"open","x-stack-access-type":"admin","user-agent":"other"}"#.to_owned())
        })
        .and_then(hexclave_core::ProjectConfigBuilder::build)
        .expect("a config");
    let client = Client::server(config).expect("a client");
    client.user(USER.parse().expect("an id")).await.expect("a user");
    let headers = sent(&server.asked_once().headers);
    assert_eq!(headers["x-gate"], "open");
    assert_eq!(headers["x-stack-access-type"], "server");
    assert_eq!(headers["user-agent"], USER_AGENT);
}

#[tokio::test]
async fn a_client_of_ones_own_is_used() {
    let server = Scripted::start([Answer::json(user_json())]).await;
    let http = reqwest::Client::builder()
        .no_proxy()
        .no_gzip()
        .redirect(reqwest::redirect::Policy::none())
        .default_headers(
            [("x-own".parse().expect("a name"), "1".parse().expect("a value"))]
                .into_iter()
                .collect(),
        )
        .build()
        .expect("a client");
    let client = server.builder().http_client(http).server().expect("a client");
    client.user(USER.parse().expect("an id")).await.expect("a user");
    let headers = sent(&server.asked_once().headers);
    assert_eq!(headers["x-own"], "1");
    assert_eq!(headers["user-agent"], USER_AGENT);
    assert!(!headers.contains_key("accept-encoding"));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_it_is() {
    let server = Scripted::start([]).await;
    let client = server.builder().public().expect("a client");
    let error = client
        .as_user(&AccessToken::from("hidden\ntoken"))
        .me()
        .await
        .expect_err("not a header");
    assert_eq!(error.code(), "token_malformed");
    assert!(!format!("{error:?}").contains("hidden"));
    let error = client
        .refresh_current_session(&RefreshToken::from("hidden\ntoken"))
        .await
        .expect_err("not a header");
    assert!(!format!("{error:?}").contains("hidden"));
    assert!(server.asked().is_empty());

    let without_keys = ProjectConfig::builder()
        .project_id(PROJECT.parse().expect("a project"))
        .build()
        .expect("a config");
    for (error, variable) in [
        (
            Client::server(without_keys.clone()).expect_err("no key"),
            "HEXCLAVE_SECRET_SERVER_KEY",
        ),
        (
            Client::admin(without_keys).expect_err("no key"),
            "HEXCLAVE_SUPER_SECRET_ADMIN_KEY",
        ),
    ] {
        assert_eq!(error.code(), "invalid_config");
        assert!(error.to_string().contains(variable), "{error}");
    }
}
