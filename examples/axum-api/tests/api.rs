//! The API with a real Hexclave's tokens and a real Postgres; see `dev/stage.rs` for what stands in the place of Convex.
#![allow(clippy::expect_used, clippy::indexing_slicing)]

#[path = "../dev/stage.rs"]
mod stage;

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use example_axum_api::{App, pool, router};
use hexclave_convex::FunctionClient;
use hexclave_core::AccessToken;
use hexclave_supabase::{JwtSecret, SupabaseVerifier};
use hexclave_testkit::hexclave::Fault;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio_postgres::{Config, NoTls};
use tower::ServiceExt;

use self::stage::{JWT_SECRET, Stage};

const ROUTES: [(&str, &str); 4] = [
    ("GET", "/notes"),
    ("POST", "/notes"),
    ("POST", "/supabase/token"),
    ("GET", "/convex/me"),
];

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

async fn ask(api: &Router, route: (&str, &str), token: Option<&AccessToken>) -> Answer {
    send(api, route, token, json!({ "text": "a note" })).await
}

async fn send(
    api: &Router,
    (method, path): (&str, &str),
    token: Option<&AccessToken>,
    body: Value,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("x-stack-access-token", token.expose());
    }
    let request = request.body(Body::from(body.to_string())).expect("a request");
    let response = api.clone().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: serde_json::from_slice(&body).expect("JSON"),
    }
}

async fn stage() -> (Stage, Router) {
    let stage = Stage::set().await.expect("a stage");
    let api = router(stage.app().expect("an app"));
    (stage, api)
}

#[tokio::test]
async fn nobody_is_let_in_without_a_token() {
    let (stage, api) = stage().await;
    let broken = AccessToken::from("eyJhbGciOiJFUzI1NiJ9.e30.c2ln");
    for route in ROUTES {
        let answer = ask(&api, route, None).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNAUTHORIZED, "token_missing"),
            "{route:?}"
        );
        assert!(answer.headers.contains_key("www-authenticate"));
        let answer = ask(&api, route, Some(&broken)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{route:?}");
    }
    assert_eq!(stage.convex.asked(), [] as [Value; 0]);
}

#[tokio::test]
async fn everybody_sees_their_own_notes() {
    let (stage, api) = stage().await;
    let ada = stage.sign_in("ada@example.com").await.expect("a token");
    let grace = stage.sign_in("grace@example.com").await.expect("a token");
    let mut added = Vec::new();
    for (token, text) in [(&ada, "Ada's first"), (&grace, "Grace's"), (&ada, "Ada's second")] {
        // An owner that somebody makes up is not looked at.
        let note = json!({ "text": text, "owner": "00000000-0000-4000-8000-000000000000" });
        let answer = send(&api, ("POST", "/notes"), Some(token), note).await;
        assert_eq!(
            (answer.status, &answer.body["text"]),
            (StatusCode::CREATED, &json!(text))
        );
        added.push(answer.body);
    }
    for (token, expected) in [(&ada, json!([added[2], added[0]])), (&grace, json!([added[1]]))] {
        let answer = ask(&api, ("GET", "/notes"), Some(token)).await;
        assert_eq!((answer.status, answer.body), (StatusCode::OK, expected));
        assert_eq!(answer.headers["cache-control"], "private, no-store");
    }
    for text in ["", &"x".repeat(1001)] {
        let answer = send(&api, ("POST", "/notes"), Some(&ada), json!({ "text": text })).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNPROCESSABLE_ENTITY, "text_length")
        );
    }
}

#[tokio::test]
async fn guests_and_restricted_users_are_refused() {
    let (stage, api) = stage().await;
    let guest = stage
        .hexclave
        .sign_up_anonymously()
        .await
        .expect("tokens")
        .access_token;
    let eve = stage
        .sign_in_restricted("eve@example.com")
        .await
        .expect("a token");
    for (token, kind) in [(&guest, "anonymous"), (&eve, "restricted")] {
        for route in ROUTES {
            let answer = ask(&api, route, Some(token)).await;
            assert_eq!(
                (answer.status, answer.code(), &answer.body["kind"]),
                (StatusCode::FORBIDDEN, "kind_not_accepted", &json!(kind)),
                "{route:?}"
            );
        }
    }
    assert_eq!(stage.convex.asked(), [] as [Value; 0]);
}

#[tokio::test]
async fn the_token_for_supabase_is_the_users() {
    let (stage, api) = stage().await;
    let ada = stage.sign_in("ada@example.com").await.expect("a token");
    let user = stage
        .app()
        .expect("an app")
        .verifier
        .verify(&ada)
        .await
        .expect("a user");
    let answer = ask(&api, ("POST", "/supabase/token"), Some(&ada)).await;
    assert_eq!(answer.status, StatusCode::OK);
    let supabase = SupabaseVerifier::new(JwtSecret::new(JWT_SECRET).expect("a secret"));
    let token = supabase
        .verify(answer.body["token"].as_str().expect("a text"))
        .expect("Supabase lets it in");
    assert_eq!(token.user_id(), user.id());
    assert_eq!(answer.headers["cache-control"], "private, no-store");
}

#[tokio::test]
async fn convex_is_asked_as_the_user() {
    let (stage, api) = stage().await;
    let ada = stage.sign_in("ada@example.com").await.expect("a token");
    let answer = ask(&api, ("GET", "/convex/me"), Some(&ada)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["primaryEmail"], "ada@example.com");
    assert_eq!(answer.body["kind"], "normal");
    let asked = json!({ "path": "users:me", "args": {}, "format": "json" });
    assert_eq!(stage.convex.asked(), [asked]);
}

/// Somebody who cannot be checked is told to come again, and never that the token is bad.
#[tokio::test]
async fn without_hexclave_nobody_is_called_signed_out() {
    let (stage, api) = stage().await;
    let ada = stage.sign_in("ada@example.com").await.expect("a token");
    stage.hexclave.inject(Fault::close());
    for route in ROUTES {
        let answer = ask(&api, route, Some(&ada)).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::SERVICE_UNAVAILABLE, "keys_unavailable"),
            "{route:?}"
        );
        assert!(answer.headers.contains_key("retry-after"));
    }
}

#[tokio::test]
async fn what_else_cannot_be_reached_is_no_fault_of_the_user() {
    let (stage, _) = stage().await;
    let ada = stage.sign_in("ada@example.com").await.expect("a token");
    // Nobody listens on this port of loopback: it is for nobody to have.
    let mut nowhere = Config::new();
    nowhere.host("127.0.0.1").port(1).user("nobody");
    let convex = FunctionClient::builder("http://127.0.0.1:1".parse().expect("a deployment"))
        .deadline(Duration::from_millis(100))
        .build();
    let api = router(App {
        database: pool(nowhere, NoTls).expect("a pool"),
        convex: convex.expect("a client"),
        ..stage.app().expect("an app")
    });
    for (route, code) in [
        (("GET", "/notes"), "database_unavailable"),
        (("POST", "/notes"), "database_unavailable"),
        (("GET", "/convex/me"), "convex_unavailable"),
    ] {
        let answer = ask(&api, route, Some(&ada)).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::SERVICE_UNAVAILABLE, code),
            "{route:?}"
        );
        assert!(answer.headers.contains_key("retry-after"));
    }
}
