//! Key sets, and the `data:` URIs that hold them.

use std::error::Error;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use serde_json::json;

use crate::{
    INVALID, assert_outcome, passes, payload,
    support::{HEADER, KEY_ID, data_uri, jwk, provider, short_jwk, signed, signed_by_short, verifier},
    with_changes,
};

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
