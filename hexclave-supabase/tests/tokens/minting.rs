//! Minted tokens, to the byte.

use std::time::{Duration, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::{AcceptedKinds, UserKind};
use hexclave_supabase::{ErrorKind, JwtSecret, Minter, Role, SupabaseClaims, SupabaseVerifier};
use serde_json::json;

use crate::support::{NOW, clock, minter, parts, payload_text, secret, signing_keys, user};

#[tokio::test]
async fn the_token_is_the_setup_guides_with_audience_and_anonymity() {
    let token = minter().mint(&user(UserKind::Normal).await).expect("a token");
    assert!(token.expose().starts_with("eyJhbGciOiJIUzI1NiJ9."));
    assert_eq!(
        payload_text(&token),
        r#"{"sub":"11111111-1111-4111-8111-111111111111","role":"authenticated","aud":"authenticated","is_anonymous":false,"iat":1700000000,"exp":1700003600}"#
    );
    assert_eq!(token.expires_at(), UNIX_EPOCH + Duration::from_secs(NOW + 3600));
    assert!(!format!("{token:?} {:?}", minter()).contains("eyJ"));
}

/// The key is the secret's UTF-8 bytes, neither decoded nor reduced to ASCII.
#[tokio::test]
async fn a_secret_beyond_ascii_signs_with_its_utf8_bytes() {
    let secret = "gehé1m-öß-🔑-with-at-least-32-bytes-total";
    let token = Minter::new(JwtSecret::new(secret).expect("a secret"))
        .mint(&user(UserKind::Normal).await)
        .expect("a token");
    let (signed, signature) = token.expose().rsplit_once('.').expect("three parts");
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    assert!(aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &tag).is_ok());
}

#[tokio::test]
async fn headers_name_imported_keys_and_nothing_else() {
    let user = user(UserKind::Normal).await;
    let headers = signing_keys().map(|key| {
        let token = Minter::new(key).mint(&user).expect("a token");
        parts(token.expose())[0].clone()
    });
    assert_eq!(
        headers,
        [
            json!({ "alg": "HS256" }),
            json!({ "alg": "HS256", "kid": "shared" }),
            json!({ "alg": "ES256", "kid": "ec" }),
            json!({ "alg": "RS256", "kid": "rsa" }),
        ]
    );
}

#[tokio::test]
async fn only_kinds_that_are_let_in_get_a_token() {
    for kind in UserKind::ALL {
        let user = user(kind).await;
        for accepted in UserKind::ALL.map(AcceptedKinds::only) {
            let minted = minter().accept(accepted).mint(&user);
            let claims = SupabaseClaims::of(&user, accepted);
            if accepted.contains(kind) {
                assert!(minted.is_ok());
                let claims = claims.expect("claims");
                assert_eq!(claims.role(), &Role::Authenticated);
            } else {
                let expected = Some(ErrorKind::KindNotAccepted(kind));
                assert_eq!(minted.err().map(|error| error.kind()), expected);
                assert_eq!(claims.err().map(|error| error.kind()), expected);
            }
        }
        let by_default = minter().mint(&user);
        assert_eq!(by_default.is_ok(), kind == UserKind::Normal);
    }
}

#[tokio::test]
async fn the_lifetime_is_bounded() {
    let user = user(UserKind::Normal).await;
    for (lifetime, expected) in [
        (1, true),
        (86_400, true),
        (0, false),
        (86_401, false),
        (u64::MAX, false),
    ] {
        let minted = minter()
            .lifetime(Duration::from_secs(lifetime))
            .and_then(|minter| minter.mint(&user));
        assert_eq!(minted.is_ok(), expected, "{lifetime} seconds");
        match minted {
            Ok(token) => assert_eq!(
                token.expires_at(),
                UNIX_EPOCH + Duration::from_secs(NOW + lifetime)
            ),
            Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidConfig),
        }
    }
}

#[tokio::test]
async fn a_token_outlives_its_source_only_if_it_may() {
    let user = user(UserKind::Normal).await;
    let clock = clock();
    let mint = |lifetime| {
        let minter = Minter::new(secret()).clock(clock.clone()).until_source_expires();
        let minter = minter
            .lifetime(Duration::from_secs(lifetime))
            .expect("a lifetime");
        let token = minter.mint(&user).map_err(|error| error.kind())?;
        Ok(parts(token.expose())[1]["exp"].as_u64().expect("a time") - NOW)
    };
    assert_eq!((mint(3600), mint(60)), (Ok(600), Ok(60)));
    clock.set(NOW + 599);
    assert_eq!(mint(3600), Ok(600));
    clock.set(NOW + 600);
    assert_eq!(mint(3600), Err(ErrorKind::SourceExpired));
    // Without the limit a proven user stays one.
    assert!(Minter::new(secret()).clock(clock.clone()).mint(&user).is_ok());
}

#[tokio::test]
async fn the_time_of_issue_can_be_moved_back() {
    let user = user(UserKind::Normal).await;
    for (by, expected) in [
        (0, Some(NOW)),
        (30, Some(NOW - 30)),
        (300, Some(NOW - 300)),
        (301, None),
    ] {
        let minted = minter()
            .backdate(Duration::from_secs(by))
            .and_then(|minter| minter.mint(&user));
        let times = minted.ok().map(|token| {
            let [_, payload] = parts(token.expose());
            assert_eq!(payload["exp"], NOW + 3600);
            payload["iat"].as_u64().expect("a time")
        });
        assert_eq!(times, expected, "{by}");
    }
}

#[tokio::test]
async fn claims_that_no_header_has_room_for_are_refused() {
    let user = user(UserKind::Normal).await;
    let claims = |length: usize| {
        SupabaseClaims::of(&user, AcceptedKinds::default())
            .and_then(|claims| claims.with_claim("long", json!("x".repeat(length))))
            .expect("claims")
    };
    let room = Minter::MAX_PAYLOAD - payload_text(&minter().sign(&claims(0)).expect("a token")).len();
    assert!(minter().sign(&claims(room)).expect("a token").expose().len() < 6 * 1024);
    let error = minter().sign(&claims(room + 1)).expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::ClaimsTooLarge);
    assert!(error.to_string().contains("4097 bytes"), "{error}");
}

#[tokio::test]
async fn nobody_gets_a_token_and_no_token_gets_a_longer_life() {
    let nobody = SupabaseClaims::signed_out();
    assert_eq!(nobody.to_json(), r#"{"role":"anon"}"#);
    assert_eq!((nobody.role(), nobody.user_id()), (&Role::Anon, None));

    let minted = minter().mint(&user(UserKind::Normal).await).expect("a token");
    let verified = SupabaseVerifier::new(secret())
        .clock(clock())
        .verify(minted.expose())
        .expect("a user's");
    for claims in [&nobody, verified.claims()] {
        let error = minter().sign(claims).expect_err("no user");
        assert_eq!(error.kind(), ErrorKind::ClaimNotAllowed);
        let error = claims
            .clone()
            .with_claim("plan", json!("pro"))
            .expect_err("no user");
        assert_eq!(error.kind(), ErrorKind::ClaimNotAllowed);
    }
}
