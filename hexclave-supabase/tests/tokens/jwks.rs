//! The documents with which Supabase's services verify.

use hexclave_core::{AcceptedKinds, KeySet, ProjectConfig, ProjectKeys, UserKind};
use hexclave_supabase::{ErrorKind, SupabaseJwks};
use hexclave_testkit::hexclave::{Issuer, ServerSecret};
use serde_json::{Value, json};

use crate::support::{SECRET, secret, signing_keys};

/// A published vector: the first key of anonymous users has a coordinate of 31 bytes.
fn keys() -> ProjectKeys {
    let config = ProjectConfig::builder()
        .project_id("11111111-2222-4333-8444-555555555555".parse().expect("a project"))
        .build()
        .expect("a config");
    let secret = ServerSecret::new("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").expect("a secret");
    let issuer = Issuer::new(&secret, config).expect("an issuer");
    issuer.project_keys().expect("keys")
}

fn ids(document: &Value) -> Vec<&str> {
    let keys = document["keys"].as_array().expect("a list");
    keys.iter()
        .map(|key| key["kid"].as_str().expect("a name"))
        .collect()
}

#[test]
fn hexclaves_keys_are_those_of_the_kinds_chosen_and_of_full_length() {
    let document = |kinds| {
        let jwks = SupabaseJwks::of_project(&keys(), kinds).expect("keys");
        jwks.third_party_auth().expect("public keys")["custom_jwks"].clone()
    };
    assert_eq!(
        ids(&document(AcceptedKinds::default())),
        ["dgOjIEmKsTiF", "3GhONIUMXycq"]
    );
    let anonymous = document(AcceptedKinds::only(UserKind::Anonymous));
    assert_eq!(ids(&anonymous), ["oCnY3DC4bxay", "6Em93H1N47gm"]);
    let expected = json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "oCnY3DC4bxay",
        "x": "AB6G7b4e6qQwbkbS6RVizhbk3LkO-I98OxyIUY0qtHo",
        "y": "vyosXJFb9L0jYOF4WD3dxfThTIZPKcuQSRyFhC6_CXQ",
    });
    assert_eq!(anonymous["keys"][0], expected);
    assert_eq!(ids(&document(AcceptedKinds::ALL)).len(), 6);

    let normal_only = ProjectKeys::default().with(UserKind::Normal, keys().of(UserKind::Normal).clone());
    let error = SupabaseJwks::of_project(&normal_only, AcceptedKinds::ALL).expect_err("no keys");
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    assert!(error.to_string().contains("restricted"), "{error}");
}

#[test]
fn every_key_of_a_document_has_a_name_and_the_secret_stays_out_of_public_ones() {
    let [legacy, shared, ec, rsa] = signing_keys();
    let jwks = SupabaseJwks::of_project(&keys(), AcceptedKinds::default())
        .and_then(|jwks| jwks.and(secret()))
        .and_then(|jwks| jwks.and(&legacy))
        .and_then(|jwks| jwks.and(&shared))
        .and_then(|jwks| jwks.and(&ec))
        .and_then(|jwks| jwks.and(&rsa))
        .expect("keys");
    let document: Value = serde_json::from_str(jwks.self_hosted().expose()).expect("JSON");
    assert_eq!(
        ids(&document),
        [
            "dgOjIEmKsTiF",
            "3GhONIUMXycq",
            "legacy-jwt-secret",
            "shared",
            "ec",
            "rsa"
        ]
    );
    let k = "c3VwZXItc2VjcmV0LWp3dC10b2tlbi13aXRoLWF0LWxlYXN0LTMyLWNoYXJhY3RlcnMtbG9uZw";
    let expected = json!({ "kty": "oct", "alg": "HS256", "kid": "legacy-jwt-secret", "k": k });
    assert_eq!(document["keys"][2], expected);

    let error = jwks.third_party_auth().expect_err("a secret");
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    let text = format!("{jwks:?} {:?} {error:?}", jwks.self_hosted());
    assert!(!text.contains(k) && !text.contains(SECRET), "{text}");
}

#[test]
fn two_keys_with_one_name_are_refused() {
    let [legacy, shared, ec, _] = signing_keys();
    let other = hexclave_supabase::SigningKey::hs256("ec", &[7; 32]).expect("a key");
    let named_like_legacy =
        hexclave_supabase::SigningKey::hs256("legacy-jwt-secret", &[7; 32]).expect("a key");
    let other_secret = hexclave_supabase::JwtSecret::new("x".repeat(32)).expect("a secret");
    let start = SupabaseJwks::default()
        .and(&ec)
        .and_then(|jwks| jwks.and(&shared))
        .expect("keys");
    let with_legacy = start.clone().and(&legacy).expect("keys");
    for result in [
        start.clone().and(&other),
        with_legacy.clone().and(&other_secret),
        with_legacy.and(&named_like_legacy),
        start.and(&named_like_legacy).and_then(|jwks| jwks.and(&legacy)),
    ] {
        assert_eq!(
            result.err().map(|error| error.kind()),
            Some(ErrorKind::InvalidKey)
        );
    }
}

#[test]
fn a_document_is_one_that_hexclaves_own_verifier_reads() {
    let jwks = SupabaseJwks::of_project(&keys(), AcceptedKinds::ALL).expect("keys");
    let set = KeySet::from_json(jwks.self_hosted().expose().as_bytes()).expect("keys");
    assert_eq!((set.iter().count(), set.skipped().len()), (6, 0));
}
