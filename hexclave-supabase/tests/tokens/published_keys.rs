//! Supabase tokens verified with the keys that a project publishes, over HTTP.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use hexclave_core::{KeyState, UserKind};
use hexclave_supabase::{ErrorKind, Minter, ProjectVerifier, SigningKey, SupabaseJwks, SupabaseVerifier};
use hexclave_testkit::TestClock;

use crate::support::{NOW, SECRET, USER, clock, secret, signing_keys, user};

/// A project that publishes what it is told to, and counts how often it was asked. `None`: it is out of order.
struct Project {
    url: String,
    state: Arc<Published>,
    clock: Arc<TestClock>,
}

struct Published {
    document: Mutex<Option<String>>,
    asked: Mutex<Vec<bool>>,
}

impl Project {
    async fn start(document: String) -> Self {
        let state = Arc::new(Published {
            document: Mutex::new(Some(document)),
            asked: Mutex::default(),
        });
        let router = Router::new()
            .route("/auth/v1/.well-known/jwks.json", get(answer))
            .with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            state,
            clock: clock(),
        }
    }

    fn publish(&self, document: Option<String>) {
        *self.state.document.lock().expect("a lock") = document;
    }

    /// Of each request since the last time, whether it went past caches.
    fn asked(&self) -> Vec<bool> {
        std::mem::take(&mut *self.state.asked.lock().expect("a lock"))
    }

    fn rules(&self) -> SupabaseVerifier {
        SupabaseVerifier::without_keys().clock(Arc::clone(&self.clock) as _)
    }

    fn verifier(&self, rules: SupabaseVerifier) -> ProjectVerifier {
        ProjectVerifier::builder(&self.url)
            .rules(rules)
            .build()
            .expect("a verifier")
    }

    /// Good for a day.
    async fn token(&self, key: &SigningKey) -> String {
        let minter = Minter::new(key.clone()).clock(Arc::clone(&self.clock) as _);
        let minter = minter.lifetime(Duration::from_secs(86_400)).expect("a day");
        let token = minter.mint(&user(UserKind::Normal).await).expect("a token");
        token.expose().to_owned()
    }
}

async fn answer(State(state): State<Arc<Published>>, headers: HeaderMap) -> Response {
    let past_caches = headers.contains_key(header::CACHE_CONTROL);
    state.asked.lock().expect("a lock").push(past_caches);
    match &*state.document.lock().expect("a lock") {
        Some(document) => {
            let headers = [
                (header::CONTENT_TYPE, "application/json"),
                (header::CACHE_CONTROL, "public, max-age=600"),
            ];
            (headers, document.clone()).into_response()
        }
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn document(keys: &[&SigningKey]) -> String {
    let jwks = keys.iter().fold(SupabaseJwks::default(), |jwks, key| {
        jwks.and(*key).expect("keys of different names")
    });
    jwks.self_hosted().expose().to_owned()
}

async fn refusal(verifier: &ProjectVerifier, token: &str) -> ErrorKind {
    let error = verifier.verify(token).await.expect_err("not to be accepted");
    assert!(!format!("{error} {error:?}").contains(token), "{error}");
    assert_eq!(error.is_refusal(), !error.is_retryable(), "{error}");
    error.kind()
}

#[tokio::test]
async fn published_keys_are_fetched_once_and_verify() {
    let [_, _, ec, rsa] = signing_keys();
    let project = Project::start(document(&[&ec, &rsa])).await;
    let verifier = project.verifier(project.rules());
    assert_eq!(verifier.key_health().state, KeyState::Missing);
    for key in [&ec, &rsa, &ec] {
        let token = project.token(key).await;
        let verified = verifier.verify(&token).await.expect("a user's");
        assert_eq!(verified.user_id().to_string(), USER);
    }
    assert_eq!(project.asked(), [false]);
    assert_eq!(verifier.key_health().state, KeyState::Fresh);
}

#[tokio::test]
async fn what_cannot_pass_causes_no_fetch() {
    let [legacy, _, ec, _] = signing_keys();
    let project = Project::start(document(&[&ec])).await;
    let verifier = project.verifier(project.rules());
    let token = project.token(&ec).await;
    project.clock.set(NOW + 86_405);
    assert_eq!(refusal(&verifier, &token).await, ErrorKind::TokenExpired);
    project.clock.set(NOW);
    // It names no key, and published ones have names.
    let nameless = project.token(&legacy).await;
    assert_eq!(refusal(&verifier, &nameless).await, ErrorKind::UnknownKey);
    assert_eq!(refusal(&verifier, "a.b.c").await, ErrorKind::TokenMalformed);
    assert!(project.asked().is_empty());
}

#[tokio::test]
async fn a_new_key_is_asked_for_and_an_unknown_one_not_again_and_again() {
    let [_, _, ec, rsa] = signing_keys();
    let project = Project::start(document(&[&ec])).await;
    let verifier = project.verifier(project.rules());
    verifier.warm_up().await.expect("keys");
    let rotated = project.token(&rsa).await;
    for _ in 0..3 {
        assert_eq!(refusal(&verifier, &rotated).await, ErrorKind::UnknownKey);
    }
    project.publish(Some(document(&[&rsa])));
    project.clock.set(NOW + 29);
    assert_eq!(refusal(&verifier, &rotated).await, ErrorKind::UnknownKey);
    assert_eq!(
        project.asked(),
        [false],
        "not within 30 seconds of the last fetch"
    );

    project.clock.set(NOW + 30);
    verifier.verify(&rotated).await.expect("the new key is there");
    assert_eq!(project.asked(), [true], "past caches");
    let withdrawn = project.token(&ec).await;
    assert_eq!(refusal(&verifier, &withdrawn).await, ErrorKind::UnknownKey);
}

#[tokio::test]
async fn an_outage_locks_nobody_out_and_lets_nobody_in() {
    let [_, _, ec, rsa] = signing_keys();
    let project = Project::start(document(&[&ec])).await;
    let verifier = project.verifier(project.rules());
    let known = project.token(&ec).await;
    project.publish(None);
    assert_eq!(refusal(&verifier, &known).await, ErrorKind::KeysUnavailable);

    project.publish(Some(document(&[&ec])));
    project.clock.set(NOW + 1);
    verifier.verify(&known).await.expect("the project is back");
    for broken in [None, Some("{\"keys\":[7]}".to_owned()), Some("<html>".to_owned())] {
        project.publish(broken);
        project.clock.advance(3600);
        verifier
            .verify(&known)
            .await
            .expect("known keys serve in an outage");
        let unknown = project.token(&rsa).await;
        assert_eq!(refusal(&verifier, &unknown).await, ErrorKind::KeysUnavailable);
    }
}

#[tokio::test]
async fn a_secret_that_everybody_can_read_is_no_key() {
    let [_, shared, ec, _] = signing_keys();
    let project = Project::start(document(&[&ec, &shared])).await;
    let verifier = project.verifier(project.rules());
    let forged = project.token(&shared).await;
    assert_eq!(refusal(&verifier, &forged).await, ErrorKind::UnknownKey);

    let shared = SigningKey::hs256("shared", SECRET.as_bytes()).expect("a key");
    let verifier = project.verifier(SupabaseVerifier::new(&shared).clock(clock()));
    verifier.verify(&forged).await.expect("given, it is one");
}

#[tokio::test]
async fn given_keys_count_beside_the_published_ones() {
    let [legacy, _, ec, _] = signing_keys();
    let project = Project::start(document(&[&ec])).await;
    let verifier = project.verifier(SupabaseVerifier::new(secret()).clock(Arc::clone(&project.clock) as _));
    verifier
        .verify(&project.token(&legacy).await)
        .await
        .expect("the secret is given");
    assert!(project.asked().is_empty());
    verifier
        .verify(&project.token(&ec).await)
        .await
        .expect("the key is published");
}

#[tokio::test]
async fn a_project_with_the_legacy_secret_alone_publishes_no_key() {
    let [_, _, ec, _] = signing_keys();
    let project = Project::start("{\"keys\":[]}".to_owned()).await;
    let verifier = project.verifier(project.rules());
    let token = project.token(&ec).await;
    assert_eq!(refusal(&verifier, &token).await, ErrorKind::UnknownKey);
}

#[test]
fn keys_are_fetched_over_tls_unless_from_this_machine() {
    for bad in [
        "http://abc.supabase.co",
        "abc.supabase.co",
        "https://ada:secret@abc.supabase.co",
        "",
    ] {
        let error = ProjectVerifier::new(bad).expect_err(bad);
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{bad}");
        assert!(!format!("{error:?}").contains("secret@"), "{error:?}");
    }
    for good in [
        "https://abc.supabase.co",
        "https://abc.supabase.co/",
        "http://127.0.0.1:54321",
    ] {
        assert!(ProjectVerifier::new(good).is_ok(), "{good}");
    }
}
