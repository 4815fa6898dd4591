//! Valid tokens with something changed, everywhere: nobody but the owner of the keys can make a token that passes,
//! and the owner only one that says what Hexclave's tokens say.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice
)]

mod altered;
mod changes;
mod rules;
mod signed;

use std::sync::Arc;

use hexclave_core::{AcceptedKinds, AccessToken, ProjectConfig, User, UserKind, Verifier};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, ServerSecret, SigningKey, Subject},
};
use serde_json::{Value, json};

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const PROJECT: &str = "11111111-2222-4333-8444-555555555555";
const NOW: u64 = 1_795_300_079;

fn issuer() -> Issuer {
    let secret = ServerSecret::new(SECRET).expect("a secret");
    let config = ProjectConfig::builder()
        .project_id(PROJECT.parse().expect("a project id"))
        .api_url("https://api.hexclave.com".parse().expect("an API URL"))
        .build();
    Issuer::new(&secret, config.expect("a config")).expect("an issuer")
}

/// One that lets in whomever it can, so that nothing is refused for its kind of user only.
fn verifier() -> Verifier {
    let issuer = issuer();
    Verifier::builder(issuer.config().clone())
        .keys(issuer.project_keys().expect("keys"))
        .accept(AcceptedKinds::ALL)
        .clock(Arc::new(TestClock::at(NOW)))
        .build()
        .expect("a verifier")
}

fn subject(kind: UserKind) -> Subject {
    let mut subject = match kind {
        UserKind::Normal => Subject::new("zoe@example.com"),
        UserKind::Restricted => Subject::restricted("zoe@example.com"),
        UserKind::Anonymous => Subject::anonymous(),
    };
    subject.id = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee".parse().expect("a user id");
    subject.session_id = "99999999-8888-4777-8666-555555555555"
        .parse()
        .expect("a session id");
    subject
}

fn claims(kind: UserKind) -> Value {
    serde_json::to_value(issuer().claims(&subject(kind), NOW)).expect("claims")
}

fn header(key: &SigningKey) -> Value {
    json!({ "alg": "ES256", "kid": key.id() })
}

/// The user, or the code of an error that tells nothing of the token.
async fn verify(verifier: &Verifier, token: &str) -> Result<User, &'static str> {
    verifier.verify(&AccessToken::from(token)).await.map_err(|error| {
        assert!(error.is_refusal(), "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(!shows(&text, token), "the error shows the token: {text}");
        assert!(!text.contains("zoe@"), "the error shows who the user is: {text}");
        error.code()
    })
}

/// Whether 20 characters of the token stand in the text.
fn shows(text: &str, token: &str) -> bool {
    const LEAST: usize = 20;
    let in_tokens = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    text.as_bytes()
        .split(|byte| !in_tokens(byte))
        .flat_map(|run| run.windows(LEAST))
        .any(|run| token.contains(std::str::from_utf8(run).expect("ASCII")))
}

/// The text with the byte at `position` replaced.
fn replaced(text: &str, position: usize, by: char) -> String {
    format!("{}{by}{}", &text[..position], &text[position + 1..])
}
