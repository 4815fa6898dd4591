//! Credentials that Hexclave's own JavaScript SDK writes are read here, and those that are written here it reads.

use std::time::SystemTime;

use base64::{Engine, engine::general_purpose::STANDARD};
use hexclave_core::{
    CredentialSource, CredentialSources, Credentials, ErrorKind, SessionCookies, UserId, Verifier,
};
use hexclave_testkit::hexclave::{LocalHexclave, Tokens};
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
    let secure = SessionCookies::new(hexclave.config());
    let [secure, insecure] = [&secure, &secure.clone().insecure()].map(|cookies| {
        let set = cookies.keep(&ada.refresh_token, token, SystemTime::now());
        let pairs = set
            .iter()
            .filter_map(|value| value.to_str().ok()?.split(';').next());
        pairs.collect::<Vec<_>>().join("; ")
    });

    let requests = json!([
        { "cookie": secure },
        { "cookie": insecure },
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
    assert_eq!(read["users"], json!([ada, ada, ada, ada, ada, null, null, null]));
}

/// Requests of two users whose sources and cookies compete, read by both.
#[tokio::test]
async fn both_see_the_same_user() {
    let hexclave = LocalHexclave::start().await.expect("a server");
    let sign_up = async |email| hexclave.sign_up(email, PASSWORD).await.expect("tokens");
    let [ada, bob] = [sign_up("ada@example.com").await, sign_up("bob@example.com").await];
    let project = hexclave.config().project_id();

    let refresh = |brand: &str, of: &Tokens, written: &str| {
        let token = of.refresh_token.expose();
        format!("{brand}-refresh-{project}--default=%7B%22refresh_token%22%3A%22{token}%22{written}%7D")
    };
    let custom = |cookie: String| cookie.replace("--default", "--custom-ABC");
    let host = |cookie: String| format!("__Host-{cookie}");
    let at = |millis: &str| format!("%2C%22updated_at_millis%22%3A{millis}");
    let bare = |name: &str, of: &Tokens| format!("{name}={}", of.refresh_token.expose());
    let own = format!("stack-refresh-{project}");
    let access = |name: &str, refresh: &Tokens, access: &Tokens| {
        let (refresh, access) = (refresh.refresh_token.expose(), access.access_token.expose());
        format!("{name}=[%22{refresh}%22%2C%22{access}%22]")
    };
    let cookies = [
        [
            refresh("hexclave", &ada, &at("1")),
            refresh("hexclave", &bob, &at("2")),
        ],
        [
            refresh("hexclave", &ada, &at("1")),
            custom(refresh("hexclave", &bob, &at("2"))),
        ],
        [
            refresh("hexclave", &ada, &at("2")),
            host(refresh("hexclave", &bob, &at("1"))),
        ],
        [
            refresh("hexclave", &ada, &at("2")),
            custom(refresh("hexclave", &bob, &at("2"))),
        ],
        [
            refresh("hexclave", &ada, ""),
            host(refresh("hexclave", &bob, &at("0"))),
        ],
        [
            refresh("hexclave", &ada, ""),
            custom(refresh("hexclave", &bob, "")),
        ],
        [
            refresh("hexclave", &ada, &at("%22later%22")),
            host(refresh("hexclave", &bob, &at("1"))),
        ],
        [
            refresh("stack", &ada, &at("9")),
            refresh("hexclave", &bob, &at("1")),
        ],
        [
            refresh("stack", &ada, &at("1")),
            host(refresh("stack", &bob, &at("2"))),
        ],
        [refresh("stack", &ada, &at("9")), bare("stack-refresh", &bob)],
        [bare("stack-refresh", &ada), bare(&own, &bob)],
        [bare(&own, &ada), refresh("hexclave", &bob, &at("1"))],
        [bare("stack-refresh", &ada), bare("stack-refresh", &bob)],
        [bare("hexclave-refresh", &ada), bare("__Host-stack-refresh", &bob)],
        [
            format!("hexclave-refresh-{project}--x=%7B"),
            refresh("stack", &bob, ""),
        ],
        [
            format!("hexclave-refresh-{project}--x=%E0%A4%A"),
            bare("stack-refresh", &ada),
        ],
        [bare("stack-refresh", &ada), access("hexclave-access", &ada, &ada)],
        [bare("stack-refresh", &ada), access("hexclave-access", &bob, &bob)],
        [access("stack-access", &bob, &bob), "theme=dark".to_owned()],
    ];
    let mut requests: Vec<_> = cookies
        .iter()
        .map(|cookies| json!({ "cookie": cookies.join("; ") }))
        .collect();

    let both =
        json!({ "accessToken": ada.access_token.expose(), "refreshToken": ada.refresh_token.expose() });
    let encoded = STANDARD.encode(format!("{both} "));
    let cookie = bare("stack-refresh", &bob);
    for (name, value) in [
        ("authorization", format!("bEARER  stackauth_{encoded}")),
        (
            "authorization",
            format!("Bearer hexclave_{}", encoded.trim_end_matches('=')),
        ),
        ("x-stack-auth", both.to_string()),
        ("x-hexclave-auth", both.to_string()),
        ("x-stack-auth", r#"{"accessToken":null}"#.to_owned()),
        ("authorization", "Basic YTpi".to_owned()),
        ("authorization", "Bearer stackauth_".to_owned()),
        ("authorization", "Bearer stackauth_W10=".to_owned()),
        ("x-stack-auth", "garbage".to_owned()),
    ] {
        requests.push(json!({ name: value }));
        requests.push(json!({ name: value, "cookie": cookie }));
    }

    let seen = run(&hexclave, "sdk-read.mjs", json!({ "requests": requests })).await;
    let seen = seen["users"].as_array().expect("a list");
    assert_eq!(seen.len(), requests.len());
    for (request, seen) in requests.iter().zip(seen) {
        let pairs = request.as_object().expect("headers").iter();
        let headers: HeaderMap = pairs
            .map(|(name, value)| {
                let value = value.as_str().expect("a string").parse().expect("a value");
                (name.parse::<HeaderName>().expect("a name"), value)
            })
            .collect();
        let ours = CredentialSources::ALL.read(&headers, hexclave.config());
        let ours = ours.map(|credentials| {
            let token = credentials.refresh_token()?.expose().to_owned();
            let owner = [&ada, &bob]
                .into_iter()
                .find(|one| one.refresh_token.expose() == token);
            Some(owner.expect("one of the two").user_id.to_string())
        });
        match ours {
            Ok(user) => assert_eq!(json!(user), *seen, "{request}"),
            // Stricter than the SDK, which takes the first.
            Err(error) if error.kind() == ErrorKind::ConflictingCredentials => {
                assert_eq!(request.as_object().expect("headers").len(), 2, "{request}");
                assert_eq!(*seen, json!(ada.user_id.to_string()), "{request}");
            }
            Err(_) => assert!(seen["error"].is_string(), "{request}: {seen}"),
        }
    }
}
