//! What Convex says to a token, case by case, with keys in `data:` URIs.
#![allow(clippy::expect_used, reason = "all of this is test code")]

mod support;

use std::{error::Error, sync::Arc};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use hexclave_convex::{AuthConfig, ConvexVerifier};
use hexclave_core::AccessToken;
use serde_json::{Value, json};
use support::{
    Frozen, HEADER, ISSUER, KEY_ID, NOW, PROJECT, changed, data_uri, joined, jwk, normal_payload, outcome,
    provider, short_jwk, signed, signed_by_short, verifier, with_signature,
};

type Outcome = Result<String, (&'static str, u16)>;

const INVALID: Outcome = Err(("InvalidAuthHeader", 401));
const NO_PROVIDER: Outcome = Err(("NoAuthProvider", 401));

/// The smallest payload that passes.
fn payload(changes: Value) -> String {
    let smallest = json!({ "iss": ISSUER, "sub": "u", "aud": PROJECT, "exp": NOW + 1 });
    changed(smallest, changes)
}

fn identity(issuer: &str) -> Outcome {
    Ok(format!(
        r#"{{"tokenIdentifier":"{issuer}|u","issuer":"{issuer}","subject":"u"}}"#
    ))
}

fn passes() -> Outcome {
    identity(ISSUER)
}

fn good_keys() -> String {
    data_uri(&json!({ "keys": [jwk()] }))
}

fn with_changes(mut base: Value, changes: Value) -> Value {
    let members = base.as_object_mut().expect("an object");
    members.extend(changes.as_object().expect("an object").clone());
    base
}

async fn assert_outcome(name: &str, providers: Value, token: &AccessToken, expected: Outcome) {
    assert_eq!(outcome(&verifier(providers), token).await, expected, "{name}");
}

#[tokio::test]
async fn a_hexclave_token_becomes_the_identity_of_its_user() {
    let expected = r#"{"tokenIdentifier":"https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555|aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","issuer":"https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555","subject":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","branch_id":"main","email":"zoe@example.com","email_verified":true,"is_anonymous":false,"is_restricted":false,"name":"Zoë Example","project_id":"11111111-2222-4333-8444-555555555555","refresh_token_id":"99999999-8888-4777-8666-555555555555","requires_totp_mfa":false,"restricted_reason":null,"role":"authenticated","selected_team_id":null,"signed_up_at":1750000000}"#;
    let token = signed(HEADER, &normal_payload().to_string());
    assert_outcome(
        "normal",
        json!([provider(&good_keys())]),
        &token,
        Ok(expected.to_owned()),
    )
    .await;
}

#[tokio::test]
async fn payloads_are_read_before_anything_else() {
    let message = joined(HEADER, &payload(json!({})));
    let (header, body) = message.split_once('.').expect("two parts");
    for (name, token, expected) in [
        ("empty", String::new(), INVALID),
        ("one part", header.to_owned(), INVALID),
        ("two parts", message.clone(), INVALID),
        (
            "four parts",
            format!("{}.x", signed(HEADER, &payload(json!({}))).expose()),
            INVALID,
        ),
        ("padding", format!("{header}.{body}=.AAAA"), INVALID),
        ("other alphabet", format!("{header}.eyJ+/.AAAA"), INVALID),
        ("stray bits", format!("{header}.e31.AAAA"), INVALID),
        ("not JSON", joined(HEADER, "{") + ".AAAA", INVALID),
        ("not an object", joined(HEADER, "[]") + ".AAAA", INVALID),
        ("no issuer", joined(HEADER, "{}") + ".AAAA", INVALID),
        (
            "issuer null",
            joined(HEADER, r#"{"iss":null}"#) + ".AAAA",
            INVALID,
        ),
        (
            "an unreadable header does not matter yet",
            joined("{", r#"{"iss":"x"}"#) + ".AAAA",
            NO_PROVIDER,
        ),
        (
            "unreadable header",
            joined("{", &payload(json!({}))) + ".AAAA",
            INVALID,
        ),
        (
            "value of an Authorization header",
            format!("stackauth_{header}"),
            INVALID,
        ),
    ] {
        assert_outcome(name, json!([provider(&good_keys())]), &token.into(), expected).await;
    }
}

#[tokio::test]
async fn issuers_are_compared_as_they_stand() {
    let keys = good_keys();
    for (name, configured, claimed, expected) in [
        (
            "slash at the token",
            "https://a.com/x",
            "https://a.com/x/",
            identity("https://a.com/x/"),
        ),
        (
            "slashes at the provider",
            "https://a.com/x//",
            "https://a.com/x",
            identity("https://a.com/x"),
        ),
        (
            "no scheme at the token",
            "https://a.com/x",
            "a.com/x",
            identity("a.com/x"),
        ),
        (
            "no scheme at the provider",
            "a.com/x",
            "https://a.com/x",
            identity("https://a.com/x"),
        ),
        (
            "http is another",
            "https://a.com/x",
            "http://a.com/x",
            NO_PROVIDER,
        ),
        (
            "upper-case scheme",
            "https://a.com/x",
            "HTTPS://a.com/x",
            NO_PROVIDER,
        ),
        (
            "case of the host",
            "https://a.com/x",
            "https://A.com/x",
            NO_PROVIDER,
        ),
        (
            "default port",
            "https://a.com/x",
            "https://a.com:443/x",
            NO_PROVIDER,
        ),
        (
            "percent encoding",
            "https://a.com/~x",
            "https://a.com/%7Ex",
            NO_PROVIDER,
        ),
        ("longer", "https://a.com/x", "https://a.com/x/y", NO_PROVIDER),
        ("blank", "https://a.com/x", " https://a.com/x", NO_PROVIDER),
        ("empty", "https://a.com/x", "", NO_PROVIDER),
        (
            "the host's other name",
            ISSUER,
            "https://api.stack-auth.com/api/v1/projects/11111111-2222-4333-8444-555555555555",
            NO_PROVIDER,
        ),
        (
            "a restricted user",
            ISSUER,
            "https://api.hexclave.com/api/v1/projects-restricted-users/11111111-2222-4333-8444-555555555555",
            NO_PROVIDER,
        ),
    ] {
        let configured = with_changes(provider(&keys), json!({ "issuer": configured }));
        let token = signed(HEADER, &payload(json!({ "iss": claimed })));
        assert_outcome(name, json!([configured]), &token, expected).await;
    }
}

#[tokio::test]
async fn the_audience_takes_part_in_the_choice() {
    let keys = good_keys();
    let strict = provider(&keys);
    let lax = with_changes(strict.clone(), json!({ "applicationID": null }));
    let lax_with_other_keys = with_changes(lax.clone(), json!({ "jwks": "data:,{\"keys\":[]}" }));
    let oidc = json!({ "applicationID": PROJECT, "domain": ISSUER });
    let other_oidc = json!({ "applicationID": "other", "domain": ISSUER });
    let without_keys = with_changes(strict.clone(), json!({ "jwks": "data:,{\"keys\":[]}" }));
    for (name, providers, audience, expected) in [
        ("equal", json!([strict]), json!(PROJECT), passes()),
        ("in a list", json!([strict]), json!(["x", PROJECT]), passes()),
        ("only one in a list", json!([strict]), json!(["x"]), NO_PROVIDER),
        ("empty list", json!([strict]), json!([]), NO_PROVIDER),
        (
            "a prefix",
            json!([strict]),
            json!(format!("{PROJECT}:anon")),
            NO_PROVIDER,
        ),
        ("none", json!([strict]), Value::Null, NO_PROVIDER),
        ("none wanted", json!([lax]), Value::Null, passes()),
        ("none wanted, one given", json!([lax]), json!("x"), passes()),
        ("no providers", json!([]), json!(PROJECT), NO_PROVIDER),
        (
            "the lax one shadows its sibling",
            json!([strict, lax_with_other_keys]),
            json!(PROJECT),
            INVALID,
        ),
        (
            "only the first is tried",
            json!([strict, without_keys]),
            json!(PROJECT),
            INVALID,
        ),
        (
            "OIDC comes first",
            json!([strict, oidc]),
            json!(PROJECT),
            Err(("Unauthenticated", 401)),
        ),
        (
            "OIDC for another",
            json!([strict, other_oidc]),
            json!(PROJECT),
            passes(),
        ),
    ] {
        let token = signed(HEADER, &payload(json!({ "aud": audience })));
        assert_outcome(name, providers, &token, expected).await;
    }
}

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
async fn one_bad_key_spoils_the_set() {
    let key = |changes| with_changes(jwk(), changes);
    let other = |changes| with_changes(json!({ "kid": "other" }), changes);
    let without = |name: &str| {
        let mut key = jwk();
        key.as_object_mut().expect("an object").shift_remove(name);
        key
    };
    let p384 = json!({ "kty": "EC", "crv": "P-384", "kid": KEY_ID, "x": "AA", "y": "AA" });
    let rsa = json!({ "kty": "RSA", "kid": KEY_ID, "n": "AQAB", "e": "AQAB" });
    let [x, y] = ["x", "y"].map(|name| jwk()[name].as_str().expect("a coordinate").to_owned());
    let point = [&x, &y]
        .map(|text| URL_SAFE_NO_PAD.decode(text).expect("base64url"))
        .concat();
    let split_at_33 = json!({
        "x": URL_SAFE_NO_PAD.encode(&point[..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]),
    });
    for (name, keys, expected) in [
        ("no alg", json!([without("alg")]), passes()),
        ("alg null", json!([key(json!({ "alg": null }))]), passes()),
        ("another alg", json!([key(json!({ "alg": "ES384" }))]), INVALID),
        (
            "an alg that is not registered",
            json!([jwk(), other(json!({ "kty": "oct", "k": "", "alg": "EdDSA" }))]),
            INVALID,
        ),
        (
            "use sig",
            json!([key(json!({ "use": "sig", "key_ops": ["verify"] }))]),
            passes(),
        ),
        ("a foreign use", json!([key(json!({ "use": "enc" }))]), INVALID),
        (
            "foreign key_ops",
            json!([key(json!({ "key_ops": ["sign"] }))]),
            INVALID,
        ),
        (
            "another key's foreign use",
            json!([jwk(), other(json!({ "kty": "oct", "k": "", "use": "enc" }))]),
            passes(),
        ),
        (
            "use of another type",
            json!([jwk(), other(json!({ "kty": "oct", "k": "", "use": 7 }))]),
            INVALID,
        ),
        (
            "unknown members",
            json!([key(json!({ "x-made-by": { "a": [null] } }))]),
            passes(),
        ),
        ("no kid", json!([without("kid")]), INVALID),
        ("a sibling without kid", json!([without("kid"), jwk()]), passes()),
        ("first of a name, good", json!([jwk(), rsa]), passes()),
        ("first of a name, another type", json!([rsa, jwk()]), INVALID),
        ("another curve", json!([p384]), INVALID),
        ("a sibling on another curve", json!([jwk(), p384]), passes()),
        (
            "other types",
            json!([
                jwk(),
                rsa,
                other(json!({ "kty": "oct", "k": "AAAA", "alg": "A128KW" })),
                other(json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" })),
                other(json!({ "kty": "OKP", "crv": "Ed448", "x": "AA" })),
            ]),
            passes(),
        ),
        (
            "unknown type",
            json!([jwk(), other(json!({ "kty": "XX" }))]),
            INVALID,
        ),
        ("no type", json!([jwk(), {}]), INVALID),
        ("not an object", json!([jwk(), 7]), INVALID),
        (
            "unknown curve",
            json!([
                jwk(),
                other(json!({ "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" }))
            ]),
            INVALID,
        ),
        (
            "unknown OKP curve",
            json!([jwk(), other(json!({ "kty": "OKP", "crv": "X25519", "x": "AA" }))]),
            INVALID,
        ),
        (
            "no coordinate",
            json!([jwk(), other(json!({ "kty": "EC", "crv": "P-256", "x": "AA" }))]),
            INVALID,
        ),
        (
            "padded coordinate",
            json!([key(json!({ "x": format!("{x}=") }))]),
            INVALID,
        ),
        (
            "stray bits",
            json!([key(json!({ "x": x.replace("xQQ", "xQR") }))]),
            INVALID,
        ),
        ("private part", json!([key(json!({ "d": "AA" }))]), passes()),
        ("private part null", json!([key(json!({ "d": null }))]), INVALID),
        (
            "kid of another type",
            json!([jwk(), other(json!({ "kty": "oct", "k": "", "kid": 7 }))]),
            INVALID,
        ),
        ("coordinates split elsewhere", json!([key(split_at_33)]), INVALID),
        ("not on the curve", json!([key(json!({ "y": x }))]), INVALID),
        ("no keys", json!([]), INVALID),
        ("keys as an object", json!({}), INVALID),
    ] {
        let jwks = data_uri(&json!({ "keys": keys, "more": 1 }));
        let token = signed(HEADER, &payload(json!({})));
        assert_outcome(name, json!([provider(&jwks)]), &token, expected).await;
    }
}

#[tokio::test]
async fn a_short_coordinate_is_refused_and_explained() {
    let jwks = data_uri(&json!({ "keys": [short_jwk()] }));
    let token = signed_by_short(HEADER, &payload(json!({})));
    let verifier = verifier(json!([provider(&jwks)]));
    let error = verifier.verify(&token).await.expect_err("a short coordinate");
    assert_eq!((error.code(), error.http_status()), ("InvalidAuthHeader", 401));
    assert!(error.to_string().starts_with("Could not decode token"), "{error}");
    let cause = error.source().expect("a cause").to_string();
    assert!(cause.contains("`x` has 31 bytes"), "{cause}");

    let mut padded = short_jwk();
    padded["x"] = json!("AB6G7b4e6qQwbkbS6RVizhbk3LkO-I98OxyIUY0qtHo");
    let jwks = data_uri(&json!({ "keys": [padded] }));
    assert_outcome("padded", json!([provider(&jwks)]), &token, passes()).await;
}

#[tokio::test]
async fn data_uris_are_decoded_like_fetch_does() {
    let json = json!({ "keys": [with_changes(jwk(), json!({ "note": "??>>" }))] }).to_string();
    let padded = STANDARD.encode(&json);
    assert!(
        padded.contains('/') || padded.contains('+'),
        "the alphabets differ"
    );
    let percent: String = json.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let repeated = r#"{"keys":[],"keys":[]}"#;
    for (name, uri, expected) in [
        (
            "padded",
            format!("data:application/json;base64,{padded}"),
            passes(),
        ),
        (
            "not padded",
            format!("data:;base64,{}", STANDARD_NO_PAD.encode(&json)),
            passes(),
        ),
        ("no type", format!("data:;base64,{padded}"), passes()),
        (
            "another type",
            format!("data:text/html;charset=latin1;base64,{padded}"),
            passes(),
        ),
        ("upper case", format!("DATA:;BASE64,{padded}"), passes()),
        ("blanks before", format!("  data:;base64,{padded}"), passes()),
        (
            "blanks within",
            format!("data:; base64,{}", padded.replace('L', " \tL")),
            passes(),
        ),
        ("raw", format!("data:,{json}"), passes()),
        (
            "percent signs",
            format!("data:application/json,{percent}"),
            passes(),
        ),
        ("fragment", format!("data:;base64,{padded}#x"), passes()),
        (
            "base64 not last",
            format!("data:;base64;charset=utf-8,{padded}"),
            INVALID,
        ),
        (
            "base64url",
            format!("data:;base64,{}", URL_SAFE_NO_PAD.encode(&json)),
            INVALID,
        ),
        ("no comma", format!("data:;base64{padded}"), INVALID),
        ("not JSON", "data:,keys".to_owned(), INVALID),
        ("a list", format!("data:,[{}]", json!([jwk()])), INVALID),
        ("repeated", format!("data:,{repeated}"), INVALID),
        ("null", "data:,null".to_owned(), INVALID),
        ("empty", "data:,".to_owned(), INVALID),
    ] {
        let token = signed(HEADER, &payload(json!({})));
        assert_outcome(name, json!([provider(&uri)]), &token, expected).await;
    }
}

#[tokio::test]
async fn times_have_five_seconds_of_leeway() {
    for (name, changes, expected) in [
        ("expires now", json!({ "exp": NOW }), passes()),
        ("expired 5 s ago", json!({ "exp": NOW - 5 }), passes()),
        ("expired 6 s ago", json!({ "exp": NOW - 6 }), INVALID),
        (
            "rounded to 5 s ago",
            json!({ "exp": (NOW - 6) as f64 + 0.5 }),
            passes(),
        ),
        (
            "rounded to 6 s ago",
            json!({ "exp": (NOW - 6) as f64 + 0.25 }),
            INVALID,
        ),
        (
            "for ever, nearly",
            json!({ "exp": 8_200_000_000_000_u64 }),
            passes(),
        ),
        ("for ever", json!({ "exp": 8_200_000_000_001_u64 }), INVALID),
        ("at zero", json!({ "exp": 0 }), INVALID),
        ("starts in 5 s", json!({ "nbf": NOW + 5 }), passes()),
        ("starts in 6 s", json!({ "nbf": NOW + 6 }), INVALID),
        ("issued in 5 s", json!({ "iat": NOW + 5 }), passes()),
        ("issued in 6 s", json!({ "iat": NOW + 6 }), INVALID),
        ("issued long ago", json!({ "iat": 0, "nbf": 0 }), passes()),
        (
            "valid backwards",
            json!({ "exp": NOW - 5, "nbf": NOW + 5 }),
            passes(),
        ),
        ("text", json!({ "exp": "2147483647" }), INVALID),
    ] {
        let token = signed(HEADER, &payload(changes));
        assert_outcome(name, json!([provider(&good_keys())]), &token, expected).await;
    }
}

#[tokio::test]
async fn required_claims_are_required() {
    let nothing_but = |claims: &str| format!(r#"{{"iss":"{ISSUER}","aud":"{PROJECT}",{claims}}}"#);
    let expires = NOW + 1;
    for (name, payload, expected) in [
        ("no exp", nothing_but(r#""sub":"u""#), INVALID),
        ("exp null", nothing_but(r#""sub":"u","exp":null"#), INVALID),
        ("no sub", nothing_but(&format!(r#""exp":{expires}"#)), INVALID),
        (
            "empty sub",
            nothing_but(&format!(r#""sub":"","exp":{expires}"#)),
            INVALID,
        ),
        (
            "sub twice",
            nothing_but(&format!(r#""sub":"u","sub":"u","exp":{expires}"#)),
            INVALID,
        ),
        (
            "jti",
            nothing_but(&format!(r#""sub":"u","jti":"j","exp":{expires}"#)),
            passes(),
        ),
        (
            "jti of another type",
            nothing_but(&format!(r#""sub":"u","jti":7,"exp":{expires}"#)),
            INVALID,
        ),
        (
            "a claim `subject`",
            nothing_but(&format!(r#""sub":"u","subject":"v","exp":{expires}"#)),
            INVALID,
        ),
        (
            "a claim `issuer`",
            nothing_but(&format!(r#""sub":"u","issuer":null,"exp":{expires}"#)),
            INVALID,
        ),
        (
            "a claim twice",
            nothing_but(&format!(r#""sub":"u","b":1,"a":2,"b":{{"c":3}},"exp":{expires}"#)),
            Ok(format!(
                r#"{{"tokenIdentifier":"{ISSUER}|u","issuer":"{ISSUER}","subject":"u","a":2,"b.c":3}}"#
            )),
        ),
    ] {
        let token = signed(HEADER, &payload);
        assert_outcome(name, json!([provider(&good_keys())]), &token, expected).await;
    }
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

#[tokio::test]
async fn texts_are_recognisable() {
    let config = |providers: Value| AuthConfig::from_json(&providers.to_string()).expect("a provider list");
    let said = async |providers: Value, header: &str, changes: Value| {
        let verifier = ConvexVerifier::builder(config(providers))
            .clock(Arc::new(Frozen(NOW)))
            .build()
            .expect("a verifier");
        let error = verifier.verify(&signed(header, &payload(changes))).await;
        error.expect_err("a bad token").to_string()
    };
    let good = || json!([provider(&good_keys())]);
    let many: Vec<_> = (0..20)
        .map(|index| with_changes(provider("x"), json!({ "issuer": format!("https://{index}.com") })))
        .collect();
    for (text, expected) in [
        (
            said(good(), HEADER, json!({ "exp": NOW - 60 })).await,
            "Could not validate token: Token expired 60 seconds ago",
        ),
        (
            said(good(), HEADER, json!({ "nbf": NOW + 60 })).await,
            "Could not validate token: Token will be valid in 60 seconds",
        ),
        (
            said(good(), HEADER, json!({ "iss": Value::Null })).await,
            "Missing issuer claim",
        ),
        (
            said(good(), HEADER, json!({ "iss": "https://\u{1b}.com" })).await,
            "No auth provider found matching the given token, which is of issuer \"https://\\u{1b}.com\" for \
             audience \"11111111-2222-4333-8444-555555555555\"; configured are \"https://api.hexclave.com/",
        ),
        (
            said(json!([]), HEADER, json!({ "aud": Value::Null })).await,
            "No auth provider found matching the given token, which is of issuer \
             \"https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555\" for audience \
             (none); no providers are configured",
        ),
        (
            said(good(), r#"{"alg":"ES256","kid":"?"}"#, json!({})).await,
            "Could not decode token: its `kid` is \"?\", does this key match",
        ),
        (
            said(good(), r#"{"alg":"ES256"}"#, json!({})).await,
            "Could not decode token: it may be missing a `kid`",
        ),
        (
            said(good(), HEADER, json!({ "exp": Value::Null })).await,
            "Could not verify token claim",
        ),
        (
            said(json!([provider("data:,{}")]), HEADER, json!({})).await,
            "Invalid JWKS response body",
        ),
        (
            said(json!([provider("data:;base64,%")]), HEADER, json!({})).await,
            "Invalid JWKS data URL",
        ),
    ] {
        assert!(text.starts_with(expected), "{text}");
    }
    let text = said(json!(many), HEADER, json!({})).await;
    assert!(text.ends_with("12 more"), "{text}");
}
