//! Credentials that Hexclave's own JavaScript SDK writes are read here, and those that are written here it reads.

use hexclave_core::{CredentialSource, CredentialSources, Credentials, UserId, Verifier};
use hexclave_testkit::hexclave::LocalHexclave;
use hexclave_tests::node;
use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse";

async fn run(hexclave: &LocalHexclave, program: &'static str, mut input: Value) -> Value {
    let config = hexclave.config();
    input["apiUrl"] = json!(config.api_url().as_str());
    input["projectId"] = json!(config.project_id().as_str());
    input["publishableClientKey"] = json!(config.publishable_client_key());
    // Node asks our server, so this thread must be free to answer.
    tokio::task::spawn_blocking(move || node::run(program, &input))
        .await
        .expect("a result")
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (HeaderName::from_static(name), value.parse().expect("a value")))
        .collect()
}

async fn assert_is(user_id: UserId, credentials: &Credentials, verifier: &Verifier, tokens: &Value) {
    let access = credentials.access_token().expect("an access token");
    assert_eq!(access.expose(), tokens["accessToken"]);
    assert_eq!(
        credentials.refresh_token().expect("a refresh token").expose(),
        tokens["refreshToken"]
    );
    assert_eq!(verifier.verify(access).await.expect("a user").id(), user_id);
}

#[tokio::test]
async fn what_the_sdk_writes_is_read() {
    let hexclave = LocalHexclave::start().await.expect("a server");
    let verifier = Verifier::new(hexclave.config().clone()).expect("a verifier");
    let ada = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");

    for (page, refresh_cookie) in [
        (None, ""),
        (Some("http://127.0.0.1:3000/"), "hexclave-refresh-"),
        (Some("https://app.example.com/"), "__Host-hexclave-refresh-"),
    ] {
        let mut input = json!({ "email": "ada@example.com", "password": PASSWORD });
        if let Some(page) = page {
            input["page"] = json!(page);
        }
        let written = run(&hexclave, "sdk-write.mjs", input).await;
        assert_eq!(written["userId"], ada.user_id.to_string());

        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let authorization = text(&written["authorization"]);
        let stack_auth = text(&written["authHeaders"]["x-stack-auth"]);
        let mut requests = vec![
            (
                CredentialSource::Authorization,
                headers(&[("authorization", &authorization)]),
            ),
            (
                CredentialSource::StackAuth,
                headers(&[("x-stack-auth", &stack_auth)]),
            ),
            (
                CredentialSource::Authorization,
                headers(&[("authorization", &authorization), ("x-stack-auth", &stack_auth)]),
            ),
        ];
        if page.is_some() {
            let [in_browser, on_server] =
                ["browser", "server"].map(|dialect| text(&written["cookies"][dialect]));
            assert!(in_browser.contains(refresh_cookie), "{page:?}");
            // The two dialects are two.
            assert!(in_browser.contains("=[%22") && on_server.contains("=%5B%22"));
            for cookies in [&in_browser, &on_server] {
                requests.push((CredentialSource::Cookie, headers(&[("cookie", cookies)])));
            }
            requests.push((
                CredentialSource::Authorization,
                headers(&[("authorization", &authorization), ("cookie", &in_browser)]),
            ));
        }
        for (source, headers) in requests {
            let credentials = CredentialSources::ALL
                .read(&headers, hexclave.config())
                .expect("credentials");
            assert_eq!(credentials.source(), Some(source));
            assert_is(ada.user_id, &credentials, &verifier, &written["authJson"]).await;
        }
    }
}

#[tokio::test]
async fn what_is_written_the_sdk_reads() {
    let hexclave = LocalHexclave::start().await.expect("a server");
    let ada = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let token = &ada.access_token;
    let authorization = token.authorization_header().expect("a value");
    let stack_auth = token.auth_json().expect("a value");
    let [authorization, stack_auth] =
        [&authorization, &stack_auth].map(|value| value.to_str().expect("ASCII"));
    let plain = token.expose();

    let requests = json!([
        { "authorization": authorization },
        { "x-stack-auth": stack_auth },
        { "authorization": authorization, "x-stack-auth": stack_auth },
        // What the SDK does not read, so that those above mean something.
        {},
        { "authorization": format!("Bearer {plain}") },
        { "x-stack-access-token": plain },
    ]);
    let read = run(&hexclave, "sdk-read.mjs", json!({ "requests": requests })).await;
    let ada = json!(ada.user_id.to_string());
    assert_eq!(read["users"], json!([ada, ada, ada, null, null, null]));
}
