//! Verifying with the API's word.

use std::{sync::Arc, time::Duration};

use hexclave_core::{
    AcceptedKinds, ErrorKind, ProjectConfig, SecretKey, UserKind, Verifier,
    api::{Client, OnlineVerifier, UserPatch},
};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, LocalHexclave, Subject},
};
use serde_json::{Value, json};

use crate::scripted::{Answer, Scripted};

const NOW: u64 = 1_795_300_079;

struct Setting {
    hexclave: LocalHexclave,
    clock: Arc<TestClock>,
    server: Client<hexclave_core::api::Server>,
}

impl Setting {
    async fn new() -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let hexclave = LocalHexclave::builder()
            .clock(Arc::clone(&clock) as Arc<_>)
            .start()
            .await
            .expect("a server");
        let server = Client::server(hexclave.config().clone()).expect("a client");
        Self {
            hexclave,
            clock,
            server,
        }
    }

    fn verifier(&self, kinds: AcceptedKinds) -> Verifier {
        Verifier::builder(self.hexclave.config().clone())
            .keys(self.hexclave.issuer().project_keys().expect("keys"))
            .clock(Arc::clone(&self.clock) as Arc<_>)
            .accept(kinds)
            .build()
            .expect("a verifier")
    }

    fn online(&self) -> OnlineVerifier {
        OnlineVerifier::new(self.verifier(AcceptedKinds::default()), &self.server).expect("a verifier")
    }
}

#[tokio::test]
async fn what_the_api_says_now_counts() {
    let setting = Setting::new().await;
    let tokens = setting
        .hexclave
        .sign_up("ada@example.com", "correct horse")
        .await
        .expect("a user");
    let token = &tokens.access_token;
    let online = setting.online();
    let proven = setting
        .verifier(AcceptedKinds::default())
        .verify(token)
        .await
        .expect("a user");
    let user = online.verify(token).await.expect("a user");
    assert_eq!(
        (user.id(), user.session_id(), user.email(), user.name()),
        (proven.id(), proven.session_id(), Some("ada@example.com"), None)
    );
    assert_eq!(
        (user.signed_up_at(), user.expires_at()),
        (proven.signed_up_at(), proven.expires_at())
    );

    let change = async |patch| {
        setting
            .server
            .update_user(user.id(), &patch)
            .await
            .expect("a user")
    };
    change(UserPatch::default().display_name(Some("Ada"))).await;
    assert_eq!(online.verify(token).await.expect("a user").name(), Some("Ada"));

    change(UserPatch::default().restrict(None, None)).await;
    let error = online.verify(token).await.expect_err("held back");
    assert_eq!(error.kind(), ErrorKind::KindNotAccepted(UserKind::Restricted));
    let all = OnlineVerifier::new(setting.verifier(AcceptedKinds::ALL), &setting.server).expect("a verifier");
    let held_back = all.verify(token).await.expect("a user");
    assert_eq!(held_back.kind(), UserKind::Restricted);
    assert!(held_back.restricted_reason().is_some());

    setting.server.delete_user(user.id()).await.expect("deleted");
    let error = online.verify(token).await.expect_err("gone");
    assert_eq!(error.kind(), ErrorKind::UserGone);
    assert!(error.is_refusal());
    setting
        .verifier(AcceptedKinds::default())
        .verify(token)
        .await
        .expect("the token alone is still good");
}

#[tokio::test]
async fn a_token_that_cannot_pass_is_not_sent() {
    let setting = Setting::new().await;
    let online = setting.online();
    let other = Issuer::new(
        &hexclave_testkit::hexclave::ServerSecret::new("CCCC").expect("a secret"),
        setting.hexclave.config().clone(),
    )
    .expect("an issuer");
    let forged = other
        .token(&Subject::new("eve@example.com"), NOW)
        .expect("a token");
    let guest = setting.hexclave.sign_up_anonymously().await.expect("a guest");
    setting.hexclave.forget_requests();
    for (token, kind) in [
        ("no token".into(), ErrorKind::TokenMalformed),
        (forged.into(), ErrorKind::UnknownKey),
        (
            guest.access_token,
            ErrorKind::KindNotAccepted(UserKind::Anonymous),
        ),
    ] {
        let error = online.verify(&token).await.expect_err("refused");
        assert_eq!(error.kind(), kind);
    }
    assert!(setting.hexclave.requests().is_empty());
}

#[tokio::test]
async fn troubles_of_ours_are_no_verdict() {
    let server = Scripted::start([
        Answer::error(401, "INVALID_SECRET_SERVER_KEY", Value::Null),
        Answer::status(401),
        Answer::status(500),
        Answer::error(401, "UNPARSABLE_ACCESS_TOKEN", Value::Null),
        Answer::json(json!({ "id": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "signed_up_at_millis": 1 })),
    ])
    .await;
    let secret = hexclave_testkit::hexclave::ServerSecret::new("AAAA").expect("a secret");
    let issuer = Issuer::new(&secret, server.config.clone()).expect("an issuer");
    let verifier = Verifier::builder(server.config.clone())
        .keys(issuer.project_keys().expect("keys"))
        .clock(Arc::new(TestClock::at(NOW)))
        .build()
        .expect("a verifier");
    let client = server.builder().server().expect("a client");
    let online = OnlineVerifier::new(verifier, &client)
        .expect("a verifier")
        .remembering(Duration::from_secs(60));
    let token = issuer
        .token(&Subject::new("ada@example.com"), NOW)
        .expect("a token");
    for (kind, is_refusal) in [
        (ErrorKind::ProjectKeyRejected, false),
        (ErrorKind::ApiRejected, false),
        (ErrorKind::ApiUnavailable, false),
        (ErrorKind::TokenRejected, true),
        // About somebody else.
        (ErrorKind::ApiAnswerUnusable, false),
    ] {
        let error = online.verify(&token.clone().into()).await.expect_err("no user");
        assert_eq!((error.kind(), error.is_refusal()), (kind, is_refusal));
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_remembered_for_a_while_on_request() {
    let setting = Setting::new().await;
    let tokens = setting
        .hexclave
        .sign_up("ada@example.com", "correct horse")
        .await
        .expect("a user");
    let online = setting.online().remembering(Duration::from_secs(5));
    let asked = async || {
        setting.hexclave.forget_requests();
        let result = online.verify(&tokens.access_token).await;
        (
            result.map(drop).map_err(|error| error.kind()),
            setting.hexclave.requests().len(),
        )
    };
    assert_eq!(asked().await, (Ok(()), 1));
    setting.server.delete_user(tokens.user_id).await.expect("deleted");
    tokio::time::advance(Duration::from_millis(4500)).await;
    assert_eq!(asked().await, (Ok(()), 0));
    tokio::time::advance(Duration::from_millis(500)).await;
    // Who does not come in is not remembered.
    for _ in 0..2 {
        assert_eq!(asked().await, (Err(ErrorKind::UserGone), 1));
    }
}

#[tokio::test]
async fn a_token_ends_with_its_session_for_those_who_look() {
    let setting = Setting::new().await;
    let sign_in = async || {
        setting
            .hexclave
            .sign_in("ada@example.com", "correct horse")
            .await
            .expect("a user")
            .access_token
    };
    setting
        .hexclave
        .sign_up("ada@example.com", "correct horse")
        .await
        .expect("a user");
    let (first, second) = (sign_in().await, sign_in().await);
    let verifier = setting.verifier(AcceptedKinds::default());
    let strict = OnlineVerifier::with_sessions(verifier, &setting.server)
        .expect("a verifier")
        .remembering(Duration::from_secs(60));
    strict.verify(&second).await.expect("a user");
    setting
        .server
        .as_user(&first)
        .sign_out()
        .await
        .expect("signed out");
    // What is remembered of one session says nothing about another.
    let error = strict.verify(&first).await.expect_err("signed out");
    assert_eq!(error.kind(), ErrorKind::SessionEnded);
    assert!(error.is_refusal());
    strict.verify(&second).await.expect("a user");
    setting
        .online()
        .verify(&first)
        .await
        .expect("the API takes the token");
}

#[tokio::test]
async fn both_must_be_of_one_project() {
    let setting = Setting::new().await;
    let config = ProjectConfig::builder()
        .project_id("internal".parse().expect("a project"))
        .secret_server_key(SecretKey::new("ssk_other").expect("a key"))
        .build()
        .expect("a config");
    let client = Client::server(config).expect("a client");
    let error =
        OnlineVerifier::new(setting.verifier(AcceptedKinds::default()), &client).expect_err("two projects");
    assert_eq!(error.code(), "invalid_config");
    assert!(error.to_string().contains("internal"), "{error}");
}
