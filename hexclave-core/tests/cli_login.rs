//! Logging in at a command line, against the local Hexclave and against a server that does as it is told.
#![cfg(all(feature = "cli-login", feature = "file-store"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

#[path = "api/scripted.rs"]
#[allow(dead_code)]
mod scripted;

#[path = "../examples/cli_login.rs"]
#[allow(dead_code)]
mod example;

use std::{sync::Arc, time::Duration};

use hexclave_core::{
    AcceptedKinds, ErrorKind, RefreshToken,
    api::{Client, ErrorCode, PasswordSignUp, Public},
    cli_login::{CliLogin, LoginPage},
    session::{FileStore, Session, SessionState},
};
use hexclave_testkit::{TestClock, hexclave::LocalHexclave};
use scripted::{Answer, Scripted};
use serde_json::{Value, json};
use tokio::time::Instant;

const NOW: u64 = 1_795_300_079;

fn page() -> LoginPage {
    LoginPage::of_app("https://app.example.com").expect("a page")
}

fn code_of(login: &CliLogin) -> String {
    let (place, code) = login.url().split_once("?login_code=").expect("a code");
    assert_eq!(place, "https://app.example.com/handler/cli-auth-confirm");
    code.to_owned()
}

/// A local Hexclave, and what its pages do in the browser.
struct Setting {
    hexclave: LocalHexclave,
    clock: Arc<TestClock>,
    client: Client<Public>,
}

impl Setting {
    async fn new() -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let hexclave = LocalHexclave::builder()
            .clock(Arc::clone(&clock) as Arc<_>)
            .start()
            .await
            .expect("a server");
        let client = Client::builder(hexclave.config().clone())
            .clock(Arc::clone(&clock) as Arc<_>)
            .accept(AcceptedKinds::ALL)
            .public()
            .expect("a client");
        Self {
            hexclave,
            clock,
            client,
        }
    }

    async fn browser(&self, body: Value) -> Value {
        let config = self.hexclave.config();
        let response = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client")
            .post(format!("{}/api/v1/auth/cli/complete", config.api_url()))
            .header("x-stack-access-type", "client")
            .header("x-stack-project-id", config.project_id().as_str())
            .json(&body)
            .send()
            .await
            .expect("an answer");
        assert!(response.status().is_success(), "{:?}", response.text().await);
        response.json().await.expect("JSON")
    }

    async fn confirm(&self, login: &CliLogin) -> RefreshToken {
        let email = "ada@example.com";
        let tokens = self
            .hexclave
            .sign_up(email, "correct horse")
            .await
            .expect("a user");
        let token = tokens.refresh_token;
        self.browser(json!({ "login_code": code_of(login), "refresh_token": token.expose() }))
            .await;
        token
    }
}

#[tokio::test(start_paused = true)]
async fn the_browsers_session_becomes_the_command_lines() {
    let setting = Setting::new().await;
    let login = CliLogin::start(&setting.client, &page()).await.expect("a login");
    assert_eq!(
        login.expires_at(),
        Some(std::time::UNIX_EPOCH + Duration::from_secs(NOW + 600))
    );
    assert!(!format!("{login:?}").contains(&code_of(&login)));
    let confirmed = async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        setting.confirm(&login).await
    };
    let begun = Instant::now();
    let (token, browsers) = tokio::join!(login.wait(), confirmed);
    let token = token.expect("a token");
    assert_eq!(token.expose(), browsers.expose());
    assert!((7..=9).contains(&begun.elapsed().as_secs()));
    let polls = setting.hexclave.requests();
    assert_eq!(
        polls.iter().filter(|asked| asked.path.ends_with("/poll")).count(),
        5
    );

    let session = Session::from_refresh_token(&setting.client, token);
    let me = session
        .as_user()
        .await
        .expect("a token")
        .me()
        .await
        .expect("a user");
    assert_eq!(me.primary_email.as_deref(), Some("ada@example.com"));

    // It was handed out once.
    let error = login.wait().await.expect_err("used");
    assert_eq!(error.kind(), ErrorKind::CliLoginUsed);

    // Who signs out in the browser is signed out here.
    let browser = Session::from_refresh_token(&setting.client, browsers);
    browser.sign_out().await.expect("signed out");
    session.force_refresh().await.expect_err("signed out");
    assert_eq!(session.state(), SessionState::Ended);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_nobody_confirms_expires() {
    let setting = Setting::new().await;
    let login = CliLogin::builder(&page())
        .expires_in(Duration::from_secs(60))
        .start(&setting.client)
        .await
        .expect("a login");
    setting.clock.advance(61);
    let error = login.wait().await.expect_err("expired");
    assert_eq!(error.kind(), ErrorKind::CliLoginExpired);
    assert!(!error.is_retryable() && !error.is_refusal());

    let error = CliLogin::builder(&page())
        .expires_in(Duration::from_secs(901))
        .start(&setting.client)
        .await
        .expect_err("too long for the server");
    assert_eq!(error.kind(), ErrorKind::ApiRejected);
    assert_eq!(
        error.api().and_then(|answer| answer.code()),
        Some(&ErrorCode::SchemaError)
    );
}

#[tokio::test(start_paused = true)]
async fn a_guest_is_carried_over() {
    let setting = Setting::new().await;
    let guest = setting.client.sign_up_anonymously().await.expect("a guest");
    let login = CliLogin::builder(&page())
        .carrying_over(&guest.tokens.refresh_token)
        .start(&setting.client)
        .await
        .expect("a login");
    let code = code_of(&login);
    let state = setting
        .browser(json!({ "login_code": code, "mode": "check" }))
        .await;
    assert_eq!(state["cli_session_state"], "anonymous");
    let claimed = setting
        .browser(json!({ "login_code": code, "mode": "claim-anon-session" }))
        .await;
    let claimed = claimed["access_token"].as_str().expect("a token").into();
    // The page has the guest sign up, which keeps the guest's id.
    let sign_up = PasswordSignUp::new("ada@example.com", "correct horse").upgrading(&claimed);
    let ada = setting
        .client
        .sign_up_with_password(&sign_up)
        .await
        .expect("a user");
    let token = ada.tokens.refresh_token.expose();
    setting
        .browser(json!({ "login_code": code, "refresh_token": token }))
        .await;
    let session = Session::from_refresh_token(&setting.client, login.wait().await.expect("a token"));
    let me = session
        .as_user()
        .await
        .expect("a token")
        .me()
        .await
        .expect("a user");
    assert_eq!((me.id, me.is_anonymous), (guest.user_id, false));

    let error = CliLogin::builder(&page())
        .carrying_over(&RefreshToken::from("hidden"))
        .start(&setting.client)
        .await
        .expect_err("no guest");
    assert_eq!(error.kind(), ErrorKind::ApiRejected);
    assert!(error.api().is_some_and(|answer| answer.code().is_none()));
    assert!(!format!("{error:?}").contains("hidden"));
}

#[tokio::test(start_paused = true)]
async fn the_example_asks_once_and_remembers() {
    let setting = Setting::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let store = || {
        let path = folder.path().join("session.json");
        Arc::new(FileStore::new(path, setting.client.config().project_id()))
    };
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let page = page();
    let greeting = example::greet(&setting.client, &page, store(), |login| {
        sender.send(code_of(login)).expect("somebody waits");
    });
    let confirmed = async {
        let code = receiver.await.expect("a code");
        let tokens = setting.hexclave.sign_up("ada@example.com", "correct horse");
        let token = tokens.await.expect("a user").refresh_token;
        setting
            .browser(json!({ "login_code": code, "refresh_token": token.expose() }))
            .await;
    };
    let (greeting, ()) = tokio::join!(greeting, confirmed);
    assert_eq!(greeting.expect("a user"), "You are logged in as ada@example.com.");
    let again = example::greet(&setting.client, &page, store(), |_| panic!("it is known"));
    assert_eq!(
        again.await.expect("a user"),
        "You are logged in as ada@example.com."
    );
}

fn started() -> Answer {
    Answer::json(json!({
        "polling_code": "hidden-polling",
        "login_code": "hidden-login",
        "expires_at": "2026-11-21T22:30:00.000Z",
    }))
}

fn status(status: &str) -> Answer {
    Answer::json(json!({ "status": status }))
}

async fn scripted(answers: Vec<Answer>) -> (Scripted, CliLogin) {
    let server = Scripted::start([started()].into_iter().chain(answers)).await;
    let client = server.builder().public().expect("a client");
    let login = CliLogin::start(&client, &page()).await.expect("a login");
    let asked = server.asked_once();
    assert_eq!(asked.line(), "POST /api/v1/auth/cli");
    assert_eq!(asked.json(), json!({ "expires_in_millis": 600_000 }));
    (server, login)
}

#[tokio::test(start_paused = true)]
async fn trouble_is_waited_out() {
    let (server, login) = scripted(vec![
        status("waiting"),
        Answer::status(503),
        Answer::Cut,
        Answer::json(json!("garbage")),
        status("waiting"),
        Answer::status(500).with("retry-after", "40"),
        Answer::json(json!({ "status": "success", "refresh_token": "hidden-refresh" })),
    ])
    .await;
    let token = login.wait().await.expect("a token");
    assert_eq!(token.expose(), "hidden-refresh");
    let asked = server.asked();
    assert_eq!(asked[0].json(), json!({ "polling_code": "hidden-polling" }));
    let pauses: Vec<_> = asked
        .windows(2)
        .map(|pair| pair[1].at.duration_since(pair[0].at).as_secs())
        .collect();
    assert_eq!(pauses, [2, 4, 8, 16, 2, 40]);
}

#[tokio::test(start_paused = true)]
async fn every_end_is_told_apart() {
    for (answer, kind) in [
        (status("expired"), ErrorKind::CliLoginExpired),
        (status("used"), ErrorKind::CliLoginUsed),
        (status("denied"), ErrorKind::CliLoginDenied),
        (
            Answer::error(400, "INVALID_POLLING_CODE", Value::Null),
            ErrorKind::CliLoginDenied,
        ),
        (status("new in 2027"), ErrorKind::ApiRejected),
        (status("success"), ErrorKind::ApiRejected),
        (
            Answer::error(401, "INVALID_PUBLISHABLE_CLIENT_KEY", Value::Null),
            ErrorKind::ProjectKeyRejected,
        ),
    ] {
        let (server, login) = scripted(vec![status("waiting"), answer]).await;
        let error = login.wait().await.expect_err("an end");
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(server.asked().len(), 2);
        assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_says_so_is_given_up_on() {
    let (_server, login) = scripted((0..400).map(|_| status("waiting")).collect()).await;
    let begun = Instant::now();
    let error = login.wait().await.expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::CliLoginExpired);
    assert_eq!(begun.elapsed().as_secs(), 610);

    let (_server, login) = scripted((0..400).map(|_| Answer::status(503)).collect()).await;
    let error = login.wait().await.expect_err("trouble");
    assert_eq!(error.kind(), ErrorKind::ApiUnavailable);
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_stops_asking() {
    let (server, login) = scripted((0..10).map(|_| status("waiting")).collect()).await;
    let waited = tokio::time::timeout(Duration::from_secs(5), login.wait()).await;
    assert!(waited.is_err());
    assert_eq!(server.asked().len(), 3);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(server.asked().len(), 0);
}
