//! When a token is asked for, and how often.

use std::sync::Arc;

use hexclave_core::{
    AccessToken, Clock, ErrorKind, RefreshToken,
    api::{Client, Public},
    session::{Session, SessionState},
};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, LocalHexclave, ServerSecret, Subject},
};
use serde_json::json;

use crate::scripted::{Answer, Scripted};

const NOW: u64 = 1_795_300_079;

async fn local(clock: &Arc<TestClock>) -> (LocalHexclave, Session<Public>) {
    let hexclave = LocalHexclave::builder()
        .clock(Arc::clone(clock) as Arc<_>)
        .start()
        .await
        .expect("a server");
    let client = Client::builder(hexclave.config().clone())
        .clock(Arc::clone(clock) as Arc<_>)
        .public()
        .expect("a client");
    let tokens = client.sign_up_anonymously().await.expect("a guest").tokens;
    hexclave.forget_requests();
    (hexclave, Session::new(&client, tokens))
}

/// A session whose server has answers prepared, and a token of its project.
async fn scripted(
    answers: impl FnOnce(&dyn Fn(u64) -> Answer) -> Vec<Answer>,
    clock: &Arc<TestClock>,
) -> (Scripted, Session<Public>) {
    let server = Scripted::start([]).await;
    let secret = ServerSecret::new("AAAA").expect("a secret");
    let issuer = Issuer::new(&secret, server.config.clone()).expect("an issuer");
    let subject = Subject::new("ada@example.com");
    let token = |now: u64| {
        let token = issuer.token(&subject, now).expect("a token");
        Answer::json(json!({ "access_token": token }))
    };
    server.will_answer(answers(&token));
    let client = server
        .builder()
        .clock(Arc::clone(clock) as Arc<_>)
        .public()
        .expect("a client");
    let session = Session::from_refresh_token(&client, RefreshToken::from("hidden"));
    (server, session)
}

fn same(one: &AccessToken, other: &AccessToken) -> bool {
    one.expose() == other.expose()
}

/// Polls it once, which must not be enough.
async fn begin(future: impl Future + Unpin) {
    tokio::select! {
        biased;
        _ = future => panic!("it was not waited for"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn a_token_is_used_for_as_long_as_it_will_do() {
    let clock = Arc::new(TestClock::at(NOW));
    let (hexclave, session) = local(&clock).await;
    let first = session.fresh_access_token().await.expect("a token");
    clock.advance(74);
    assert!(same(
        &session.fresh_access_token().await.expect("a token"),
        &first
    ));
    assert_eq!(hexclave.requests().len(), 0);

    clock.advance(1);
    assert!(same(&session.access_token().await.expect("a token"), &first));
    assert_eq!(hexclave.requests().len(), 0);
    let second = session.fresh_access_token().await.expect("a token");
    assert!(!same(&second, &first));
    assert_eq!(hexclave.requests().len(), 1);

    clock.advance(579);
    assert!(same(&session.access_token().await.expect("a token"), &second));
    clock.advance(1);
    assert!(!same(&session.access_token().await.expect("a token"), &second));
    assert_eq!(hexclave.requests().len(), 2);

    let forced = session.force_refresh().await.expect("a token");
    assert_eq!(hexclave.requests().len(), 3);
    assert!(same(
        &session.fresh_access_token().await.expect("a token"),
        &forced
    ));
}

#[tokio::test]
async fn many_callers_ask_once_and_may_go_away() {
    let clock = Arc::new(TestClock::at(NOW));
    let (hexclave, session) = local(&clock).await;
    clock.advance(100);
    let session = Arc::new(session);
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let session = Arc::clone(&session);
            tokio::spawn(async move { session.fresh_access_token().await })
        })
        .collect();
    let mut impatient = Box::pin(session.fresh_access_token());
    // It begins to ask, and is not waited for.
    begin(&mut impatient).await;
    drop(impatient);
    let mut tokens = Vec::new();
    for caller in callers {
        tokens.push(caller.await.expect("a caller").expect("a token"));
    }
    assert!(tokens.iter().all(|token| same(token, &tokens[0])));
    assert_eq!(hexclave.requests().len(), 1);
}

#[tokio::test]
async fn a_forced_token_is_asked_for_after_the_call() {
    let clock = Arc::new(TestClock::at(NOW));
    let (hexclave, session) = local(&clock).await;
    clock.advance(100);
    let mut ordinary = Box::pin(session.fresh_access_token());
    begin(&mut ordinary).await;
    let forced = session.force_refresh().await.expect("a token");
    let ordinary = ordinary.await.expect("a token");
    assert!(!same(&forced, &ordinary));
    assert_eq!(hexclave.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn trouble_ends_nothing() {
    let clock = Arc::new(TestClock::at(NOW));
    let (server, session) = scripted(
        |token| {
            let mut answers = vec![token(NOW)];
            answers.extend((0..5).map(|_| Answer::status(503)));
            answers.push(Answer::status(401));
            answers.push(Answer::json(json!({})));
            answers.push(token(NOW + 100));
            answers
        },
        &clock,
    )
    .await;
    let first = session.fresh_access_token().await.expect("a token");
    clock.advance(100);
    for kind in [
        ErrorKind::ApiUnavailable,
        // A firewall's word is not Hexclave's.
        ErrorKind::ApiRejected,
        ErrorKind::ApiAnswerUnusable,
    ] {
        let error = session.fresh_access_token().await.expect_err("trouble");
        assert_eq!(error.kind(), kind);
        assert_eq!(session.state(), SessionState::Live);
        // What is still good goes on being used.
        assert!(same(&session.access_token().await.expect("a token"), &first));
    }
    assert!(!same(
        &session.fresh_access_token().await.expect("a token"),
        &first
    ));
    assert_eq!(server.asked().len(), 9);
    assert!(!format!("{session:?}").contains("hidden"));
}

#[tokio::test]
async fn a_clock_that_is_wrong_locks_nobody_out() {
    for skew in [-3600_i64, 3600] {
        let clock = Arc::new(TestClock::at(NOW.checked_add_signed(skew).expect("a time")));
        let (server, session) = scripted(|token| vec![token(NOW), token(NOW + 75)], &clock).await;
        let first = session.fresh_access_token().await.expect("a token");
        clock.advance(74);
        assert!(same(
            &session.fresh_access_token().await.expect("a token"),
            &first
        ));
        clock.advance(1);
        assert!(!same(
            &session.fresh_access_token().await.expect("a token"),
            &first
        ));
        assert_eq!(server.asked().len(), 2, "{skew}");
    }
}

/// A clock that jumps by an hour each time somebody looks at it, until it is told to stop.
#[derive(Debug)]
struct Jumping(std::sync::Mutex<u64>);

impl Clock for Jumping {
    fn now(&self) -> std::time::SystemTime {
        let mut now = self.0.lock().expect("a lock");
        if *now < NOW + 3600 {
            *now += 3600;
            return std::time::UNIX_EPOCH + std::time::Duration::from_secs(*now - 3600);
        }
        std::time::UNIX_EPOCH + std::time::Duration::from_secs(*now)
    }
}

#[tokio::test]
async fn a_token_that_was_slept_through_is_asked_for_again() {
    let clock = Arc::new(TestClock::at(NOW));
    let (server, _) = scripted(|token| vec![token(NOW), token(NOW + 3600)], &clock).await;
    let client = server
        .builder()
        .clock(Arc::new(Jumping(std::sync::Mutex::new(NOW))))
        .public()
        .expect("a client");
    let session = Session::from_refresh_token(&client, RefreshToken::from("hidden"));
    session.fresh_access_token().await.expect("a token");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_token_that_cannot_be_read_is_passed_on_and_not_held() {
    let clock = Arc::new(TestClock::at(NOW));
    let odd = || Answer::json(json!({ "access_token": "not.a.jwt" }));
    let (server, session) = scripted(|_| vec![odd(), odd()], &clock).await;
    for asked in 1..=2 {
        let token = session.access_token().await.expect("a token");
        assert_eq!(token.expose(), "not.a.jwt");
        assert_eq!(server.count(), asked);
    }
}
