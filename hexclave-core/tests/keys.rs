//! Fetching and keeping the project's keys, from a real server that can be made to misbehave.
#![allow(clippy::expect_used, clippy::indexing_slicing)]

mod support;

use std::{sync::Arc, time::Duration};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::{
    AcceptedKinds, AccessToken, Clock, ErrorKind, KeySet, KeyState, ProjectConfig, ProjectKeys, UserKind,
    Verifier,
};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, ServerSecret, Subject},
};

use support::{Answer, KeyServer, NOW, PROJECT, token};

/// A key server, a clock, and a verifier for normal users that has fetched nothing yet.
async fn start() -> (KeyServer, Arc<TestClock>, Verifier) {
    let (server, clock) = (KeyServer::start().await, Arc::new(TestClock::at(NOW)));
    let verifier = server.verifier(AcceptedKinds::default(), &clock);
    (server, clock, verifier)
}

/// In one thread, so that none of the 10,000 runs before all of them are there.
#[tokio::test]
async fn keys_are_fetched_once_however_many_ask() {
    let (server, _, verifier) = start().await;
    let tokens: Vec<_> = (0..1_000).map(|_| server.token(UserKind::Normal, NOW)).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for token in tokens.iter().cycle().take(10_000) {
        let (verifier, token) = (verifier.clone(), token.clone());
        tasks.spawn(async move { verifier.verify(&token).await.map(drop) });
    }
    assert!(server.asked().is_empty(), "nobody has begun");
    for result in tasks.join_all().await {
        result.expect("each token is good");
    }
    assert_eq!(server.asked(), [""]);
}

#[tokio::test]
async fn each_kind_of_user_has_its_own_keys() {
    let (server, clock) = (KeyServer::start().await, Arc::new(TestClock::at(NOW)));
    for (accepted, documents) in [
        ("normal", vec![""]),
        ("normal,restricted", vec!["", "include_restricted=true"]),
        (
            "normal,anonymous",
            vec!["", "include_anonymous=true", "include_restricted=true"],
        ),
        (
            "anonymous",
            vec!["", "include_anonymous=true", "include_restricted=true"],
        ),
    ] {
        let accepted: AcceptedKinds = accepted.parse().expect("kinds");
        let verifier = server.verifier(accepted, &clock);
        for kind in UserKind::ALL {
            let result = verifier
                .verify(&server.token(kind, NOW))
                .await
                .map(|user| user.kind());
            let expected = if accepted.contains(kind) {
                Ok(kind)
            } else {
                Err(ErrorKind::KindNotAccepted(kind))
            };
            assert_eq!(
                result.map_err(|error| error.kind()),
                expected,
                "{kind}, {accepted} accepted"
            );
        }
        let mut asked = server.asked();
        asked.sort();
        assert_eq!(asked, documents, "{accepted}");
    }
}

#[tokio::test]
async fn a_normal_users_key_signs_for_nobody_else() {
    let (server, clock) = (KeyServer::start().await, Arc::new(TestClock::at(NOW)));
    let verifier = server.verifier(AcceptedKinds::ALL, &clock);
    let issuer = server.rotate("AAAA");
    let claims = issuer.claims(&Subject::anonymous(), NOW);
    let forged = issuer.sign(UserKind::Normal, &claims).expect("a token");
    let error = verifier.verify(&forged.into()).await.expect_err("the wrong key");
    assert_eq!(error.kind(), ErrorKind::KeyKindMismatch);
}

#[tokio::test]
async fn documents_that_contradict_each_other_are_fetched_past_caches() {
    let (server, clock) = (KeyServer::start().await, Arc::new(TestClock::at(NOW)));
    server.answer(Answer::OldAnonymousDocument);
    let verifier = server.verifier(AcceptedKinds::ALL, &clock);
    verifier
        .verify(&server.token(UserKind::Anonymous, NOW))
        .await
        .expect("a user");
    let asked = server.asked();
    assert_eq!(asked.len(), 6, "{asked:?}");
    assert_eq!(
        asked.iter().filter(|query| query.ends_with("no-cache")).count(),
        3,
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_new_key_is_found_and_an_unknown_one_costs_one_fetch_in_30_seconds() {
    let (server, clock, verifier) = start().await;
    verifier
        .verify(&server.token(UserKind::Normal, NOW))
        .await
        .expect("a user");
    let old = server.token(UserKind::Normal, NOW);

    server.rotate("BBBB");
    let new = server.token(UserKind::Normal, NOW);
    server.asked();
    for (seconds, expected, asked) in [
        (29, Err(ErrorKind::UnknownKey), vec![]),
        (1, Ok(()), vec![" no-cache".to_owned()]),
        (0, Ok(()), vec![]),
    ] {
        clock.advance(seconds);
        let result = verifier
            .verify(&new)
            .await
            .map(drop)
            .map_err(|error| error.kind());
        assert_eq!((result, server.asked()), (expected, asked));
    }

    // The withdrawn key stopped working when the set without it arrived.
    let result = verifier
        .verify(&old)
        .await
        .map(drop)
        .map_err(|error| error.kind());
    assert_eq!((result, server.asked()), (Err(ErrorKind::UnknownKey), vec![]));
}

#[tokio::test]
async fn known_keys_outlive_an_outage_by_a_day_and_nobody_waits() {
    let (server, clock, verifier) = start().await;
    verifier
        .verify(&server.token(UserKind::Normal, NOW))
        .await
        .expect("a user");
    server.asked();

    server.answer(Answer::Status(StatusCode::SERVICE_UNAVAILABLE));
    let (fresh, stale) = (3600, 24 * 3600);
    for (age, expected, state, fetches) in [
        (fresh * 79 / 100, Ok(()), KeyState::Fresh, 0),
        (fresh * 90 / 100, Ok(()), KeyState::Fresh, 1),
        (fresh, Ok(()), KeyState::Stale, 1),
        (fresh + 29, Ok(()), KeyState::Stale, 0),
        (fresh + stale - 1, Ok(()), KeyState::Stale, 1),
        (
            fresh + stale,
            Err(ErrorKind::KeysUnavailable),
            KeyState::Expired,
            0,
        ),
        (
            fresh + stale + 30,
            Err(ErrorKind::KeysUnavailable),
            KeyState::Expired,
            1,
        ),
    ] {
        clock.set(NOW + age);
        let result = verifier.verify(&server.token(UserKind::Normal, NOW + age)).await;
        let result = result.map(drop).map_err(|error| error.kind());
        let asked = server.asked_in_the_background(fetches).await.len();
        assert_eq!(
            (result, asked),
            (expected, fetches),
            "{age} seconds after the fetch"
        );
        let health = verifier.key_health();
        assert_eq!(
            (health.state, health.age),
            (state, Some(Duration::from_secs(age))),
            "{age}"
        );
        assert_eq!(health.last_error.is_some(), age >= fresh * 90 / 100, "{age}");
    }

    server.answer(Answer::Keys);
    clock.advance(30);
    let now = NOW + fresh + stale + 60;
    verifier
        .verify(&server.token(UserKind::Normal, now))
        .await
        .expect("the server is back");
    assert_eq!(verifier.key_health().state, KeyState::Fresh);
    assert!(verifier.key_health().last_error.is_none());
}

#[tokio::test]
async fn without_a_stale_bound_an_outage_ends_with_the_keys_freshness() {
    let (server, clock) = (KeyServer::start().await, Arc::new(TestClock::at(NOW)));
    let verifier = server
        .builder(&clock)
        .stale_if_error(Duration::ZERO)
        .build()
        .expect("a verifier");
    verifier
        .verify(&server.token(UserKind::Normal, NOW))
        .await
        .expect("a user");
    server.answer(Answer::Status(StatusCode::SERVICE_UNAVAILABLE));
    for (age, expected) in [(3599, Ok(())), (3600, Err(ErrorKind::KeysUnavailable))] {
        clock.set(NOW + age);
        let result = verifier.verify(&server.token(UserKind::Normal, NOW + age)).await;
        assert_eq!(result.map(drop).map_err(|error| error.kind()), expected, "{age}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_keeps_nobody_with_a_known_key_waiting() {
    let (server, clock, verifier) = start().await;
    verifier
        .verify(&server.token(UserKind::Normal, NOW))
        .await
        .expect("a user");
    server.asked();
    server.answer(Answer::Hang);
    clock.set(NOW + 3300);
    for _ in 0..3 {
        let token = server.token(UserKind::Normal, NOW + 3300);
        let verified = tokio::time::timeout(Duration::from_secs(3), verifier.verify(&token)).await;
        verified.expect("at once").expect("a user");
    }
    assert_eq!(server.asked_in_the_background(1).await, [""]);
}

/// After a quiet day the keys at hand may long have been withdrawn: they are fetched before they are used.
#[tokio::test]
async fn old_keys_are_not_used_while_nobody_has_asked_for_new_ones() {
    let (server, clock, verifier) = start().await;
    verifier
        .verify(&server.token(UserKind::Normal, NOW))
        .await
        .expect("a user");
    let withdrawn = server.rotate("AAAA");
    server.rotate("BBBB");
    server.asked();
    clock.set(NOW + 7200);
    let old = token(&withdrawn, UserKind::Normal, NOW + 7200);
    let error = verifier.verify(&old).await.expect_err("it was withdrawn");
    assert_eq!(
        (error.kind(), server.asked()),
        (ErrorKind::UnknownKey, vec![String::new()])
    );
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_cancel_the_fetch() {
    let (server, _, verifier) = start().await;
    let token = server.token(UserKind::Normal, NOW);
    let impatient = tokio::time::timeout(Duration::ZERO, verifier.verify(&token)).await;
    assert!(impatient.is_err(), "nothing comes that fast");
    verifier.verify(&token).await.expect("a user");
    assert_eq!(server.asked(), [""]);
}

#[tokio::test]
async fn keys_of_an_earlier_run_serve_a_cold_start() {
    let (server, clock) = (KeyServer::start().await, Arc::new(TestClock::at(NOW)));
    let first = server.verifier(AcceptedKinds::default(), &clock);
    assert_eq!(first.key_health().state, KeyState::Missing);
    assert!(first.project_keys().is_none());
    first.warm_up().await.expect("keys");
    assert_eq!(first.key_health().state, KeyState::Fresh);
    first.warm_up().await.expect("they are still fresh");
    assert_eq!(server.asked(), [""]);

    let json = first.project_keys().expect("keys").of(UserKind::Normal).to_json();
    let keys = ProjectKeys::default().with(
        UserKind::Normal,
        KeySet::from_json(json.as_bytes()).expect("a set"),
    );
    server.answer(Answer::Status(StatusCode::SERVICE_UNAVAILABLE));
    let next = server
        .builder(&clock)
        .initial_keys(keys)
        .build()
        .expect("a verifier");
    for (seconds, asked) in [(0, 1), (30, 1), (86_400, 1)] {
        clock.advance(seconds);
        let token = server.token(UserKind::Normal, clock.unix_seconds());
        next.verify(&token).await.expect("known keys serve in an outage");
        assert_eq!(
            server.asked_in_the_background(asked).await.len(),
            asked,
            "{seconds}"
        );
    }
    next.warm_up().await.expect_err("the server is down");
}

#[tokio::test]
async fn a_known_token_is_not_verified_again_and_never_outlives_its_reasons() {
    let (server, clock, verifier) = start().await;
    let token = server.token(UserKind::Normal, NOW);
    let first = verifier.verify(&token).await.expect("a user");
    assert_eq!(verifier.verify(&token).await.expect("a user"), first);

    for (at, expected) in [
        (NOW - 6, Err(ErrorKind::NotYetValid)),
        (NOW - 5, Ok(())),
        (NOW + 604, Ok(())),
        (NOW + 605, Err(ErrorKind::TokenExpired)),
        (NOW, Ok(())),
    ] {
        clock.set(at);
        let result = verifier
            .verify(&token)
            .await
            .map(drop)
            .map_err(|error| error.kind());
        assert_eq!(
            result,
            expected,
            "{} seconds after it was issued",
            at as i64 - NOW as i64
        );
    }

    // A set that still holds the key leaves the token known; one without the key does not.
    server.asked();
    clock.set(NOW + 500);
    let unknown = Issuer::random().expect("an issuer");
    let forged = unknown.keys(UserKind::Normal)[0].sign(
        r#"{"alg":"ES256","kid":"unknown"}"#,
        token
            .expose()
            .split('.')
            .nth(1)
            .map(decoded)
            .expect("a payload")
            .as_str(),
    );
    let forged = AccessToken::from(forged.expect("a token"));
    verifier.verify(&forged).await.expect_err("no such key");
    assert_eq!(server.asked(), [" no-cache"]);
    verifier.verify(&token).await.expect("the key is still there");

    server.rotate("BBBB");
    clock.set(NOW + 599);
    verifier.verify(&forged).await.expect_err("no such key");
    assert_eq!(server.asked(), [" no-cache"]);
    let error = verifier.verify(&token).await.expect_err("its key was withdrawn");
    assert_eq!(error.kind(), ErrorKind::UnknownKey);
}

fn decoded(part: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    String::from_utf8(bytes).expect("UTF-8")
}

#[tokio::test]
async fn an_unknown_key_during_an_outage_is_no_verdict() {
    let (server, clock, verifier) = start().await;
    verifier
        .verify(&server.token(UserKind::Normal, NOW))
        .await
        .expect("a user");
    server.rotate("BBBB");
    server.answer(Answer::Status(StatusCode::BAD_GATEWAY));
    clock.advance(30);
    let error = verifier
        .verify(&server.token(UserKind::Normal, NOW))
        .await
        .expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::KeysUnavailable);
}

#[tokio::test]
async fn what_is_no_key_document_is_an_outage_and_not_the_tokens_fault() {
    for (answer, said) in [
        (Answer::Status(StatusCode::NOT_FOUND), "404"),
        (Answer::Status(StatusCode::TOO_MANY_REQUESTS), "429"),
        (Answer::Status(StatusCode::INTERNAL_SERVER_ERROR), "500"),
        (Answer::Redirect, "302"),
        (Answer::Html, "not JSON"),
        (Answer::Garbage, "list `keys`"),
        (Answer::NoKeys, "no key"),
        (Answer::Huge, "65536 bytes"),
    ] {
        let (server, clock) = (KeyServer::start().await, Arc::new(TestClock::at(NOW)));
        server.answer(answer);
        let verifier = server.verifier(AcceptedKinds::default(), &clock);
        let error = verifier
            .verify(&server.token(UserKind::Normal, NOW))
            .await
            .expect_err(said);
        assert_eq!(error.kind(), ErrorKind::KeysUnavailable, "{answer:?}");
        assert!(error.is_retryable() && !error.is_refusal());
        assert!(error.to_string().contains(said), "{answer:?}: {error}");
        assert_eq!(server.asked(), [""]);

        // At once again: nobody is made to wait, and the server is left alone.
        let again = verifier
            .verify(&server.token(UserKind::Normal, NOW))
            .await
            .expect_err(said);
        assert_eq!(
            (again.kind(), server.asked().len()),
            (ErrorKind::KeysUnavailable, 0)
        );

        server.answer(Answer::Keys);
        clock.advance(1);
        verifier
            .verify(&server.token(UserKind::Normal, NOW))
            .await
            .expect("the server is back");
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_an_outage() {
    let config = ProjectConfig::builder()
        .project_id(PROJECT.parse().expect("a project"))
        .api_url("http://127.0.0.1:9".parse().expect("a URL"))
        .build()
        .expect("a config");
    let issuer =
        Issuer::new(&ServerSecret::new("AAAA").expect("a secret"), config.clone()).expect("an issuer");
    let verifier = Verifier::builder(config)
        .clock(Arc::new(TestClock::at(NOW)))
        .build();
    let token = token(&issuer, UserKind::Normal, NOW);
    let error = verifier
        .expect("a verifier")
        .verify(&token)
        .await
        .expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::KeysUnavailable);
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn a_token_that_cannot_pass_causes_no_fetch() {
    let (server, _, verifier) = start().await;
    for (token, expected) in [
        (AccessToken::from("garbage"), ErrorKind::TokenMalformed),
        (
            server.token(UserKind::Normal, NOW - 3600),
            ErrorKind::TokenExpired,
        ),
        (
            server.token(UserKind::Anonymous, NOW),
            ErrorKind::KindNotAccepted(UserKind::Anonymous),
        ),
    ] {
        let error = verifier.verify(&token).await.expect_err("it cannot pass");
        assert_eq!((error.kind(), server.asked().len()), (expected, 0));
    }
}

#[tokio::test]
async fn a_client_of_ones_own_is_used() {
    let (server, clock) = (KeyServer::start().await, Arc::new(TestClock::at(NOW)));
    let own = HeaderMap::from_iter([(HeaderName::from_static("x-own"), HeaderValue::from_static("1"))]);
    let client = reqwest::Client::builder().no_proxy().default_headers(own);
    let verifier = Verifier::builder(server.config.clone())
        .http_client(client.build().expect("a client"))
        .clock(clock)
        .build()
        .expect("a verifier");
    verifier
        .verify(&server.token(UserKind::Normal, NOW))
        .await
        .expect("a user");
    assert_eq!(server.asked(), [" own"]);
}

#[tokio::test]
async fn the_largest_settings_are_bounded_and_do_no_harm() {
    let (server, clock) = (KeyServer::start().await, Arc::new(TestClock::at(NOW)));
    let builder = server
        .builder(&clock)
        .stale_if_error(Duration::MAX)
        .cached_tokens(usize::MAX);
    let verifier = builder.build().expect("a verifier");
    verifier
        .verify(&server.token(UserKind::Normal, NOW))
        .await
        .expect("a user");
}
