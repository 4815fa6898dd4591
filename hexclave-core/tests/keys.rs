//! Fetching the project's keys, from a real server that can be made to misbehave.
#![allow(clippy::expect_used)]

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use hexclave_core::{AcceptedKinds, AccessToken, ErrorKind, ProjectConfig, UserKind, Verifier};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, PublicJwk, ServerSecret, Subject},
};
use serde_json::json;

const PROJECT: &str = "11111111-2222-4333-8444-555555555555";
const NOW: u64 = 1_795_300_079;

/// A key server that answers as it is told to, and keeps a list of what it was asked.
struct KeyServer {
    state: Arc<ServerState>,
    config: ProjectConfig,
}

struct ServerState {
    answer: Mutex<Answer>,
    issuer: Mutex<Option<Arc<Issuer>>>,
    asked: Mutex<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Keys,
    Status(StatusCode),
    Redirect,
    Html,
    Garbage,
    NoKeys,
    Huge,
    OldAnonymousDocument,
}

impl KeyServer {
    async fn start() -> Self {
        let state = Arc::new(ServerState {
            answer: Mutex::new(Answer::Keys),
            issuer: Mutex::new(None),
            asked: Mutex::new(Vec::new()),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new()
            .route(
                &format!("/api/v1/projects/{PROJECT}/.well-known/jwks.json"),
                get(answer),
            )
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = ProjectConfig::builder()
            .project_id(PROJECT.parse().expect("a project"))
            .api_url(format!("http://{address}").parse().expect("a URL"))
            .build()
            .expect("a config");
        let server = Self { state, config };
        server.rotate("AAAA");
        server
    }

    fn rotate(&self, secret: &str) -> Arc<Issuer> {
        let secret = ServerSecret::new(secret).expect("a secret");
        let issuer = Arc::new(Issuer::new(&secret, self.config.clone()).expect("an issuer"));
        *self.state.issuer.lock().expect("a lock") = Some(Arc::clone(&issuer));
        issuer
    }

    fn answer(&self, answer: Answer) {
        *self.state.answer.lock().expect("a lock") = answer;
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.asked.lock().expect("a lock"))
    }

    fn token(&self, kind: UserKind, now: u64) -> AccessToken {
        let issuer = self
            .state
            .issuer
            .lock()
            .expect("a lock")
            .clone()
            .expect("an issuer");
        token(&issuer, kind, now)
    }

    fn verifier(&self, accepted: AcceptedKinds, clock: &Arc<TestClock>) -> Verifier {
        let clock: Arc<TestClock> = Arc::clone(clock);
        let builder = Verifier::builder(self.config.clone())
            .accept(accepted)
            .clock(clock);
        builder.build().expect("a verifier")
    }
}

fn token(issuer: &Issuer, kind: UserKind, now: u64) -> AccessToken {
    let subject = match kind {
        UserKind::Normal => Subject::new("ada@example.com"),
        UserKind::Restricted => Subject::restricted("ada@example.com"),
        UserKind::Anonymous => Subject::anonymous(),
    };
    issuer.token(&subject, now).expect("a token").into()
}

async fn answer(
    State(state): State<Arc<ServerState>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let no_cache = headers
        .get(header::CACHE_CONTROL)
        .is_some_and(|value| value == "no-cache");
    let own = if headers.contains_key("x-own") { " own" } else { "" };
    let asked = format!("{query}{}{own}", if no_cache { " no-cache" } else { "" });
    state.asked.lock().expect("a lock").push(asked);
    assert_eq!(
        headers.get(header::ACCEPT).expect("an accept header"),
        "application/json"
    );

    let answer = *state.answer.lock().expect("a lock");
    let widest = match query.as_str() {
        "" => UserKind::Normal,
        "include_restricted=true" => UserKind::Restricted,
        "include_anonymous=true" => UserKind::Anonymous,
        _ => return StatusCode::BAD_REQUEST.into_response(),
    };
    let issuer = state.issuer.lock().expect("a lock").clone().expect("an issuer");
    let mut keys: Vec<PublicJwk> = issuer.jwks(widest);
    if answer == Answer::OldAnonymousDocument && !no_cache && widest == UserKind::Anonymous {
        keys.drain(..2);
    }
    let json = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    match answer {
        Answer::Keys | Answer::OldAnonymousDocument => {
            (json, json!({ "keys": keys }).to_string()).into_response()
        }
        Answer::Status(status) => status.into_response(),
        Answer::Redirect => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
        Answer::Html => (
            [(header::CONTENT_TYPE, "text/html")],
            json!({ "keys": keys }).to_string(),
        )
            .into_response(),
        Answer::Garbage => (json, "{\"keys\":[").into_response(),
        Answer::NoKeys => (json, "{\"keys\":[]}").into_response(),
        Answer::Huge => (json, " ".repeat(10_000_000)).into_response(),
    }
}

#[tokio::test]
async fn keys_are_fetched_once_however_many_ask() {
    let (server, clock) = (KeyServer::start().await, Arc::new(TestClock::at(NOW)));
    let verifier = server.verifier(AcceptedKinds::default(), &clock);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let (verifier, token) = (verifier.clone(), server.token(UserKind::Normal, NOW));
        tasks.spawn(async move { verifier.verify(&token).await.map(drop) });
    }
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
    let (server, clock) = (KeyServer::start().await, Arc::new(TestClock::at(NOW)));
    let verifier = server.verifier(AcceptedKinds::default(), &clock);
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
async fn known_keys_outlive_an_outage_by_a_day() {
    let (server, clock) = (KeyServer::start().await, Arc::new(TestClock::at(NOW)));
    let verifier = server.verifier(AcceptedKinds::default(), &clock);
    verifier
        .verify(&server.token(UserKind::Normal, NOW))
        .await
        .expect("a user");
    server.asked();

    server.answer(Answer::Status(StatusCode::SERVICE_UNAVAILABLE));
    let (fresh, stale) = (3600, 24 * 3600);
    for (age, expected, fetches) in [
        (fresh - 1, Ok(()), 0),
        (fresh, Ok(()), 1),
        (fresh + 1, Ok(()), 0),
        (fresh + stale - 1, Ok(()), 1),
        (fresh + stale, Err(ErrorKind::KeysUnavailable), 0),
        (fresh + stale + 30, Err(ErrorKind::KeysUnavailable), 1),
    ] {
        clock.set(NOW + age);
        let result = verifier.verify(&server.token(UserKind::Normal, NOW + age)).await;
        let result = result.map(drop).map_err(|error| error.kind());
        assert_eq!(
            (result, server.asked().len()),
            (expected, fetches),
            "{age} seconds after the fetch"
        );
    }

    server.answer(Answer::Keys);
    clock.advance(30);
    let now = NOW + fresh + stale + 60;
    verifier
        .verify(&server.token(UserKind::Normal, now))
        .await
        .expect("the server is back");
}

#[tokio::test]
async fn an_unknown_key_during_an_outage_is_no_verdict() {
    let (server, clock) = (KeyServer::start().await, Arc::new(TestClock::at(NOW)));
    let verifier = server.verifier(AcceptedKinds::default(), &clock);
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
    let (server, clock) = (KeyServer::start().await, Arc::new(TestClock::at(NOW)));
    let verifier = server.verifier(AcceptedKinds::default(), &clock);
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
