//! The header `Authorization` in the way of Convex.
#![allow(clippy::expect_used, reason = "all of this is test code")]

mod support;

use std::sync::Arc;

use hexclave_convex::{bearer_header, bearer_token};
use hexclave_core::{AccessToken, ErrorKind, KeySet, ProjectConfig, ProjectKeys, UserKind, Verifier};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use serde_json::json;
use support::{Frozen, HEADER, NOW, PROJECT, jwk, normal_payload, signed};

fn headers(value: &[u8]) -> HeaderMap {
    let value = HeaderValue::from_bytes(value).expect("a header");
    HeaderMap::from_iter([(AUTHORIZATION, value)])
}

#[test]
fn what_is_behind_bearer_is_the_token() {
    for value in [
        "Bearer a.b.c",
        "bearer a.b.c",
        "BEARER a.b.c",
        "Bearer    a.b.c  ",
        "Bearer \ta.b.c",
    ] {
        let token = bearer_token(&headers(value.as_bytes()))
            .expect(value)
            .expect(value);
        assert_eq!(token.expose(), "a.b.c", "{value}");
    }
    assert!(bearer_token(&HeaderMap::new()).expect("no header").is_none());
}

#[test]
fn nothing_else_is_a_guest() {
    let cases: [(&[u8], &str); 12] = [
        (b"", "InvalidHeaderFailure"),
        (b"Bearer", "InvalidHeaderFailure"),
        (b"a.b.c", "InvalidHeaderFailure"),
        (b"Bearer ", "InvalidAdminKey"),
        (b"Bearer    ", "InvalidAdminKey"),
        (b"Bearer\ta.b.c", "InvalidAdminKey"),
        (b"Bearera.b.c", "InvalidAdminKey"),
        (b" Bearer a.b.c", "InvalidAdminKey"),
        (b"Basic dXNlcjpwYXNzd29yZA==", "InvalidAdminKey"),
        (b"Convex prod:name|hidden", "InvalidAdminKey"),
        (b"a.b.c.hidden", "InvalidAdminKey"),
        (b"Bearer a.b.\xc3\xa4hidden", "InvalidHeaderFailure"),
    ];
    for (value, code) in cases {
        let shown = String::from_utf8_lossy(value);
        let error = bearer_token(&headers(value)).expect_err(&shown);
        assert_eq!((error.code(), error.http_status()), (code, 400), "{shown}");
        assert!(!format!("{error} {error:?}").contains("hidden"), "{error:?}");
    }
    let mut twice = headers(b"Bearer a.b.c");
    twice.append(AUTHORIZATION, HeaderValue::from_static("Bearer a.b.c"));
    let error = bearer_token(&twice).expect_err("two headers");
    assert_eq!(error.code(), "InvalidHeaderFailure");
}

#[test]
fn what_is_written_is_read() {
    let value = bearer_header(&AccessToken::from("a.b.c")).expect("a header");
    assert!(value.is_sensitive());
    let read = bearer_token(&HeaderMap::from_iter([(AUTHORIZATION, value)])).expect("a bearer");
    assert_eq!(read.expect("a token").expose(), "a.b.c");
    for unfit in ["", " ", "a b", "hidden\n", "hiddenä"] {
        let error = bearer_header(&AccessToken::from(unfit)).expect_err(unfit);
        assert_eq!(error.code(), "InvalidHeaderFailure");
        assert!(!format!("{error:?}").contains("hidden"));
    }
}

#[tokio::test]
async fn the_token_is_proven_by_core() {
    let set = KeySet::from_json(json!({ "keys": [jwk()] }).to_string().as_bytes()).expect("a key set");
    let config = ProjectConfig::builder()
        .project_id(PROJECT.parse().expect("a project id"))
        .build();
    let verifier = Verifier::builder(config.expect("a project"))
        .keys(ProjectKeys::default().with(UserKind::Normal, set))
        .clock(Arc::new(Frozen(NOW)))
        .build()
        .expect("a verifier");

    let token = signed(HEADER, &normal_payload().to_string());
    let header = bearer_header(&token).expect("a header");
    let read = bearer_token(&HeaderMap::from_iter([(AUTHORIZATION, header)])).expect("a bearer");
    let user = verifier.verify(&read.expect("a token")).await.expect("a user");
    assert_eq!(user.email(), Some("zoe@example.com"));

    let forged = bearer_token(&headers(b"Bearer eyJhbGciOiJub25lIn0.e30.")).expect("a bearer");
    let error = verifier
        .verify(&forged.expect("a token"))
        .await
        .expect_err("a forgery");
    assert_eq!(error.kind(), ErrorKind::UnsupportedAlgorithm);
}
