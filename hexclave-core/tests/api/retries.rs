//! When it is asked again. Time is tokio's, paused: it goes on when there is nothing else to do.

use std::time::Duration;

use hexclave_core::{AccessToken, ErrorKind, api::UserPatch};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    headers::user_json,
    scripted::{Answer, Scripted, USER},
};

fn ok() -> Answer {
    Answer::json(user_json())
}

/// The pauses between what was asked.
fn pauses(server: &Scripted) -> Vec<Duration> {
    let asked = server.asked();
    asked
        .windows(2)
        .map(|pair| pair[1].at.duration_since(pair[0].at))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn trouble_is_waited_out_longer_each_time() {
    let server = Scripted::start([
        Answer::status(502),
        Answer::status(503),
        Answer::status(504),
        Answer::Cut,
        ok(),
    ])
    .await;
    let client = server.builder().server().expect("a client");
    let user = client.user(USER.parse().expect("an id")).await;
    assert!(user.expect("an answer").is_some());
    let pauses = pauses(&server);
    assert_eq!(pauses.len(), 4);
    for (index, pause) in pauses.iter().enumerate() {
        let least = Duration::from_millis(200) * 2_u32.pow(u32::try_from(index).expect("few"));
        // Up to as long again, and a few milliseconds by which timers are late.
        assert!(
            (least..=least * 2 + Duration::from_millis(10)).contains(pause),
            "{pauses:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_after_five_attempts() {
    let server = Scripted::start((0..6).map(|_| Answer::status(503))).await;
    let client = server.builder().server().expect("a client");
    let error = client
        .user(USER.parse().expect("an id"))
        .await
        .expect_err("trouble");
    assert_eq!(error.kind(), ErrorKind::ApiUnavailable);
    assert_eq!(error.api().expect("an answer").status(), 503);
    assert_eq!(error.retry_after(), None);
    assert_eq!(server.asked().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_must_not_happen_twice_is_asked_once() {
    for answer in [
        Answer::status(502),
        Answer::status(503),
        Answer::status(504),
        Answer::Cut,
        Answer::Hangs,
    ] {
        let server = Scripted::start([answer, ok()]).await;
        let client = server.builder().server().expect("a client");
        let error = client
            .sign_in_with_password("zoe@example.com", "hidden")
            .await
            .expect_err("trouble");
        assert_eq!(error.kind(), ErrorKind::ApiUnavailable, "{error}");
        assert_eq!(server.asked().len(), 1, "{error}");
        assert!(!format!("{error:?}").contains("zoe@"));
    }
    for answer in [Answer::status(503), Answer::Cut] {
        let server = Scripted::start([answer, ok()]).await;
        let client = server.builder().server().expect("a client");
        let token = AccessToken::from("a.b.c");
        let patch = UserPatch::default();
        client.as_user(&token).update(&patch).await.expect_err("trouble");
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_may_happen_twice() {
    let token = || Answer::json(json!({ "access_token": "a.b.c" }));
    let server = Scripted::start([Answer::Cut, token(), Answer::status(503), token()]).await;
    let client = server.builder().public().expect("a client");
    client.refresh(&"hidden".into()).await.expect("a token");
    client
        .refresh_current_session(&"hidden".into())
        .await
        .expect("a token");
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_not_asked_again() {
    for answer in [
        Answer::error(429, "NEW_IN_2027", Value::Null),
        Answer::error(503, "NEW_IN_2027", Value::Null),
        Answer::error(400, "SCHEMA_ERROR", Value::Null),
        Answer::status(400),
        Answer::status(403),
        Answer::status(500),
        Answer::json(json!([])),
    ] {
        let server = Scripted::start([answer, ok()]).await;
        let client = server.builder().server().expect("a client");
        client
            .user(USER.parse().expect("an id"))
            .await
            .expect_err("an error");
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_429_is_waited_out_as_the_server_wants() {
    let date = "Sun, 22 Nov 2026 04:00:00 GMT";
    let busy = || Answer::status(429);
    let server = Scripted::start([
        busy().with("retry-after", "3"),
        busy()
            .with("retry-after", "Sun, 22 Nov 2026 04:00:07 GMT")
            .with("date", date),
        busy(),
        Answer::json(json!({ "access_token": "a.b.c", "refresh_token": "r", "user_id": USER })),
    ])
    .await;
    let client = server.builder().public().expect("a client");
    // Any method: whoever is turned away at the door has not been heard.
    client.sign_up_anonymously().await.expect("a guest");
    let pauses = pauses(&server);
    let seconds = |index: usize| pauses[index].as_secs_f64();
    assert!((3.2..=3.5).contains(&seconds(0)), "{pauses:?}");
    assert!((7.4..=7.9).contains(&seconds(1)), "{pauses:?}");
    assert!((0.8..=1.7).contains(&seconds(2)), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_there_is_time() {
    for (wait, seconds) in [("29.9", None), ("30", Some(30)), ("3600", Some(3600))] {
        let busy = (0..6).map(|_| Answer::status(429).with("retry-after", wait));
        let server = Scripted::start(busy).await;
        let client = server.builder().server().expect("a client");
        let begun = Instant::now();
        let error = client
            .user(USER.parse().expect("an id"))
            .await
            .expect_err("too busy");
        assert_eq!(error.kind(), ErrorKind::ApiUnavailable);
        assert_eq!(error.retry_after().map(|wait| wait.as_secs()), seconds);
        if seconds.is_some() {
            assert_eq!(server.asked().len(), 1, "{wait}");
            assert!(begun.elapsed() < Duration::from_secs(1));
        } else {
            // No number of seconds and no date: as if nothing had been said.
            assert_eq!(server.asked().len(), 5);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_and_requests_end_in_time() {
    let server = Scripted::start((0..6).map(|_| Answer::Hangs)).await;
    let client = server.builder().server().expect("a client");
    let begun = Instant::now();
    let error = client.user(USER.parse().expect("an id")).await;
    assert_eq!(error.expect_err("no answer").kind(), ErrorKind::ApiUnavailable);
    assert_eq!(begun.elapsed().as_secs(), 30);
    assert_eq!(server.asked().len(), 3);

    let server = Scripted::start([Answer::Drips, ok()]).await;
    let client = server
        .builder()
        .attempt_timeout(Duration::from_secs(4))
        .server()
        .expect("a client");
    client.user(USER.parse().expect("an id")).await.expect("a user");
    let pause = pauses(&server)[0].as_secs_f64();
    assert!((4.2..=4.5).contains(&pause), "{pause}");

    let server = Scripted::start([Answer::Hangs]).await;
    let client = server
        .builder()
        .deadline(Duration::from_secs(2))
        .server()
        .expect("a client");
    let begun = Instant::now();
    client
        .user(USER.parse().expect("an id"))
        .await
        .expect_err("no answer");
    assert_eq!(begun.elapsed().as_secs(), 2);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn another_host_stands_in_and_stays_for_a_while() {
    let first = Scripted::start([Answer::status(503), ok()]).await;
    let second = Scripted::start([ok(), ok()]).await;
    let client = first
        .builder()
        .fallback_hosts([second.config.api_url().clone()])
        .server()
        .expect("a client");
    let ask = || client.user(USER.parse().expect("an id"));
    ask().await.expect("a user");
    ask().await.expect("a user");
    assert_eq!((first.asked().len(), second.asked().len()), (1, 2));
    tokio::time::advance(Duration::from_secs(61)).await;
    ask().await.expect("a user");
    assert_eq!((first.asked().len(), second.asked().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_cannot_be_reached_is_left_for_another() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let nobody = listener.local_addr().expect("an address");
    drop(listener);
    let second = Scripted::start([ok()]).await;
    let config = hexclave_core::ProjectConfig::builder()
        .project_id(second.config.project_id().clone())
        .api_url(format!("http://{nobody}").parse().expect("a URL"))
        .secret_server_key(second.config.secret_server_key().expect("a key").clone())
        .build()
        .expect("a config");
    let alone = hexclave_core::api::Client::server(config.clone()).expect("a client");
    let error = alone
        .user(USER.parse().expect("an id"))
        .await
        .expect_err("nobody there");
    assert_eq!(error.kind(), ErrorKind::ApiUnavailable);
    assert!(error.api().is_none() && std::error::Error::source(&error).is_some());

    let client = hexclave_core::api::Client::builder(config)
        .fallback_hosts([second.config.api_url().clone()])
        .server()
        .expect("a client");
    client.user(USER.parse().expect("an id")).await.expect("a user");
    assert_eq!(second.asked().len(), 1);
}
