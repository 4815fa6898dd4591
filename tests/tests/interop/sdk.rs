//! Hexclave's own JavaScript SDK against the local Hexclave: the SDK finds every endpoint that it asks for, and every
//! answer as it expects it.
//!
//! The programs in `interop/sdk/` say what is expected; what they print, and what the server was asked, is looked
//! at here.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use hexclave_core::{AccessToken, UserId, Verifier};
use hexclave_testkit::{
    TestClock,
    hexclave::{LocalHexclave, LocalHexclaveBuilder, WebhookFault, WebhookMessage, WebhookSecret},
};
use hexclave_tests::node;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

async fn start(builder: LocalHexclaveBuilder) -> LocalHexclave {
    builder.start().await.expect("a server")
}

/// Runs a program with what an application is configured with.
async fn run(hexclave: &LocalHexclave, program: &'static str) -> Value {
    let config = hexclave.config();
    let input = json!({
        "baseUrl": config.api_url().as_str(),
        "projectId": config.project_id().as_str(),
        "publishableClientKey": config.publishable_client_key(),
        "secretServerKey": config.secret_server_key().expect("a key").expose(),
    });
    // Node asks our server, so this thread must be free to answer.
    let output = tokio::task::spawn_blocking(move || node::run(program, &input))
        .await
        .expect("a result");
    for request in hexclave.requests() {
        let understood = !matches!(request.status, Some(405 | 500..))
            && request.known_error.as_deref() != Some("BODY_PARSING_ERROR");
        let known = request.status != Some(404) || request.known_error.is_some();
        assert!(
            understood && known,
            "the SDK asked for what is not there: {request:?}"
        );
    }
    output
}

fn user_id(value: &Value) -> UserId {
    value.as_str().expect("an id").parse().expect("a user's id")
}

fn unix_seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

/// How often a path was asked for.
fn asked(hexclave: &LocalHexclave, method: &str, path: &str) -> usize {
    let requests = hexclave.requests();
    let found = requests
        .iter()
        .filter(|request| request.method == method && request.path == format!("/api/v1{path}"));
    found.count()
}

#[tokio::test]
async fn people_sign_up_and_in_and_guests_become_users() {
    let hexclave = start(LocalHexclave::builder()).await;
    let output = run(&hexclave, "sdk/sign-in.mjs").await;

    let verifier = Verifier::new(hexclave.config().clone()).expect("a verifier");
    for (who, email) in [("ada", "ada@example.com"), ("guest", "guest@example.com")] {
        let tokens = hexclave.sign_in(email, "correct horse").await.expect("tokens");
        assert_eq!(tokens.user_id, user_id(&output[who]));
        let user = verifier.verify(&tokens.access_token).await.expect("a user");
        assert_eq!(user.email(), Some(email));
    }
    assert_eq!(asked(&hexclave, "POST", "/auth/anonymous/sign-up"), 1);
    assert_eq!(asked(&hexclave, "DELETE", "/auth/sessions/current"), 1);
}

#[tokio::test]
async fn the_current_user_is_found_in_every_form() {
    let hexclave = start(
        LocalHexclave::builder()
            .require_email_verification(true)
            .allow_client_user_deletion(true),
    )
    .await;
    let output = run(&hexclave, "sdk/current-user.mjs").await;

    // The tokens that the SDK holds are those that our verifier takes.
    let verifier = Verifier::new(hexclave.config().clone()).expect("a verifier");
    for token in [&output["token"], &output["authJson"]["accessToken"]] {
        let token = AccessToken::from(token.as_str().expect("a token"));
        let user = verifier.verify(&token).await.expect("a user");
        assert_eq!(user.id(), user_id(&output["ada"]));
    }
}

#[tokio::test]
async fn backends_keep_users_teams_and_permissions() {
    let hexclave = start(LocalHexclave::builder().allow_client_team_creation(true)).await;
    for (id, contains) in [("read_docs", &[][..]), ("write_docs", &["read_docs"])] {
        hexclave
            .define_team_permission(id, contains)
            .expect("a permission");
    }
    for (id, contains) in [("read_all", &[][..]), ("manage", &["read_all"])] {
        hexclave
            .define_project_permission(id, contains)
            .expect("a permission");
    }
    let output = run(&hexclave, "sdk/server.mjs").await;
    assert_eq!(output["users"].as_array().map(Vec::len), Some(5));
    assert_eq!(asked(&hexclave, "POST", "/teams"), 2);
}

#[tokio::test]
async fn sessions_are_listed_revoked_and_ended() {
    let hexclave = start(LocalHexclave::builder()).await;
    run(&hexclave, "sdk/sessions.mjs").await;
    assert_eq!(asked(&hexclave, "POST", "/auth/mfa/sign-in"), 3);
}

#[tokio::test]
async fn a_command_line_logs_in_by_way_of_a_browser() {
    let hexclave = start(LocalHexclave::builder()).await;
    run(&hexclave, "sdk/cli-login.mjs").await;
    assert_eq!(asked(&hexclave, "POST", "/auth/cli"), 5);
}

#[tokio::test]
async fn webhooks_are_signed_and_shaped_as_theirs() {
    let hexclave = start(LocalHexclave::builder()).await;
    hexclave
        .define_team_permission("read_docs", &[])
        .expect("a permission");
    hexclave
        .define_project_permission("manage", &[])
        .expect("a permission");
    // A guest, and whatever a backend does.
    hexclave.sign_up_anonymously().await.expect("tokens");
    run(&hexclave, "sdk/events.mjs").await;
    let secret = WebhookSecret::random().expect("a secret");
    let other = WebhookSecret::random().expect("a secret");
    let now = unix_seconds();
    let message = |webhook: &WebhookMessage, secret: &WebhookSecret| {
        json!({
            "id": webhook.id,
            "timestamp": now.to_string(),
            "signature": secret.sign(&webhook.id, now, &webhook.body),
            "body": webhook.body,
        })
    };
    let webhooks = hexclave.webhooks();
    let mut messages: Vec<_> = webhooks.iter().map(|webhook| message(webhook, &secret)).collect();
    messages.push(message(&webhooks[0], &other));
    let asked = json!({ "secret": secret.expose(), "messages": messages });
    let checked = node::run("verify-webhooks.mjs", &asked);

    let results = checked["results"].as_array().expect("a list");
    let (forged, genuine) = results.split_last().expect("results");
    assert_eq!(forged["ok"], false);
    let mut types = BTreeSet::new();
    for result in genuine {
        assert_eq!(result["ok"], true, "{result}");
        let event_type = result["type"].as_str().expect("a type");
        // Hexclave sends these without naming them in its list.
        let is_known = !event_type.starts_with("project_permission.");
        assert_eq!(result["known"], is_known, "{event_type}");
        types.insert(event_type);
    }
    assert_eq!(types.len(), 12, "{types:?}");
}

/// What comes over HTTP, the newest first, again after a failure, and twice, is what upstream's library takes each time.
#[tokio::test]
async fn webhooks_that_are_delivered_pass_in_whatever_order_they_come() {
    let clock = Arc::new(TestClock::at(unix_seconds()));
    let hexclave = start(LocalHexclave::builder().clock(Arc::clone(&clock) as Arc<_>)).await;
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let is_first = AtomicBool::new(true);
    let receiver = Arc::new((arrived, is_first));
    let told = post(move |headers: HeaderMap, body: String| {
        let receiver = Arc::clone(&receiver);
        async move {
            let (arrived, is_first) = receiver.as_ref();
            let text = |name: &str| headers[name].to_str().expect("text").to_owned();
            let message = json!({
                "id": text("svix-id"),
                "timestamp": text("svix-timestamp"),
                "signature": text("svix-signature"),
                "body": body,
            });
            arrived.send(message).expect("the test goes on");
            match is_first.swap(false, Ordering::SeqCst) {
                true => StatusCode::SERVICE_UNAVAILABLE,
                false => StatusCode::NO_CONTENT,
            }
        }
    });
    let router = Router::new().route("/", told);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let secret = hexclave.webhook_secret().clone();
    hexclave
        .add_webhook_endpoint(&url, secret.clone())
        .expect("a URL");
    hexclave.set_webhook_faults([WebhookFault::Reversed]);

    let ada = hexclave
        .create_user(json!({ "display_name": "A" }))
        .expect("a user");
    hexclave
        .update_user(ada, json!({ "display_name": "Ada" }))
        .expect("a change");
    clock.advance(2);
    let mut messages = Vec::new();
    let receiving = async {
        let mut next = async || messages.push(arrivals.recv().await.expect("a webhook"));
        next().await;
        next().await;
        hexclave.set_webhook_faults([]);
        clock.advance(5);
        next().await;
        hexclave.set_webhook_faults([WebhookFault::Doubled]);
        hexclave.delete_user(ada).expect("a deletion");
        next().await;
        next().await;
    };
    tokio::select! {
        () = hexclave.keep_delivering_webhooks(|_| ()) => panic!("deliveries never end"),
        () = receiving => {}
    }
    let asked = json!({ "secret": secret.expose(), "messages": messages });
    let checked = tokio::task::spawn_blocking(move || node::run("verify-webhooks.mjs", &asked))
        .await
        .expect("a result");
    let types: Vec<_> = checked["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|result| (result["ok"].as_bool(), result["type"].as_str().expect("a type")))
        .collect();
    let expected = [
        "user.updated",
        "user.created",
        "user.updated",
        "user.deleted",
        "user.deleted",
    ];
    assert_eq!(types, expected.map(|event_type| (Some(true), event_type)));
}

#[tokio::test]
async fn answers_are_what_upstreams_schemas_demand() {
    let hexclave = start(LocalHexclave::builder()).await;
    hexclave
        .define_project_permission("manage", &[])
        .expect("a permission");
    let output = run(&hexclave, "sdk/answers.mjs").await;
    assert!(output["checked"].as_u64() > Some(20), "{output}");
}
