//! Minted tokens, to the byte.
#![allow(clippy::expect_used)]

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::{AcceptedKinds, AccessToken, User, UserKind, Verifier};
use hexclave_supabase::{ErrorKind, JwtSecret, Minter, Role, SupabaseClaims};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, Subject},
};

const NOW: u64 = 1_700_000_000;

async fn user(kind: UserKind) -> User {
    let mut subject = match kind {
        UserKind::Normal => Subject::new("ada@example.com"),
        UserKind::Restricted => Subject::restricted("ada@example.com"),
        UserKind::Anonymous => Subject::anonymous(),
    };
    subject.id = "11111111-1111-4111-8111-111111111111".parse().expect("a user id");
    let issuer = Issuer::random().expect("an issuer");
    let verifier = Verifier::builder(issuer.config().clone())
        .keys(issuer.project_keys().expect("keys"))
        .accept(AcceptedKinds::ALL)
        .clock(Arc::new(TestClock::at(NOW)))
        .build()
        .expect("a verifier");
    let token = AccessToken::from(issuer.token(&subject, NOW).expect("a token"));
    verifier.verify(&token).await.expect("a user")
}

fn minter(secret: &str) -> Minter {
    let secret = JwtSecret::new(secret).expect("a secret");
    Minter::new(secret).clock(Arc::new(TestClock::at(NOW)))
}

/// Computed with an independent HMAC implementation.
#[tokio::test]
async fn the_token_is_the_setup_guides_to_the_byte() {
    let token = minter("super-secret-jwt-token-with-at-least-32-characters-long")
        .mint(&user(UserKind::Normal).await)
        .expect("a token");
    assert_eq!(
        token.expose(),
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMTExMTExMS0xMTExLTQxMTEtODExMS0xMTExMTExMTExMTEiLCJyb2xlIjoiYXV0aGVudGljYXRlZCIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwfQ.0b__T02cHf_YFeQ9hYa36SSNa-kP-8r7jZeyJTgFWjw"
    );
    assert_eq!(token.expires_at(), UNIX_EPOCH + Duration::from_secs(NOW + 3600));
    assert!(!format!("{token:?}").contains("eyJ"));
}

/// The key is the secret's UTF-8 bytes, neither decoded nor reduced to ASCII.
#[tokio::test]
async fn a_secret_beyond_ascii_signs_with_its_utf8_bytes() {
    let secret = "gehé1m-öß-🔑-with-at-least-32-bytes-total";
    let token = minter(secret)
        .mint(&user(UserKind::Normal).await)
        .expect("a token");
    let (signed, signature) = token.expose().rsplit_once('.').expect("three parts");
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    assert!(aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &tag).is_ok());
}

#[tokio::test]
async fn only_kinds_that_are_let_in_get_a_token() {
    let secret = "super-secret-jwt-token-with-at-least-32-characters-long";
    for kind in UserKind::ALL {
        let user = user(kind).await;
        for accepted in UserKind::ALL.map(AcceptedKinds::only) {
            let minted = minter(secret).accept(accepted).mint(&user);
            let claims = SupabaseClaims::of(&user, accepted);
            if accepted.contains(kind) {
                assert!(minted.is_ok());
                assert_eq!(claims.map(|claims| claims.role()).ok(), Some(Role::Authenticated));
            } else {
                let expected = Some(ErrorKind::KindNotAccepted(kind));
                assert_eq!(minted.err().map(|error| error.kind()), expected);
                assert_eq!(claims.err().map(|error| error.kind()), expected);
            }
        }
        let by_default = minter(secret).mint(&user);
        assert_eq!(by_default.is_ok(), kind == UserKind::Normal);
    }
}

#[tokio::test]
async fn the_lifetime_is_bounded() {
    let secret = "super-secret-jwt-token-with-at-least-32-characters-long";
    let user = user(UserKind::Normal).await;
    for (lifetime, expected) in [
        (1, true),
        (86_400, true),
        (0, false),
        (86_401, false),
        (u64::MAX, false),
    ] {
        let minted = minter(secret)
            .lifetime(Duration::from_secs(lifetime))
            .and_then(|minter| minter.mint(&user));
        match minted {
            Ok(token) => assert_eq!(
                token.expires_at(),
                UNIX_EPOCH + Duration::from_secs(NOW + lifetime)
            ),
            Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidConfig),
        }
        assert_eq!(
            minter(secret).lifetime(Duration::from_secs(lifetime)).is_ok(),
            expected,
            "{lifetime} seconds"
        );
    }
}

#[test]
fn nobody_is_the_role_anon_without_a_subject() {
    let claims = SupabaseClaims::signed_out();
    assert_eq!(claims.to_json(), r#"{"role":"anon"}"#);
    assert_eq!((claims.role(), claims.user_id()), (Role::Anon, None));
}
