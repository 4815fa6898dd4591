//! Faults on demand, and the log of requests.

use std::time::Duration;

use hexclave_testkit::hexclave::{Fault, LocalHexclave, RetryAfter};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{as_client, as_server, json_of, request, send, start_with};

fn health(hexclave: &LocalHexclave) -> RequestBuilder {
    request(hexclave, Method::GET, "/health")
}

#[tokio::test]
async fn answers_go_wrong_as_they_are_told_to() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    let ask = || async {
        let response = send(health(&hexclave)).await;
        let headers = response.headers().clone();
        let status = response.status().as_u16();
        (status, headers, response.text().await.expect("a body"))
    };
    hexclave.inject(Fault::status(418).times(0));
    hexclave.inject(Fault::status(503).times(1));
    hexclave.inject(Fault::text(500, "It went wrong.").times(1));
    let details = json!({ "message": "Not today." });
    hexclave.inject(Fault::known_error(403, "SIGN_UP_REJECTED", details).times(1));
    hexclave.inject(Fault::too_many_requests(None).times(1));
    hexclave.inject(Fault::too_many_requests(Some(RetryAfter::Seconds(7))).times(1));
    hexclave.inject(Fault::too_many_requests(Some(RetryAfter::DateIn(7))).times(1));
    hexclave.inject(Fault::garbage().times(1));
    hexclave.inject(Fault::drip(Duration::ZERO).times(1));

    let (status, headers, body) = ask().await;
    assert_eq!((status, body.as_str()), (503, ""));
    assert!(!headers.contains_key("x-stack-request-id"));
    let (status, headers, body) = ask().await;
    assert_eq!((status, body.as_str()), (500, "It went wrong."));
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    assert!(
        headers.contains_key("x-stack-request-id"),
        "this one is Hexclave's own"
    );
    let (status, headers, body) = ask().await;
    assert_eq!(
        (status, &headers["x-hexclave-known-error"]),
        (403, &headers["x-stack-known-error"])
    );
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(
        (&body["code"], &body["details"]["message"]),
        (&json!("SIGN_UP_REJECTED"), &json!("Not today."))
    );
    for expected in [None, Some("7"), Some("Sat, 21 Nov 2026 22:28:06 GMT")] {
        let (status, headers, _) = ask().await;
        let retry_after = headers
            .get("retry-after")
            .map(|value| value.to_str().expect("text"));
        assert_eq!((status, retry_after), (429, expected));
    }
    let (status, headers, body) = ask().await;
    assert_eq!(
        (status, &headers["content-type"]),
        (200, &"application/json; charset=utf-8".parse().expect("a value"))
    );
    assert!(serde_json::from_str::<Value>(&body).is_err());
    for _ in 0..2 {
        let (status, _, body) = ask().await;
        assert_eq!(
            (status, body.as_str()),
            (200, r#"{"status":"ok"}"#),
            "it drips, then it is well"
        );
    }
}

#[tokio::test]
async fn faults_stay_where_they_belong() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    hexclave.inject(Fault::status(502).on("GET", "/users/{id}"));
    let status = |method, path: &'static str| {
        let hexclave = &hexclave;
        async move { send(as_server(hexclave, method, path)).await.status().as_u16() }
    };
    assert_eq!(status(Method::GET, "/api/v1/users/me").await, 502);
    assert_eq!(status(Method::GET, "/api/latest/users/x").await, 502);
    assert_eq!(status(Method::DELETE, "/api/v1/users/x").await, 400);
    assert_eq!(status(Method::GET, "/api/v1/users").await, 200);
    assert_eq!(status(Method::GET, "/api/v1/users/x/y").await, 404);
    hexclave.heal();
    assert_eq!(status(Method::GET, "/api/v1/users/x").await, 400);
}

#[tokio::test]
async fn connections_are_cut_in_the_middle() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    hexclave.inject(Fault::cut().times(1));
    let response = send(health(&hexclave)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.content_length(), Some(15));
    assert!(response.bytes().await.is_err());
    hexclave.inject(Fault::close().times(1));
    assert!(health(&hexclave).send().await.is_err());
    assert_eq!(json_of(health(&hexclave)).await["status"], "ok");
}

#[tokio::test]
async fn what_hangs_is_answered_when_the_server_is_healed() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    hexclave.inject(Fault::hang());
    let asked = tokio::spawn(health(&hexclave).send());
    while hexclave.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(hexclave.requests()[0].status, None);
    assert!(!asked.is_finished());
    hexclave.heal();
    let response = asked.await.expect("a task").expect("an answer");
    assert_eq!(response.status(), 200);
    assert_eq!(hexclave.requests()[0].status, Some(200));
}

#[tokio::test]
async fn what_is_held_back_says_what_was_so_when_it_was_asked_for() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    let ada = hexclave
        .create_user(json!({ "display_name": "old" }))
        .expect("a user");
    let read = || as_server(&hexclave, Method::GET, &format!("/api/v1/users/{ada}"));
    hexclave.inject(Fault::hold_back().on("GET", "/users/{user}"));
    assert_eq!(hexclave.answers_held_back(), 0);
    let asked = tokio::spawn(read().send());
    while hexclave.answers_held_back() == 0 {
        tokio::task::yield_now().await;
    }
    hexclave
        .update_user(ada, json!({ "display_name": "new" }))
        .expect("a change");
    assert!(!asked.is_finished());
    hexclave.heal();
    let response = asked.await.expect("a task").expect("an answer");
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["display_name"], "old");
    assert_eq!(hexclave.answers_held_back(), 0);
    assert_eq!(json_of(read()).await["display_name"], "new");
}

#[tokio::test]
async fn a_server_that_hangs_does_not_keep_its_end_waiting() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    hexclave.inject(Fault::hang());
    let asked = tokio::spawn(health(&hexclave).send());
    while hexclave.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(hexclave);
    let response = asked.await.expect("a task").expect("an answer");
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn the_log_has_what_was_asked_and_no_secrets() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    let asked = as_client(&hexclave, Method::GET, "/api/v1/users/me?secret=1")
        .header("x-stack-override-error-status", "true");
    assert_eq!(send(asked).await.status(), 200);
    send(health(&hexclave)).await;
    let [me, health] = &hexclave.requests()[..] else {
        panic!("there were two requests");
    };
    assert_eq!(
        (me.method.as_str(), me.path.as_str()),
        ("GET", "/api/v1/users/me")
    );
    assert_eq!(me.status, Some(400), "what was overridden does not count");
    assert_eq!(
        me.known_error.as_deref(),
        Some("CANNOT_GET_OWN_USER_WITHOUT_USER")
    );
    assert_eq!((health.status, &health.known_error), (Some(200), &None));
    hexclave.forget_requests();
    assert!(hexclave.requests().is_empty());
}

#[tokio::test]
async fn pages_of_other_origins_may_ask_and_read() {
    let (hexclave, _) = start_with(LocalHexclave::builder()).await;
    let headers = "content-type,x-hexclave-access-type,x-stack-project-id";
    let preflight = request(&hexclave, Method::OPTIONS, "/api/v1/users/me")
        .header("origin", "http://localhost:3000")
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", headers);
    let response = send(preflight).await;
    assert_eq!(response.status(), 200);
    let header = |name: &str| response.headers()[name].to_str().expect("text");
    assert_eq!(header("access-control-allow-origin"), "*");
    assert_eq!(header("access-control-allow-headers"), headers);
    assert!(header("access-control-allow-methods").contains("PATCH"));
    assert!(header("access-control-expose-headers").contains("x-hexclave-actual-status"));
}
