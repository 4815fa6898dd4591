//! A key server that misbehaves on demand.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    clippy::expect_used
)]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;
use hexclave_core::{AcceptedKinds, AccessToken, Clock, ProjectConfig, UserKind, Verifier, VerifierBuilder};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, PublicJwk, ServerSecret, Subject},
};
use serde_json::json;

pub const PROJECT: &str = "11111111-2222-4333-8444-555555555555";
pub const NOW: u64 = 1_795_300_079;

/// A key server that answers as it is told to, and keeps a list of what it was asked.
pub struct KeyServer {
    state: Arc<ServerState>,
    pub config: ProjectConfig,
}

pub struct ServerState {
    answer: Mutex<Answer>,
    issuer: Mutex<Option<Arc<Issuer>>>,
    asked: Mutex<Vec<String>>,
    /// The times of `clock` at which something was asked.
    times: Mutex<Vec<u64>>,
    clock: Arc<TestClock>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    Keys,
    Status(StatusCode),
    Redirect,
    Html,
    Garbage,
    NoKeys,
    Huge,
    OldAnonymousDocument,
    /// Never answers.
    Hang,
    /// Ends the connection in the middle of the answer.
    Cut,
    /// Sends a byte now and then, and never the last one.
    Drip,
}

impl KeyServer {
    pub async fn start() -> Self {
        Self::start_at(Arc::new(TestClock::at(NOW))).await
    }

    pub async fn start_at(clock: Arc<TestClock>) -> Self {
        let state = Arc::new(ServerState {
            answer: Mutex::new(Answer::Keys),
            issuer: Mutex::new(None),
            asked: Mutex::new(Vec::new()),
            times: Mutex::new(Vec::new()),
            clock,
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

    pub fn rotate(&self, secret: &str) -> Arc<Issuer> {
        let secret = ServerSecret::new(secret).expect("a secret");
        let issuer = Arc::new(Issuer::new(&secret, self.config.clone()).expect("an issuer"));
        *self.state.issuer.lock().expect("a lock") = Some(Arc::clone(&issuer));
        issuer
    }

    pub fn answer(&self, answer: Answer) {
        *self.state.answer.lock().expect("a lock") = answer;
    }

    /// When something was asked, in seconds since 1970 by the server's clock.
    pub fn times(&self) -> Vec<u64> {
        self.state.times.lock().expect("a lock").clone()
    }

    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.asked.lock().expect("a lock"))
    }

    /// What was asked, once a fetch in the background has had the time to ask so many things.
    pub async fn asked_in_the_background(&self, count: usize) -> Vec<String> {
        for _ in 0..1000 {
            if self.state.asked.lock().expect("a lock").len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // One too many would come now.
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.asked()
    }

    pub fn token(&self, kind: UserKind, now: u64) -> AccessToken {
        let issuer = self
            .state
            .issuer
            .lock()
            .expect("a lock")
            .clone()
            .expect("an issuer");
        token(&issuer, kind, now)
    }

    pub fn verifier(&self, accepted: AcceptedKinds, clock: &Arc<TestClock>) -> Verifier {
        self.builder(clock).accept(accepted).build().expect("a verifier")
    }

    pub fn builder(&self, clock: &Arc<TestClock>) -> VerifierBuilder {
        Verifier::builder(self.config.clone()).clock(Arc::clone(clock) as Arc<_>)
    }
}

pub fn token(issuer: &Issuer, kind: UserKind, now: u64) -> AccessToken {
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
    state
        .times
        .lock()
        .expect("a lock")
        .push(state.clock.unix_seconds());
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
        Answer::Hang => std::future::pending().await,
        Answer::Cut => {
            let parts = [Ok("{\"keys\":["), Err(std::io::Error::other("cut"))];
            (json, Body::from_stream(stream::iter(parts))).into_response()
        }
        Answer::Drip => {
            let drops = stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Some((Ok::<_, std::io::Error>(" "), ()))
            });
            (json, Body::from_stream(drops)).into_response()
        }
        Answer::Huge => (json, " ".repeat(10_000_000)).into_response(),
    }
}
