use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::{AcceptedKinds, AccessToken, User, UserKind, Verifier};
use hexclave_supabase::{JwtSecret, Minter, SigningKey, SupabaseToken};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, Subject},
};
use serde_json::Value;

pub(crate) const NOW: u64 = 1_700_000_000;
pub(crate) const USER: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const TEAM: &str = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
pub(crate) const SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";

pub(crate) fn subject(kind: UserKind) -> Subject {
    let mut subject = match kind {
        UserKind::Normal => Subject::new("ada@example.com"),
        UserKind::Restricted => Subject::restricted("ada@example.com"),
        UserKind::Anonymous => Subject::anonymous(),
    };
    subject.id = USER.parse().expect("a user id");
    subject
}

/// Proven by a token that is good until ten minutes from [`NOW`].
pub(crate) async fn user_of(subject: &Subject) -> User {
    let issuer = Issuer::random().expect("an issuer");
    let verifier = Verifier::builder(issuer.config().clone())
        .keys(issuer.project_keys().expect("keys"))
        .accept(AcceptedKinds::ALL)
        .clock(clock())
        .build()
        .expect("a verifier");
    let token = AccessToken::from(issuer.token(subject, NOW).expect("a token"));
    verifier.verify(&token).await.expect("a user")
}

pub(crate) async fn user(kind: UserKind) -> User {
    user_of(&subject(kind)).await
}

pub(crate) fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::at(NOW))
}

pub(crate) fn secret() -> JwtSecret {
    JwtSecret::new(SECRET).expect("a secret")
}

pub(crate) fn minter() -> Minter {
    Minter::new(secret()).clock(clock())
}

/// One key of each algorithm, all with names but the first.
pub(crate) fn signing_keys() -> [SigningKey; 4] {
    [
        secret().into(),
        SigningKey::hs256("shared", SECRET.as_bytes()).expect("a key"),
        SigningKey::from_jwk(include_str!("keys/ec.jwk.json")).expect("a key"),
        SigningKey::from_jwk(include_str!("keys/rsa.jwk.json")).expect("a key"),
    ]
}

/// Header and payload of a token.
pub(crate) fn parts(token: &str) -> [Value; 2] {
    let mut parts = token.split('.').map(|part| {
        let json = URL_SAFE_NO_PAD.decode(part).expect("base64url");
        serde_json::from_slice(&json).unwrap_or_default()
    });
    [parts.next().expect("a header"), parts.next().expect("a payload")]
}

pub(crate) fn payload_text(token: &SupabaseToken) -> String {
    let payload = token.expose().split('.').nth(1).expect("a payload");
    String::from_utf8(URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("UTF-8")
}
