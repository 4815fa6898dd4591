//! Headers and signatures.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::{
    INVALID, assert_outcome, good_keys, passes, payload,
    support::{HEADER, data_uri, joined, provider, signed, signed_by_short, with_signature},
    with_changes,
};

#[tokio::test]
async fn headers_have_a_known_algorithm_and_a_key_id() {
    for (name, header, expected) in [
        ("plain", HEADER, passes()),
        (
            "typ JWT",
            r#"{"alg":"ES256","typ":"JWT","kid":"dgOjIEmKsTiF"}"#,
            passes(),
        ),
        (
            "typ at+jwt",
            r#"{"alg":"ES256","typ":"at+jwt","kid":"dgOjIEmKsTiF"}"#,
            passes(),
        ),
        (
            "unknown members",
            r#"{"alg":"ES256","kid":"dgOjIEmKsTiF","b64":false,"x":{}}"#,
            passes(),
        ),
        (
            "typ of another type",
            r#"{"alg":"ES256","typ":7,"kid":"dgOjIEmKsTiF"}"#,
            INVALID,
        ),
        (
            "crit",
            r#"{"alg":"ES256","kid":"dgOjIEmKsTiF","crit":["b64"],"b64":false}"#,
            INVALID,
        ),
        ("no kid", r#"{"alg":"ES256"}"#, INVALID),
        ("kid null", r#"{"alg":"ES256","kid":null}"#, INVALID),
        ("unknown kid", r#"{"alg":"ES256","kid":"dgOjIEmKsTiG"}"#, INVALID),
        ("no alg", r#"{"kid":"dgOjIEmKsTiF"}"#, INVALID),
        ("alg none", r#"{"alg":"none","kid":"dgOjIEmKsTiF"}"#, INVALID),
        (
            "alg of a shared secret",
            r#"{"alg":"HS256","kid":"dgOjIEmKsTiF"}"#,
            INVALID,
        ),
        ("alg RS256", r#"{"alg":"RS256","kid":"dgOjIEmKsTiF"}"#, INVALID),
        (
            "alg as an object",
            r#"{"alg":{"ES256":null},"kid":"dgOjIEmKsTiF"}"#,
            INVALID,
        ),
        ("not JSON", "{", INVALID),
        (
            "byte order mark",
            "\u{feff}{\"alg\":\"ES256\",\"kid\":\"dgOjIEmKsTiF\"}",
            INVALID,
        ),
    ] {
        let token = signed(header, &payload(json!({})));
        assert_outcome(name, json!([provider(&good_keys())]), &token, expected).await;
    }
}

#[tokio::test]
async fn signatures_are_64_bytes_of_the_right_key() {
    let good = signed(HEADER, &payload(json!({})));
    let (message, signature) = good.expose().rsplit_once('.').expect("three parts");
    let bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let (r, s) = bytes.split_at(32);
    let altered = joined(HEADER, &payload(json!({ "sub": "v" })));
    for (name, token, expected) in [
        ("good", good.clone(), passes()),
        (
            "high s",
            with_signature(message, &[r, &negated(s)].concat()),
            passes(),
        ),
        ("altered payload", with_signature(&altered, &bytes), INVALID),
        (
            "swapped halves",
            with_signature(message, &[s, r].concat()),
            INVALID,
        ),
        ("short", with_signature(message, r), INVALID),
        ("empty", with_signature(message, &[]), INVALID),
        ("zeros", with_signature(message, &[0; 64]), INVALID),
        ("padded", format!("{message}.{signature}==").into(), INVALID),
        (
            "another key's",
            signed_by_short(HEADER, &payload(json!({}))),
            INVALID,
        ),
    ] {
        assert_outcome(name, json!([provider(&good_keys())]), &token, expected).await;
    }
}

/// The order of P-256 minus `s`, the other half of each pair of equally good signatures.
fn negated(s: &[u8]) -> Vec<u8> {
    let order = URL_SAFE_NO_PAD
        .decode("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE")
        .expect("base64url");
    let mut borrow = 0;
    let mut difference: Vec<u8> = order
        .iter()
        .zip(s)
        .rev()
        .map(|(order, s)| {
            let digit = i16::from(*order) - i16::from(*s) - borrow;
            borrow = i16::from(digit < 0);
            digit.rem_euclid(256) as u8
        })
        .collect();
    difference.reverse();
    difference
}

#[tokio::test]
async fn rs256_works_for_providers_that_use_it() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let [n, e] = [pair.public_key().modulus(), pair.public_key().exponent()]
        .map(|number| number.big_endian_without_leading_zero().to_vec());
    let rsa = |n: &[u8]| json!({ "kty": "RSA", "kid": "r", "n": URL_SAFE_NO_PAD.encode(n), "e": URL_SAFE_NO_PAD.encode(&e) });
    let message = joined(r#"{"alg":"RS256","kid":"r"}"#, &payload(json!({})));
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .expect("a signature");
    let token = with_signature(&message, &signature);
    let with_leading_zero = [vec![0], n.clone()].concat();
    for (name, key, algorithm, expected) in [
        ("good", rsa(&n), "RS256", passes()),
        ("leading zero", rsa(&with_leading_zero), "RS256", passes()),
        (
            "key for another alg",
            with_changes(rsa(&n), json!({ "alg": "RS512" })),
            "RS256",
            INVALID,
        ),
        ("provider for another alg", rsa(&n), "ES256", INVALID),
        (
            "another key",
            rsa(&n.iter().rev().copied().collect::<Vec<_>>()),
            "RS256",
            INVALID,
        ),
    ] {
        let provider = with_changes(
            provider(&data_uri(&json!({ "keys": [key] }))),
            json!({ "algorithm": algorithm }),
        );
        assert_outcome(name, json!([provider]), &token, expected).await;
    }
}
