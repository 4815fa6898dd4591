//! Supabase tokens that come back.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::{AcceptedKinds, UserKind};
use hexclave_supabase::{
    ClaimsPolicy, ErrorKind, JwtSecret, Minter, Role, SigningKey, SupabaseJwks, SupabaseVerifier,
};
use serde_json::{Value, json};

use crate::support::{NOW, SECRET, USER, clock, minter, secret, signing_keys, user};

fn verifier() -> SupabaseVerifier {
    SupabaseVerifier::new(secret()).clock(clock())
}

/// Signed with the secret, whatever the header says.
fn signed(header: &str, payload: &str) -> String {
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()),
        signed.as_bytes(),
    );
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn payload() -> Value {
    json!({ "sub": USER, "role": "authenticated", "iat": NOW, "exp": NOW + 3600 })
}

fn with(name: &str, value: Value) -> String {
    let mut payload = payload();
    payload[name] = value;
    payload.to_string()
}

fn refusal(verifier: &SupabaseVerifier, token: &str) -> Option<ErrorKind> {
    let error = verifier.verify(token).err()?;
    assert!(error.is_refusal(), "{error}");
    assert!(
        token.is_empty() || !format!("{error} {error:?}").contains(token),
        "{error}"
    );
    Some(error.kind())
}

const HS256: &str = r#"{"alg":"HS256"}"#;

/// Computed with an independent HMAC implementation.
#[test]
fn known_answers_verify() {
    let body = "eyJzdWIiOiIxMTExMTExMS0xMTExLTQxMTEtODExMS0xMTExMTExMTExMTEiLCJyb2xlIjoiYXV0aGVudGljYXRlZCIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwfQ";
    for (secret, header, signature) in [
        (SECRET, HS256, "0b__T02cHf_YFeQ9hYa36SSNa-kP-8r7jZeyJTgFWjw"),
        (
            SECRET,
            r#"{"alg":"HS256","typ":"JWT"}"#,
            "OKZCpeSQmpezJ391GTKomKF9lHOF1mjGEjxtT5CjeS8",
        ),
        (
            "gehé1m-öß-🔑-with-at-least-32-bytes-total",
            r#"{"alg":"HS256","typ":"JWT"}"#,
            "EZSEsLp1tz5TE34b_-vFrIX1N3qRkQ44FqSxBEPktCU",
        ),
    ] {
        let token = format!("{}.{body}.{signature}", URL_SAFE_NO_PAD.encode(header));
        let verifier = SupabaseVerifier::new(JwtSecret::new(secret).expect("a secret")).clock(clock());
        let verified = verifier.verify(&token).expect("a user's");
        assert_eq!(verified.user_id().to_string(), USER);
        assert_eq!(
            (verified.role(), verified.kind()),
            (&Role::Authenticated, UserKind::Normal)
        );
        assert_eq!(verified.get("exp"), Some(&json!(NOW + 3600)));
        // To the database goes what was signed, to the byte.
        let payload = URL_SAFE_NO_PAD.decode(body).expect("base64url");
        assert_eq!(verified.claims().to_json().as_bytes(), payload);
        assert_eq!(
            serde_json::to_value(verified.claims()).expect("JSON"),
            super::support::parts(&token)[1]
        );
        for (position, _) in token.char_indices() {
            let mut bytes = token.clone().into_bytes();
            bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert!(verifier.verify(&changed).is_err(), "{position}");
        }
    }
}

#[tokio::test]
async fn minted_tokens_come_back_whatever_signed_them() {
    let user = user(UserKind::Normal).await;
    let mut all = SupabaseVerifier::new(secret()).clock(clock());
    for key in signing_keys() {
        all = all.and(&key);
    }
    for key in signing_keys() {
        let minter = Minter::new(key.clone()).clock(clock());
        let minted = minter.mint(&user).expect("a token");
        let only = SupabaseVerifier::new(&key).clock(clock());
        for verifier in [&all, &only] {
            let verified = verifier.verify(minted.expose()).expect("a user's");
            assert_eq!(
                (verified.user_id(), verified.expires_at()),
                (user.id(), minted.expires_at())
            );
        }
        // With every other key it is unknown, or signed by somebody else.
        for other in signing_keys().iter().filter(|other| other.id() != key.id()) {
            let other = SupabaseVerifier::new(other).clock(clock());
            assert_eq!(refusal(&other, minted.expose()), Some(ErrorKind::UnknownKey));
        }
    }
}

#[tokio::test]
async fn a_published_document_has_the_keys() {
    let user = user(UserKind::Normal).await;
    let [legacy, shared, ec, rsa] = signing_keys();
    let jwks = SupabaseJwks::default()
        .and(&ec)
        .and_then(|jwks| jwks.and(&rsa))
        .expect("keys");
    let jwks = jwks.self_hosted();
    let verifier = SupabaseVerifier::from_jwks(jwks.expose())
        .expect("keys")
        .clock(clock());
    for (key, expected) in [
        (ec, None),
        (rsa, None),
        (shared, Some(ErrorKind::UnknownKey)),
        (legacy, Some(ErrorKind::UnknownKey)),
    ] {
        let minted = Minter::new(key).clock(clock()).mint(&user).expect("a token");
        assert_eq!(refusal(&verifier, minted.expose()), expected);
    }
    let with_others = jwks
        .expose()
        .replace("{\"keys\":[", "{\"keys\":[{\"kty\":\"OKP\"},7,");
    assert!(SupabaseVerifier::from_jwks(&with_others).is_ok());
    for bad in [
        "",
        "{}",
        "[]",
        r#"{"keys":{}}"#,
        r#"{"keys":[]}"#,
        r#"{"keys":[{"kty":"EC"}]}"#,
    ] {
        let error = SupabaseVerifier::from_jwks(bad).expect_err(bad);
        assert_eq!(error.kind(), ErrorKind::InvalidKey, "{bad}");
    }
    let many = json!({ "keys": vec![json!({}); 65] }).to_string();
    assert!(SupabaseVerifier::from_jwks(&many).is_err());
}

#[test]
fn a_token_cannot_choose_how_it_is_verified() {
    let [_, shared, ec, rsa] = signing_keys();
    let verifier = verifier().and(&shared).and(&ec).and(&rsa);
    let good = payload().to_string();
    assert_eq!(refusal(&verifier, &signed(HS256, &good)), None);
    assert_eq!(
        refusal(&verifier, &signed(r#"{"alg":"HS256","kid":"shared"}"#, &good)),
        None
    );
    for (header, expected) in [
        (r#"{"alg":"none"}"#, ErrorKind::UnsupportedAlgorithm),
        (r#"{"alg":"hs256"}"#, ErrorKind::UnsupportedAlgorithm),
        (r#"{"alg":"HS512"}"#, ErrorKind::UnsupportedAlgorithm),
        (r#"{"alg":"ES256"}"#, ErrorKind::UnsupportedAlgorithm),
        // The public key as a secret, or the secret as anything else.
        (r#"{"alg":"HS256","kid":"ec"}"#, ErrorKind::UnsupportedAlgorithm),
        (r#"{"alg":"HS256","kid":"rsa"}"#, ErrorKind::UnsupportedAlgorithm),
        (
            r#"{"alg":"ES256","kid":"shared"}"#,
            ErrorKind::UnsupportedAlgorithm,
        ),
        (r#"{"alg":"ES256","kid":"ec"}"#, ErrorKind::InvalidSignature),
        (r#"{"alg":"RS256","kid":"rsa"}"#, ErrorKind::InvalidSignature),
        (r#"{"alg":"HS256","kid":"other"}"#, ErrorKind::UnknownKey),
        (r#"{"alg":"HS256","kid":""}"#, ErrorKind::TokenMalformed),
        (r#"{"alg":"HS256","kid":7}"#, ErrorKind::TokenMalformed),
        (r#"{"alg":"HS256","kid":null}"#, ErrorKind::TokenMalformed),
        (r#"{"alg":["HS256"]}"#, ErrorKind::TokenMalformed),
        (r#"{"alg":"HS256","alg":"HS256"}"#, ErrorKind::TokenMalformed),
        (r#"{"alg":"HS256","crit":["exp"]}"#, ErrorKind::TokenMalformed),
        (r#"{"alg":"HS256","b64":false}"#, ErrorKind::TokenMalformed),
        (
            r#"{"alg":"HS256","typ":"secevent+jwt"}"#,
            ErrorKind::TokenMalformed,
        ),
        ("{}", ErrorKind::TokenMalformed),
        ("[]", ErrorKind::TokenMalformed),
    ] {
        assert_eq!(
            refusal(&verifier, &signed(header, &good)),
            Some(expected),
            "{header}"
        );
    }
    let unsigned = signed(r#"{"alg":"none"}"#, &good);
    let (unsigned, _) = unsigned.rsplit_once('.').expect("three parts");
    assert!(verifier.verify(&format!("{unsigned}.")).is_err());
}

#[test]
fn a_token_is_read_strictly() {
    let good = signed(HS256, &payload().to_string());
    for bad in [
        String::new(),
        "a.b".to_owned(),
        good.replace('.', ","),
        format!("{good}="),
        format!("{good}.x"),
        format!(" {good}"),
        format!("Bearer {good}"),
        signed(HS256, "[]"),
        signed(HS256, ""),
        signed(
            HS256,
            &format!(r#"{{"role":"authenticated",{}"#, &payload().to_string()[1..]),
        ),
        "x".repeat(16 * 1024 + 1),
    ] {
        assert_eq!(
            refusal(&verifier(), &bad),
            Some(ErrorKind::TokenMalformed),
            "{bad:.60}"
        );
    }
}

#[test]
fn times_count_at_their_edges() {
    for (name, value, expected) in [
        ("exp", json!(NOW), None),
        ("exp", json!(NOW - 4), None),
        ("exp", json!(NOW - 5), Some(ErrorKind::TokenExpired)),
        ("exp", json!(0), Some(ErrorKind::TokenExpired)),
        ("exp", json!(u64::MAX), None),
        ("exp", json!(1e300), Some(ErrorKind::InvalidClaim)),
        ("exp", json!(NOW as f64 + 60.5), Some(ErrorKind::InvalidClaim)),
        ("exp", json!(-1), Some(ErrorKind::InvalidClaim)),
        (
            "exp",
            json!((NOW + 60).to_string()),
            Some(ErrorKind::InvalidClaim),
        ),
        ("exp", Value::Null, Some(ErrorKind::InvalidClaim)),
        ("iat", json!(NOW + 5), None),
        ("iat", json!(NOW + 6), Some(ErrorKind::NotYetValid)),
        ("iat", json!("0"), Some(ErrorKind::InvalidClaim)),
        ("nbf", json!(NOW + 5), None),
        ("nbf", json!(NOW + 6), Some(ErrorKind::NotYetValid)),
    ] {
        let token = signed(HS256, &with(name, value.clone()));
        assert_eq!(refusal(&verifier(), &token), expected, "{name}: {value}");
    }
    let mut without = payload();
    without.as_object_mut().expect("an object").remove("exp");
    let token = signed(HS256, &without.to_string());
    assert_eq!(refusal(&verifier(), &token), Some(ErrorKind::InvalidClaim));

    let seconds = std::time::Duration::from_secs;
    let strict = verifier().leeway(seconds(0)).expect("a leeway");
    let token = signed(HS256, &with("exp", json!(NOW)));
    assert_eq!(refusal(&strict, &token), Some(ErrorKind::TokenExpired));
    assert!(verifier().leeway(seconds(60)).is_ok() && verifier().leeway(seconds(61)).is_err());
}

#[test]
fn only_users_have_tokens() {
    for (name, value, expected) in [
        // The project's API keys are signed with the same secret.
        ("role", json!("anon"), Some(ErrorKind::RoleNotAllowed)),
        ("role", json!("service_role"), Some(ErrorKind::RoleNotAllowed)),
        ("role", json!("Authenticated"), Some(ErrorKind::RoleNotAllowed)),
        ("role", json!(["authenticated"]), Some(ErrorKind::InvalidClaim)),
        ("role", Value::Null, Some(ErrorKind::InvalidClaim)),
        ("sub", json!(""), Some(ErrorKind::InvalidClaim)),
        ("sub", json!("user_1"), Some(ErrorKind::InvalidClaim)),
        ("sub", Value::Null, Some(ErrorKind::InvalidClaim)),
        ("aud", json!("authenticated"), None),
        ("aud", json!(["other", "authenticated"]), None),
        ("aud", json!("other"), Some(ErrorKind::AudienceMismatch)),
        ("aud", json!([]), Some(ErrorKind::AudienceMismatch)),
        ("aud", json!(7), Some(ErrorKind::AudienceMismatch)),
        ("is_anonymous", json!(false), None),
        (
            "is_anonymous",
            json!(true),
            Some(ErrorKind::KindNotAccepted(UserKind::Anonymous)),
        ),
        ("is_anonymous", json!("false"), Some(ErrorKind::InvalidClaim)),
        (
            "is_restricted",
            json!(true),
            Some(ErrorKind::KindNotAccepted(UserKind::Restricted)),
        ),
    ] {
        let token = signed(HS256, &with(name, value.clone()));
        assert_eq!(refusal(&verifier(), &token), expected, "{name}: {value}");
    }
    let api_key = json!({ "iss": "supabase", "ref": "x", "role": "anon", "iat": NOW, "exp": NOW + 3600 });
    assert_eq!(
        refusal(&verifier(), &signed(HS256, &api_key.to_string())),
        Some(ErrorKind::InvalidClaim)
    );

    let issuer = "https://example.supabase.co/auth/v1";
    let demanding = verifier().issuer(issuer);
    assert_eq!(
        refusal(&demanding, &signed(HS256, &with("iss", json!(issuer)))),
        None
    );
    for other in [json!("https://example.com"), Value::Null] {
        let token = signed(HS256, &with("iss", other));
        assert_eq!(refusal(&demanding, &token), Some(ErrorKind::IssuerMismatch));
    }
}

#[tokio::test]
async fn roles_and_kinds_come_back_where_they_are_let_in() {
    let manager = || Role::custom("manager").expect("a role");
    let policy = ClaimsPolicy::new().allow_role(manager());
    let claims = policy
        .claims_as(&user(UserKind::Normal).await, "manager")
        .expect("claims");
    let token = minter().sign(&claims).expect("a token");
    assert_eq!(
        refusal(&verifier(), token.expose()),
        Some(ErrorKind::RoleNotAllowed)
    );
    let verified = verifier().allow_role(manager()).verify(token.expose());
    assert_eq!(verified.expect("a user's").claims().role(), &manager());

    for kind in UserKind::ALL {
        let token = minter()
            .accept(AcceptedKinds::ALL)
            .mint(&user(kind).await)
            .expect("a token");
        let verified = verifier()
            .accept(AcceptedKinds::ALL)
            .verify(token.expose())
            .expect("a user's");
        assert_eq!(verified.kind(), kind);
        let expected = (kind != UserKind::Normal).then_some(ErrorKind::KindNotAccepted(kind));
        assert_eq!(refusal(&verifier(), token.expose()), expected);
    }
}

#[test]
fn a_key_without_a_name_does_not_verify_for_a_name() {
    let named = SigningKey::hs256("shared", SECRET.as_bytes()).expect("a key");
    let only_named = SupabaseVerifier::new(&named).clock(clock());
    let token = signed(HS256, &payload().to_string());
    assert_eq!(refusal(&only_named, &token), Some(ErrorKind::UnknownKey));
    let token = signed(r#"{"alg":"HS256","kid":"shared"}"#, &payload().to_string());
    assert_eq!(refusal(&verifier(), &token), Some(ErrorKind::UnknownKey));
}
