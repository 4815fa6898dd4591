//! "Next.js", "React", "Other JS/TS", "TanStack Start", "Node.js" and "Bun SDK Setup Instructions", which have these rows
//! in common.

use hexclave_core::{ProjectConfig, Verifier};
use hexclave_testkit::hexclave::LocalHexclave;
use serde_json::{Value, json};

use super::{backend::Backend, in_node, input};

/// What the guides' page and backends say, signed out and signed in.
async fn answers() -> Value {
    let hexclave = LocalHexclave::start().await.expect("a server");
    // The guide's variables configure our side, too.
    let config = hexclave.config();
    let variable = |name: &str| match name {
        "HEXCLAVE_PROJECT_ID" => Some(config.project_id().to_string()),
        "HEXCLAVE_SECRET_SERVER_KEY" => config.secret_server_key().map(|key| key.expose().to_owned()),
        "HEXCLAVE_API_URL" => Some(config.api_url().to_string()),
        _ => None,
    };
    let ours = ProjectConfig::builder().variables(variable);
    let ours = ours.and_then(|builder| builder.build()).expect("a config");
    let backend = Backend::start(Verifier::new(ours).expect("a verifier")).await;
    let asked = input(&hexclave, json!({ "backend": backend.url }));
    in_node("guide/callers.mjs", asked).await
}

fn hello() -> Value {
    json!({ "status": 200, "text": "Hello, Ada", "cacheControl": "private, no-store" })
}

/// "Initializing the Hexclave App", "Setting up the project" (option 2), "Update callers with header & get user".
#[tokio::test]
async fn update_callers_with_header_and_get_user() {
    let answers = answers().await;
    let [ours, theirs] = [0, 1].map(|backend| &answers["signedIn"]["header"][backend]);
    assert_eq!((ours, theirs), (&hello(), &hello()));
    let [ours, theirs] = [0, 1].map(|backend| &answers["signedOut"]["header"][backend]);
    assert_eq!((&ours["status"], &theirs["status"]), (&json!(401), &json!(401)));
    assert_eq!(
        ours["cacheControl"], "private, no-store",
        "refusals are not kept either"
    );
}

/// "If you cannot use `getAuthorizationHeader()` …, you can use `getAuthJson()` instead".
#[tokio::test]
async fn use_get_auth_json_instead() {
    let answers = answers().await;
    assert_eq!(answers["signedIn"]["rpc"], json!(["Hello, Ada", "Hello, Ada"]));
    assert_eq!(answers["signedOut"]["rpc"], json!(["nobody", "nobody"]));
}

/// Of the guides for Python and other languages, with "Protect authenticated endpoints".
#[tokio::test]
async fn send_the_users_access_token_to_your_backend() {
    let answers = answers().await;
    assert_eq!(answers["signedIn"]["accessToken"], hello());
    let refusal = &answers["signedOut"]["accessToken"];
    assert_eq!(
        (&refusal["status"], &refusal["cacheControl"]),
        (&json!(401), &json!("private, no-store"))
    );
}

/// "Hexclave resolves the current user during SSR by reading TanStack Start's request cookies".
#[tokio::test]
async fn read_the_request_cookies() {
    let answers = answers().await;
    assert_eq!(answers["signedIn"]["cookies"], hello());
    assert_eq!(answers["signedOut"]["cookies"]["status"], 401);
}
