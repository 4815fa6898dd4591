//! The login of a command line, at the edges of its time.

use hexclave_testkit::hexclave::LocalHexclave;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{PASSWORD, as_client, json_of, refused, refused_in_text, send, start, start_with};

fn start_login(hexclave: &LocalHexclave, body: Value) -> RequestBuilder {
    as_client(hexclave, Method::POST, "/api/v1/auth/cli").json(&body)
}

fn complete(hexclave: &LocalHexclave, login: &Value, refresh_token: &str) -> RequestBuilder {
    as_client(hexclave, Method::POST, "/api/v1/auth/cli/complete")
        .json(&json!({ "login_code": login["login_code"], "refresh_token": refresh_token }))
}

fn poll(hexclave: &LocalHexclave, login: &Value) -> RequestBuilder {
    as_client(hexclave, Method::POST, "/api/v1/auth/cli/poll")
        .json(&json!({ "polling_code": login["polling_code"] }))
}

#[tokio::test]
async fn a_login_waits_succeeds_once_and_is_used() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    let browser = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let login = json_of(start_login(&hexclave, json!({}))).await;
    assert_eq!(login["expires_at"], "2026-11-21T22:29:59.000Z");
    assert_ne!(login["polling_code"], login["login_code"]);
    assert_eq!(
        json_of(poll(&hexclave, &login)).await,
        json!({ "status": "waiting" })
    );
    let done = json_of(complete(&hexclave, &login, browser.refresh_token.expose())).await;
    assert_eq!(done, json!({ "success": true }));
    refused_in_text(complete(&hexclave, &login, browser.refresh_token.expose()), 400).await;

    let polled = send(poll(&hexclave, &login)).await;
    assert_eq!(polled.status(), 201);
    let polled: Value = polled.json().await.expect("JSON");
    let expected = json!({ "status": "success", "refresh_token": browser.refresh_token.expose() });
    assert_eq!(polled, expected, "the command line shares the browser's session");
    assert_eq!(
        json_of(poll(&hexclave, &login)).await,
        json!({ "status": "used" })
    );

    let unknown = json!({ "polling_code": "unknown" });
    refused(poll(&hexclave, &unknown), 400, "INVALID_POLLING_CODE").await;
}

#[tokio::test]
async fn a_login_expires_even_when_it_was_confirmed_in_time() {
    let (hexclave, clock) = start_with(LocalHexclave::builder()).await;
    let browser = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let token = browser.refresh_token.expose();
    let confirmed = json_of(start_login(&hexclave, json!({ "expires_in_millis": 60_000 }))).await;
    let late = json_of(start_login(&hexclave, json!({ "expires_in_millis": 60_000 }))).await;
    clock.advance(60);
    json_of(complete(&hexclave, &confirmed, token)).await;
    assert_eq!(json_of(poll(&hexclave, &late)).await["status"], "waiting");
    clock.advance(1);
    assert_eq!(
        json_of(poll(&hexclave, &confirmed)).await,
        json!({ "status": "expired" })
    );
    assert_eq!(
        json_of(poll(&hexclave, &late)).await,
        json!({ "status": "expired" })
    );
    refused_in_text(complete(&hexclave, &late, token), 400).await;

    let longest = start_login(&hexclave, json!({ "expires_in_millis": 900_000 }));
    assert_eq!(send(longest).await.status(), 200);
    let too_long = start_login(&hexclave, json!({ "expires_in_millis": 900_001 }));
    refused(too_long, 400, "SCHEMA_ERROR").await;
}

#[tokio::test]
async fn only_sessions_of_the_right_people_count() {
    let (hexclave, _) = start().await;
    let restricted = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let guest = hexclave.sign_up_anonymously().await.expect("tokens");
    let login = json_of(start_login(&hexclave, json!({}))).await;
    for token in [&restricted.refresh_token, &guest.refresh_token] {
        let refusal = complete(&hexclave, &login, token.expose());
        refused(refusal, 403, "RESTRICTED_USER_NOT_ALLOWED").await;
    }
    refused_in_text(complete(&hexclave, &login, "unknown"), 400).await;
    refused_in_text(complete(&hexclave, &login, ""), 400).await;
    for token in ["unknown", restricted.refresh_token.expose()] {
        refused_in_text(
            start_login(&hexclave, json!({ "anon_refresh_token": token })),
            400,
        )
        .await;
    }
    let with_guest = json!({ "anon_refresh_token": guest.refresh_token.expose() });
    let login = json_of(start_login(&hexclave, with_guest)).await;
    let ask = |mode: &str| {
        as_client(&hexclave, Method::POST, "/api/v1/auth/cli/complete")
            .json(&json!({ "login_code": login["login_code"], "mode": mode }))
    };
    assert_eq!(
        json_of(ask("check")).await,
        json!({ "cli_session_state": "anonymous" })
    );
    let claimed = json_of(ask("claim-anon-session")).await;
    assert_eq!(claimed["refresh_token"], guest.refresh_token.expose());
    assert!(claimed["access_token"].is_string());
    refused_in_text(ask("claim-anon-session"), 400).await;
    assert_eq!(
        json_of(ask("check")).await,
        json!({ "cli_session_state": "none" })
    );
    refused(ask("else"), 400, "SCHEMA_ERROR").await;
}
