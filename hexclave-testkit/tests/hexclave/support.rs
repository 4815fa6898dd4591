//! A local Hexclave and requests to it.

use std::sync::{Arc, LazyLock};

use hexclave_testkit::{
    TestClock,
    hexclave::{LocalHexclave, LocalHexclaveBuilder, ServerSecret},
};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const NOW: u64 = 1_795_300_079;

/// A server whose project demands verified addresses.
pub(crate) async fn start() -> (LocalHexclave, Arc<TestClock>) {
    start_with(LocalHexclave::builder().require_email_verification(true)).await
}

pub(crate) async fn start_with(builder: LocalHexclaveBuilder) -> (LocalHexclave, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(NOW));
    let hexclave = builder
        .project_id("11111111-2222-4333-8444-555555555555".parse().expect("a project"))
        .server_secret(ServerSecret::new("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").expect("a secret"))
        .clock(Arc::clone(&clock) as Arc<_>)
        .start()
        .await
        .expect("a server");
    (hexclave, clock)
}

/// No connection outlives its request, for each test has a runtime of its own.
static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let client = Client::builder().no_proxy().pool_max_idle_per_host(0);
    client.build().expect("a client")
});

pub(crate) fn request(hexclave: &LocalHexclave, method: Method, path: &str) -> RequestBuilder {
    CLIENT.request(method, format!("{}{path}", hexclave.config().api_url()))
}

pub(crate) fn as_client(hexclave: &LocalHexclave, method: Method, path: &str) -> RequestBuilder {
    request(hexclave, method, path)
        .header("x-stack-access-type", "client")
        .header("x-stack-project-id", hexclave.config().project_id().as_str())
        .header(
            "x-stack-publishable-client-key",
            hexclave.config().publishable_client_key().expect("a key"),
        )
}

pub(crate) fn as_server(hexclave: &LocalHexclave, method: Method, path: &str) -> RequestBuilder {
    request(hexclave, method, path)
        .header("x-hexclave-access-type", "server")
        .header("x-hexclave-project-id", hexclave.config().project_id().as_str())
        .header(
            "x-hexclave-secret-server-key",
            hexclave.config().secret_server_key().expect("a key").expose(),
        )
}

pub(crate) async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

/// The status and code of a known error, whose two headers and body must say the same.
pub(crate) async fn known_error(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let header = |name| {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().expect("text").to_owned())
    };
    let code = header("x-stack-known-error").expect("a known error");
    assert_eq!(header("x-hexclave-known-error").as_ref(), Some(&code));
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["code"], code.as_str());
    assert!(body["error"].is_string() && body.get("message").is_none());
    (status, code)
}

/// Asserts that a request is refused with a status and a code.
pub(crate) async fn refused(request: RequestBuilder, status: u16, code: &str) {
    assert_eq!(known_error(send(request).await).await, (status, code.to_owned()));
}

/// Asserts that a request is refused in plain text.
pub(crate) async fn refused_in_text(request: RequestBuilder, status: u16) {
    let response = send(request).await;
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(!response.headers().contains_key("x-stack-known-error"));
}

/// The JSON that a request is answered with.
pub(crate) async fn json_of(request: RequestBuilder) -> Value {
    let response = send(request).await;
    let status = response.status();
    let text = response.text().await.expect("a body");
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

/// The ids of a list's items.
pub(crate) fn ids(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("a list");
    items
        .iter()
        .map(|item| item["id"].as_str().expect("an id"))
        .collect()
}
