//! Keys, signing up and in, refreshing, and what is wrong with a request.

use std::sync::Arc;

use hexclave_core::{AcceptedKinds, AccessToken, UserKind, Verifier};
use hexclave_testkit::{
    TestClock,
    hexclave::{LocalHexclave, Tokens},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{PASSWORD, as_client, as_server, known_error, request, send, start};

async fn kind(hexclave: &LocalHexclave, clock: &Arc<TestClock>, token: &AccessToken) -> UserKind {
    let verifier = Verifier::builder(hexclave.config().clone())
        .accept(AcceptedKinds::ALL)
        .clock(Arc::clone(clock) as Arc<_>)
        .build()
        .expect("a verifier");
    verifier.verify(token).await.expect("a user").kind()
}

async fn refreshed(hexclave: &LocalHexclave, tokens: &Tokens) -> AccessToken {
    let response = send(
        as_client(hexclave, Method::POST, "/api/v1/auth/sessions/current/refresh")
            .header("x-stack-refresh-token", tokens.refresh_token.expose()),
    )
    .await;
    assert_eq!(response.status(), 200);
    let body: Value = response.json().await.expect("JSON");
    body["access_token"].as_str().expect("a token").into()
}

#[tokio::test]
async fn the_key_documents_are_hexclaves() {
    let (hexclave, _) = start().await;
    let path = "/api/v1/projects/11111111-2222-4333-8444-555555555555/.well-known/jwks.json";
    let all = [
        "dgOjIEmKsTiF",
        "3GhONIUMXycq",
        "dBAe5RWEsC8L",
        "FxWhyWkSIfEU",
        "oCnY3DC4bxay",
        "6Em93H1N47gm",
    ];
    for (query, ids) in [
        ("", &all[..2]),
        ("?include_restricted=false", &all[..2]),
        ("?include_restricted=true", &all[..4]),
        ("?include_anonymous=true&include_restricted=false", &all),
    ] {
        for prefix in ["/api/v1", "/api/latest"] {
            let path = path.replacen("/api/v1", prefix, 1);
            let response = send(request(&hexclave, Method::GET, &format!("{path}{query}"))).await;
            let headers = response.headers();
            assert_eq!(headers["content-type"], "application/json; charset=utf-8");
            assert_eq!(headers["cache-control"], "public, max-age=3600");
            assert_eq!(headers["access-control-allow-origin"], "*");
            assert_eq!(headers["x-stack-request-id"], headers["x-hexclave-request-id"]);
            assert_eq!(headers["x-stack-request-id"].len(), 16);
            assert!(!headers.contains_key("etag"));
            let text = response.text().await.expect("a body");
            let body: Value = serde_json::from_str(&text).expect("JSON");
            let keys = body["keys"].as_array().expect("a list");
            let found: Vec<_> = keys
                .iter()
                .map(|key| key["kid"].as_str().expect("an id"))
                .collect();
            assert_eq!(found, ids, "{query}");
            assert!(text.starts_with(
                r#"{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"dgOjIEmKsTiF","x":"b9UT"#
            ));
            assert!(keys.iter().all(|key| key.as_object().expect("a key").len() == 6));
        }
    }
    for query in ["?include_restricted=1", "?include_anonymous=", "?_=17"] {
        let response = send(request(&hexclave, Method::GET, &format!("{path}{query}"))).await;
        assert_eq!(
            known_error(response).await,
            (400, "SCHEMA_ERROR".into()),
            "{query}"
        );
    }
    let other = path.replace("11111111", "99999999");
    let response = send(request(&hexclave, Method::GET, &other)).await;
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
}

#[tokio::test]
async fn a_user_signs_up_verifies_the_address_and_signs_in() {
    let (hexclave, clock) = start().await;
    let tokens = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    assert_eq!(tokens.refresh_token.expose().len(), 45);
    assert_eq!(
        kind(&hexclave, &clock, &tokens.access_token).await,
        UserKind::Restricted
    );

    hexclave.verify_email(tokens.user_id).expect("an address");
    let refreshed = refreshed(&hexclave, &tokens).await;
    assert_eq!(kind(&hexclave, &clock, &refreshed).await, UserKind::Normal);

    let again = hexclave
        .sign_in("Ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    assert_eq!(again.user_id, tokens.user_id);
    assert_eq!(
        kind(&hexclave, &clock, &again.access_token).await,
        UserKind::Normal
    );
    for (email, password) in [("ada@example.com", "wrong horse"), ("bob@example.com", PASSWORD)] {
        let error = hexclave
            .sign_in(email, password)
            .await
            .expect_err("nobody")
            .to_string();
        assert!(error.contains("400 EMAIL_PASSWORD_MISMATCH"), "{error}");
    }
}

#[tokio::test]
async fn a_guest_becomes_a_user_and_keeps_the_id() {
    let (hexclave, clock) = start().await;
    let guest = hexclave.sign_up_anonymously().await.expect("tokens");
    assert_eq!(
        kind(&hexclave, &clock, &guest.access_token).await,
        UserKind::Anonymous
    );

    let response = send(
        as_client(&hexclave, Method::POST, "/api/v1/auth/password/sign-up")
            .header("x-stack-access-token", guest.access_token.expose())
            .header("x-stack-allow-anonymous-user", "true")
            .json(&json!({ "email": "ada@example.com", "password": PASSWORD })),
    )
    .await;
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["user_id"], guest.user_id.to_string());

    let old_session = send(
        as_client(&hexclave, Method::POST, "/api/v1/auth/sessions/current/refresh")
            .header("x-stack-refresh-token", guest.refresh_token.expose()),
    )
    .await;
    assert_eq!(
        known_error(old_session).await,
        (401, "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED".into())
    );
}

#[tokio::test]
async fn the_oauth_endpoint_refreshes() {
    let (hexclave, clock) = start().await;
    let tokens = hexclave.sign_up_anonymously().await.expect("tokens");
    let project = hexclave.config().project_id().to_string();
    let key = hexclave.config().publishable_client_key().expect("a key");
    let refresh = |client_id: &str, client_secret: &str, refresh_token: &str| {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", refresh_token)
            .append_pair("client_id", client_id)
            .append_pair("client_secret", client_secret)
            .finish();
        request(&hexclave, Method::POST, "/api/v1/auth/oauth/token")
            .header("content-type", "application/x-www-form-urlencoded;charset=UTF-8")
            .body(form)
    };
    clock.advance(60);
    for secret in [key, "__stack_public_client__"] {
        for id in [project.clone(), format!("{project}#main")] {
            let response = send(refresh(&id, secret, tokens.refresh_token.expose())).await;
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["pragma"], "no-cache");
            let body: Value = response.json().await.expect("JSON");
            assert_eq!(body["token_type"], "Bearer");
            assert_eq!(
                body["refresh_token"],
                tokens.refresh_token.expose(),
                "it is not rotated"
            );
            let token = body["access_token"].as_str().expect("a token").into();
            assert_eq!(kind(&hexclave, &clock, &token).await, UserKind::Anonymous);
        }
    }
    for (id, secret, token, expected) in [
        (
            project.as_str(),
            key,
            "unknown",
            (401, "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED"),
        ),
        (
            project.as_str(),
            "",
            "unknown",
            (400, "INVALID_OAUTH_CLIENT_ID_OR_SECRET"),
        ),
        (
            "internal",
            key,
            "unknown",
            (400, "INVALID_OAUTH_CLIENT_ID_OR_SECRET"),
        ),
    ] {
        let (status, code) = known_error(send(refresh(id, secret, token)).await).await;
        assert_eq!((status, code.as_str()), expected);
    }
}

#[tokio::test]
async fn the_current_user_is_shown_to_those_who_may_see_it() {
    let (hexclave, clock) = start().await;
    let me = "/api/v1/users/me";
    let tokens = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let with =
        |request: RequestBuilder, token: &AccessToken| request.header("x-stack-access-token", token.expose());

    let refused = send(with(as_client(&hexclave, Method::GET, me), &tokens.access_token)).await;
    assert_eq!(
        known_error(refused).await,
        (403, "RESTRICTED_USER_NOT_ALLOWED".into())
    );
    let allowed = with(as_client(&hexclave, Method::GET, me), &tokens.access_token)
        .header("x-stack-allow-restricted-user", "true");
    let user: Value = send(allowed).await.json().await.expect("JSON");
    assert_eq!(user["restricted_reason"], json!({ "type": "email_not_verified" }));

    hexclave.verify_email(tokens.user_id).expect("an address");
    let token = refreshed(&hexclave, &tokens).await;
    let seen = |request| async { send(request).await.json::<Value>().await.expect("JSON") };
    let for_client = seen(with(as_client(&hexclave, Method::GET, me), &token)).await;
    let for_server = seen(with(as_server(&hexclave, Method::GET, me), &token)).await;
    assert_eq!(for_client["id"], tokens.user_id.to_string());
    assert_eq!(for_client["primary_email"], "ada@example.com");
    assert_eq!(for_client["is_restricted"], false);
    assert_eq!(for_client["restricted_reason"], Value::Null);
    assert!(for_client.get("server_metadata").is_none());
    assert!(for_server.get("server_metadata").is_some());

    let guest = hexclave.sign_up_anonymously().await.expect("tokens");
    let refused = send(with(as_server(&hexclave, Method::GET, me), &guest.access_token)).await;
    assert_eq!(
        known_error(refused).await,
        (401, "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED".into())
    );
    let nobody = send(as_client(&hexclave, Method::GET, me)).await;
    assert_eq!(
        known_error(nobody).await,
        (400, "CANNOT_GET_OWN_USER_WITHOUT_USER".into())
    );
    clock.advance(600);
    let expired = send(with(as_server(&hexclave, Method::GET, me), &token)).await;
    assert_eq!(known_error(expired).await, (401, "ACCESS_TOKEN_EXPIRED".into()));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_as_hexclave_does() {
    let (hexclave, _) = start().await;
    let me = "/api/v1/users/me";
    let sign_up = "/api/v1/auth/password/sign-up";
    hexclave
        .sign_up("taken@example.com", PASSWORD)
        .await
        .expect("tokens");
    let project = hexclave.config().project_id().as_str();
    let get = || request(&hexclave, Method::GET, me);
    let access = |kind: &str| {
        get()
            .header("x-stack-access-type", kind)
            .header("x-stack-project-id", project)
    };
    let sign_up_with = |email: &str, password: &str| {
        as_client(&hexclave, Method::POST, sign_up).json(&json!({ "email": email, "password": password }))
    };
    let body = |kind: &str, body: &'static str| {
        as_client(&hexclave, Method::POST, sign_up)
            .header("content-type", kind)
            .body(body)
    };
    let cases = [
        (get(), 400, "ACCESS_TYPE_REQUIRED"),
        (
            get().header("x-stack-secret-server-key", "ssk_x"),
            400,
            "PROJECT_KEY_WITHOUT_ACCESS_TYPE",
        ),
        (access("root"), 400, "INVALID_ACCESS_TYPE"),
        (
            get().header("x-stack-access-type", "client"),
            400,
            "ACCESS_TYPE_WITHOUT_PROJECT_ID",
        ),
        (
            access("client").header("x-hexclave-project-id", "internal"),
            400,
            "CURRENT_PROJECT_NOT_FOUND",
        ),
        (access("server"), 401, "SERVER_AUTHENTICATION_REQUIRED"),
        (
            as_server(&hexclave, Method::GET, me).header("x-stack-secret-server-key", "the-new-name-wins"),
            400,
            "CANNOT_GET_OWN_USER_WITHOUT_USER",
        ),
        (
            access("server").header("x-stack-secret-server-key", "ssk_wrong"),
            401,
            "INVALID_SECRET_SERVER_KEY",
        ),
        (
            access("client").header("x-stack-publishable-client-key", "pck_wrong"),
            401,
            "INVALID_PUBLISHABLE_CLIENT_KEY",
        ),
        (
            access("client").header("x-stack-access-token", "garbage"),
            401,
            "UNPARSABLE_ACCESS_TOKEN",
        ),
        (sign_up_with("no address", PASSWORD), 400, "SCHEMA_ERROR"),
        (
            body("application/json", r#"{"email":"ada@example.com"}"#),
            400,
            "SCHEMA_ERROR",
        ),
        (
            body(
                "application/json",
                r#"{"email":"ada@example.com","password":"correct horse","admin":true}"#,
            ),
            400,
            "SCHEMA_ERROR",
        ),
        (
            sign_up_with("ada@example.com", "short"),
            400,
            "PASSWORD_TOO_SHORT",
        ),
        (
            sign_up_with("ada@example.com", &"x".repeat(71)),
            400,
            "PASSWORD_TOO_LONG",
        ),
        (
            sign_up_with("taken@example.com", PASSWORD),
            409,
            "USER_EMAIL_ALREADY_EXISTS",
        ),
        (body("application/json", "{"), 400, "BODY_PARSING_ERROR"),
        (body("text/html", "{}"), 400, "BODY_PARSING_ERROR"),
        (
            as_client(&hexclave, Method::POST, "/api/v1/auth/sessions/current/refresh"),
            400,
            "SCHEMA_ERROR",
        ),
    ];
    for (request, status, code) in cases {
        assert_eq!(known_error(send(request).await).await, (status, code.to_owned()));
    }
}

#[tokio::test]
async fn errors_repeat_no_secret() {
    let (hexclave, _) = start().await;
    let sign_in = as_client(&hexclave, Method::POST, "/api/v1/auth/password/sign-in");
    for body in [
        json!({ "email": "ada@example.com", "password": ["battery staple"] }),
        json!({ "email": "ada@example.com", "password": PASSWORD, "totp": "battery staple" }),
        json!("battery staple"),
    ] {
        let response = send(sign_in.try_clone().expect("a request").json(&body)).await;
        assert_eq!(response.status(), 400);
        let text = response.text().await.expect("a body");
        assert!(
            !text.contains("battery") && text.contains("SCHEMA_ERROR"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn errors_are_200_for_those_who_ask_for_it() {
    let (hexclave, _) = start().await;
    let request = request(&hexclave, Method::GET, "/api/v1/users/me");
    let response = send(request.header("x-stack-override-error-status", "true")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-stack-actual-status"], "400");
    assert_eq!(response.headers()["x-hexclave-actual-status"], "400");
    assert_eq!(known_error(response).await, (200, "ACCESS_TYPE_REQUIRED".into()));
}

#[tokio::test]
async fn it_stops_when_it_is_dropped() {
    let (hexclave, _) = start().await;
    let health = format!("{}/health", hexclave.config().api_url());
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    assert_eq!(client.get(&health).send().await.expect("an answer").status(), 200);
    drop(hexclave);
    // The server's task has to be given the chance to notice.
    for _ in 0..1000 {
        if client.get(&health).send().await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it still answers");
}
