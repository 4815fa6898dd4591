//! The page of the local Hexclave in a real browser: `interop/browser/` says what is clicked on and what is to be seen.

use axum::{Router, http::StatusCode, routing::post};
use hexclave_core::{AccessToken, Verifier};
use hexclave_testkit::hexclave::LocalHexclave;
use hexclave_tests::{chromium, node};
use serde_json::json;
use tokio::net::TcpListener;

#[tokio::test]
async fn the_page_of_the_local_hexclave_does_what_it_says() {
    let Some(executable) = chromium::program() else {
        return;
    };
    let hexclave = LocalHexclave::builder()
        .require_email_verification(true)
        .start()
        .await
        .expect("a server");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let told = format!("http://{}/told", listener.local_addr().expect("an address"));
    let router = Router::new().route("/told", post(async || StatusCode::NO_CONTENT));
    tokio::spawn(async move { axum::serve(listener, router).await });
    hexclave
        .add_webhook_endpoint(&told, hexclave.webhook_secret().clone())
        .expect("a URL");

    let input = json!({
        "executablePath": executable,
        "baseUrl": hexclave.config().api_url().as_str(),
        "projectId": hexclave.config().project_id().as_str(),
    });
    let using_it = tokio::task::spawn_blocking(move || node::run("browser/local-page.mjs", &input));
    let seen = tokio::select! {
        () = hexclave.keep_delivering_webhooks(|_| ()) => panic!("deliveries never end"),
        seen = using_it => seen.expect("a result"),
    };

    let verifier = Verifier::new(hexclave.config().clone()).expect("a verifier");
    let token = AccessToken::from(seen["token"].as_str().expect("a token"));
    let user = verifier.verify(&token).await.expect("a user");
    assert_eq!(user.email(), Some("ada@example.com"));
    assert!(
        hexclave
            .requests()
            .iter()
            .all(|request| request.path != "/favicon.ico")
    );
}
