//! How a token's payload is read, and which claims it needs.

use serde_json::json;

use crate::{
    INVALID, NO_PROVIDER, assert_outcome, good_keys, passes, payload,
    support::{HEADER, ISSUER, NOW, PROJECT, joined, provider, signed},
};

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
