//! Where tokens are found in a request, which of them count, and what is refused.
#![allow(clippy::expect_used, clippy::panic)]

mod sdk_cookies;
mod session_cookies;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hexclave_core::{
    AccessToken, CredentialSource, CredentialSources, Credentials, ErrorKind, ProjectConfig, RefreshToken,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

const PROJECT: &str = "11111111-2222-4333-8444-555555555555";
const USER: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const SIGNED_OUT: &str = r#"{"accessToken":null,"refreshToken":null}"#;

type Found = (Option<CredentialSource>, Option<String>, Option<String>);

fn config() -> ProjectConfig {
    ProjectConfig::builder()
        .project_id(PROJECT.parse().expect("a project"))
        .build()
        .expect("a config")
}

/// A token that says whose it is, and is not signed.
fn token_of(user: &str, name: &str) -> String {
    let part = |json: String| URL_SAFE_NO_PAD.encode(json);
    let header = part(r#"{"alg":"ES256","kid":"key"}"#.to_owned());
    let payload = part(format!(r#"{{"sub":"{user}","name":"{name}"}}"#));
    format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode([0; 64]))
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name: HeaderName = name.parse().expect("a name");
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
    }
    headers
}

fn read(sources: CredentialSources, pairs: &[(&str, &str)]) -> Result<Found, ErrorKind> {
    let credentials = sources.read(&headers(pairs), &config());
    let credentials = credentials.map_err(|error| {
        // Nothing that was sent is repeated.
        for secret in ["a.b.c", "d.e.f", "kept"] {
            assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
        }
        error.kind()
    })?;
    let debug = format!("{credentials:?}");
    assert!(!debug.contains("a.b.c") && !debug.contains("kept"), "{debug}");
    assert_eq!(credentials.is_empty(), credentials.source().is_none());
    Ok((
        credentials.source(),
        credentials.access_token().map(|token| token.expose().to_owned()),
        credentials.refresh_token().map(|token| token.expose().to_owned()),
    ))
}

fn everywhere(pairs: &[(&str, &str)]) -> Result<Found, ErrorKind> {
    read(CredentialSources::ALL, pairs)
}

fn found(source: CredentialSource, access: Option<&str>, refresh: Option<&str>) -> Result<Found, ErrorKind> {
    Ok((
        Some(source),
        access.map(str::to_owned),
        refresh.map(str::to_owned),
    ))
}

const NOBODY: Result<Found, ErrorKind> = Ok((None, None, None));

fn json(access: &str, refresh: &str) -> String {
    format!(r#"{{"accessToken":"{access}","refreshToken":"{refresh}"}}"#)
}

fn prefixed(prefix: &str, json: &str) -> String {
    format!("Bearer {prefix}{}", STANDARD.encode(json))
}

#[test]
fn each_source_is_read() {
    use CredentialSource::{AccessTokenHeader, Authorization, Bearer, StackAuth};

    for name in [
        "x-stack-access-token",
        "x-hexclave-access-token",
        "X-Hexclave-Access-Token",
    ] {
        assert_eq!(
            everywhere(&[(name, " a.b.c ")]),
            found(AccessTokenHeader, Some("a.b.c"), None)
        );
    }
    for prefix in ["stackauth_", "hexclave_"] {
        let value = prefixed(prefix, &format!("{} ", json("a.b.c", "kept")));
        let both = found(Authorization, Some("a.b.c"), Some("kept"));
        assert_eq!(everywhere(&[("authorization", &value)]), both);
        assert_eq!(
            everywhere(&[("authorization", &value.replace("Bearer ", "bEARER \t "))]),
            both
        );
        let unpadded = value.trim_end_matches('=');
        assert_ne!(unpadded, value);
        assert_eq!(everywhere(&[("authorization", unpadded)]), both);
    }
    assert_eq!(
        everywhere(&[("authorization", "bearer  a.b.c")]),
        found(Bearer, Some("a.b.c"), None)
    );
    assert_eq!(
        everywhere(&[("x-stack-auth", &json("a.b.c", "kept"))]),
        found(StackAuth, Some("a.b.c"), Some("kept"))
    );
    for half in [
        r#"{"refreshToken":"kept"}"#,
        r#" {"accessToken":null,"refreshToken":"kept","more":[1]} "#,
        r#"{"accessToken":"","refreshToken":"kept"}"#,
    ] {
        assert_eq!(
            everywhere(&[("x-stack-auth", half)]),
            found(StackAuth, None, Some("kept"))
        );
    }
}

#[test]
fn nobody_is_signed_in() {
    for pairs in [
        &[][..],
        &[("x-stack-access-token", "")],
        &[("x-stack-access-token", " \t")],
        &[("x-stack-auth", "")],
        &[("x-stack-auth", SIGNED_OUT)],
        &[("x-stack-auth", "{}")],
        &[("authorization", "")],
        &[("authorization", "Bearer")],
        &[("authorization", "Bearer ")],
        &[("authorization", "Basic YTpi")],
        &[("authorization", "Bearerstackauth_x")],
        &[("authorization", "Basic \u{e9}")],
        &[("cookie", "stack-access=a.b.c; theme=dark")],
        &[("x-hexclave-auth", "{\"accessToken\":\"a.b.c\"}")],
    ] {
        assert_eq!(everywhere(pairs), NOBODY, "{pairs:?}");
    }
    let nobody = Credentials::default();
    let error = nobody.require_access_token().expect_err("no token");
    assert_eq!(error.kind(), ErrorKind::TokenMissing);
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let long = "a".repeat(25 * 1024);
    let long_token = "a".repeat(AccessToken::MAX_LEN + 1);
    let long_refresh = "a".repeat(RefreshToken::MAX_LEN + 1);
    let malformed = ErrorKind::TokenMalformed;
    for (name, value, kind) in [
        ("x-stack-access-token", "a.b c", malformed),
        ("x-stack-access-token", "\u{e9}", malformed),
        (
            "x-stack-access-token",
            long_token.as_str(),
            ErrorKind::TokenTooLarge,
        ),
        ("authorization", "Bearer a.b.c d", malformed),
        ("authorization", "Bearer stackauth_", malformed),
        ("authorization", "Bearer stackauth_%%%", malformed),
        ("authorization", "Bearer stackauth_eyJ-_w", malformed),
        ("authorization", "Bearer hexclave_YWJj", malformed),
        (
            "authorization",
            &prefixed("stackauth_", r#"["a.b.c","kept"]"#),
            malformed,
        ),
        ("authorization", &prefixed("stackauth_", "null"), malformed),
        (
            "authorization",
            &prefixed("stackauth_", r#"{"accessToken":7}"#),
            malformed,
        ),
        (
            "authorization",
            &prefixed("stackauth_", "{\"accessToken\":\"a\\nb\"}"),
            malformed,
        ),
        (
            "authorization",
            &format!("Bearer stackauth_{long}"),
            ErrorKind::TokenTooLarge,
        ),
        ("x-stack-auth", "a.b.c", malformed),
        ("x-stack-auth", "[]", malformed),
        ("x-stack-auth", "null", malformed),
        ("x-stack-auth", r#"{"accessToken":{}}"#, malformed),
        (
            "x-stack-auth",
            r#"{"accessToken":"a.b.c","accessToken":"d.e.f"}"#,
            malformed,
        ),
        ("x-stack-auth", &long, ErrorKind::TokenTooLarge),
        (
            "x-stack-auth",
            &json("a.b.c", &long_refresh),
            ErrorKind::TokenTooLarge,
        ),
    ] {
        assert_eq!(everywhere(&[(name, value)]), Err(kind), "{name}: {value:.40}");
    }
    // A good source does not hide a bad one.
    assert_eq!(
        everywhere(&[("x-stack-access-token", "a.b.c"), ("x-stack-auth", "garbage")]),
        Err(malformed)
    );
}

#[test]
fn sources_must_not_contradict_each_other() {
    use CredentialSource::{AccessTokenHeader, Authorization, StackAuth};

    let conflict = Err(ErrorKind::ConflictingCredentials);
    let ours = json("a.b.c", "kept");
    let older = json("d.e.f", "kept");
    let other_session = json("a.b.c", "other");
    let authorization = prefixed("stackauth_", &ours);
    for pairs in [
        &[
            ("x-stack-access-token", "a.b.c"),
            ("x-hexclave-access-token", "d.e.f"),
        ][..],
        &[
            ("x-stack-access-token", "a.b.c"),
            ("x-stack-access-token", "d.e.f"),
        ],
        &[
            ("x-stack-access-token", "a.b.c"),
            ("authorization", "Bearer d.e.f"),
        ],
        &[
            ("authorization", "Bearer a.b.c"),
            ("authorization", "Bearer d.e.f"),
        ],
        &[
            ("x-stack-access-token", "d.e.f"),
            ("authorization", &authorization),
        ],
        &[("authorization", &authorization), ("x-stack-auth", &older)],
        &[
            ("authorization", &authorization),
            ("x-stack-auth", &other_session),
        ],
        &[("x-stack-auth", &ours), ("cookie", "stack-refresh=other")],
        &[
            ("x-stack-access-token", "d.e.f"),
            (
                "cookie",
                "stack-refresh=kept; stack-access=[%22kept%22%2C%22a.b.c%22]",
            ),
        ],
        // Neither counts, and they disagree all the same.
        &[
            ("x-stack-access-token", "a.b.c"),
            ("x-stack-auth", r#"{"refreshToken":"kept"}"#),
            ("cookie", "stack-refresh=other"),
        ],
    ] {
        assert_eq!(everywhere(pairs), conflict, "{pairs:?}");
    }

    // An older token of the same user is no contradiction, whoever's refresh token is beside it.
    let (fresh, older) = (token_of(USER, "fresh"), token_of(USER, "older"));
    assert_eq!(
        everywhere(&[
            ("x-stack-access-token", &fresh),
            ("x-stack-auth", &json(&older, "kept"))
        ]),
        found(AccessTokenHeader, Some(&fresh), None)
    );
    assert_eq!(
        everywhere(&[
            ("authorization", &prefixed("stackauth_", &json(&fresh, "new"))),
            ("x-stack-auth", &json(&older, "kept")),
        ]),
        found(Authorization, Some(&fresh), Some("new"))
    );
    let somebody_else = token_of("bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb", "fresh");
    for pairs in [
        &[
            ("x-stack-access-token", &*fresh),
            ("x-stack-auth", &json(&somebody_else, "kept")),
        ],
        &[
            ("x-stack-access-token", &*somebody_else),
            ("x-stack-auth", &json(&fresh, "kept")),
        ],
    ] {
        assert_eq!(everywhere(pairs), conflict);
    }

    // The first counts, whole: no token of another source is taken to complete it.
    assert_eq!(
        everywhere(&[("x-stack-auth", &ours), ("x-stack-access-token", "a.b.c")]),
        found(AccessTokenHeader, Some("a.b.c"), None)
    );
    assert_eq!(
        everywhere(&[("x-stack-auth", &ours), ("authorization", &authorization)]),
        found(Authorization, Some("a.b.c"), Some("kept"))
    );
    // "Nobody" is an answer, unless an earlier source has one.
    assert_eq!(
        everywhere(&[("x-stack-auth", SIGNED_OUT), ("cookie", "stack-refresh=kept")]),
        NOBODY
    );
    assert_eq!(
        everywhere(&[
            ("authorization", &prefixed("hexclave_", SIGNED_OUT)),
            ("x-stack-auth", &ours)
        ]),
        NOBODY
    );
    assert_eq!(
        everywhere(&[("x-stack-auth", SIGNED_OUT), ("x-stack-access-token", "a.b.c")]),
        found(AccessTokenHeader, Some("a.b.c"), None)
    );
    assert_eq!(
        everywhere(&[("authorization", "Bearer "), ("x-stack-auth", &ours)]),
        found(StackAuth, Some("a.b.c"), Some("kept"))
    );
}

#[test]
fn the_application_says_where_to_look() {
    use CredentialSource::{AccessTokenHeader, Authorization, Bearer, Cookie, StackAuth};

    let prefixed = prefixed("stackauth_", &json("a.b.c", "kept"));
    let json = json("a.b.c", "kept");
    let requests = [
        (AccessTokenHeader, ("x-stack-access-token", "a.b.c")),
        (Authorization, ("authorization", prefixed.as_str())),
        (Bearer, ("authorization", "Bearer a.b.c")),
        (StackAuth, ("x-stack-auth", json.as_str())),
        (Cookie, ("cookie", "stack-refresh=kept")),
    ];
    for only in CredentialSources::ALL.iter() {
        for (source, header) in requests {
            let read_from = read(CredentialSources::only(only), &[header])
                .expect("a good one")
                .0;
            assert_eq!(
                read_from,
                (source == only).then_some(source),
                "{header:?} in {only:?}"
            );
            let others = CredentialSources::ALL.without(source);
            assert_eq!(read(others, &[header]), NOBODY, "{header:?} in {others:?}");
        }
    }
    // What is not looked at cannot be in the way.
    let sources = CredentialSources::only(StackAuth);
    let long = format!("Bearer {}", "a".repeat(100_000));
    for other in ["Bearer stackauth_%%%", "Bearer \u{e9}", long.as_str()] {
        let pairs = [("authorization", other), ("x-stack-auth", json.as_str())];
        assert_eq!(
            read(sources, &pairs),
            found(StackAuth, Some("a.b.c"), Some("kept"))
        );
    }

    let names = |sources: CredentialSources| {
        let names: Vec<_> = sources.header_names().map(|name| name.to_string()).collect();
        names.join(" ")
    };
    let by_default = "x-stack-access-token x-hexclave-access-token authorization x-stack-auth";
    assert_eq!(names(CredentialSources::default()), by_default);
    assert_eq!(names(CredentialSources::ALL), format!("{by_default} cookie"));
    assert_eq!(names(CredentialSources::only(Bearer)), "authorization");
    assert_eq!(
        read(CredentialSources::default(), &[("cookie", "stack-refresh=kept")]),
        NOBODY
    );
}

#[test]
fn only_what_is_a_token_is_written() {
    for (text, kind) in [
        ("", ErrorKind::TokenMissing),
        ("a.b.c\n", ErrorKind::TokenMalformed),
        ("\u{e9}", ErrorKind::TokenMalformed),
        (&"a".repeat(AccessToken::MAX_LEN + 1), ErrorKind::TokenTooLarge),
    ] {
        let token = AccessToken::from(text);
        assert_eq!(token.authorization_header().expect_err("no token").kind(), kind);
        assert_eq!(token.auth_json().expect_err("no token").kind(), kind);
    }
    let token = AccessToken::from("a.b.c");
    assert_eq!(
        token.auth_json().expect("a value"),
        r#"{"accessToken":"a.b.c","refreshToken":null}"#
    );
    for value in [token.auth_json(), token.authorization_header()] {
        assert_eq!(format!("{:?}", value.expect("a value")), "Sensitive");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(text in "[!-~]{1,2000}") {
        let token = AccessToken::from(text.as_str());
        let written = [
            ("authorization", token.authorization_header().expect("a value")),
            ("x-stack-auth", token.auth_json().expect("a value")),
        ];
        for (name, value) in written {
            let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value)]);
            let credentials = Credentials::from_headers(&headers, &config()).expect("credentials");
            prop_assert_eq!(credentials.access_token().map(AccessToken::expose), Some(text.as_str()));
            prop_assert!(credentials.refresh_token().is_none());
        }
    }

    #[test]
    fn no_bytes_panic(
        values in prop::collection::vec(
            (
                prop::sample::select(vec![
                    "x-stack-access-token", "x-hexclave-access-token", "authorization", "x-stack-auth", "cookie",
                ]),
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..64),
                    "(Bearer )?(stackauth_|hexclave_)?[!-~ ]{0,40}".prop_map(String::into_bytes),
                    r#"\{"(access|refresh)Token":("[a-z]*"|null|1)[,}]"#.prop_map(String::into_bytes),
                    "(__Host-)?(stack|hexclave)-(refresh|access)[-a-z0-9]{0,9}=[!-~]{0,40}(; )?"
                        .prop_map(String::into_bytes),
                ],
            ),
            0..6,
        )
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in &values {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.append(*name, value);
            }
        }
        match CredentialSources::ALL.read(&headers, &config()) {
            Ok(credentials) => prop_assert_eq!(credentials.is_empty(), credentials.source().is_none()),
            Err(error) => {
                prop_assert!(error.is_refusal());
                prop_assert!(!error.to_string().contains(char::is_control));
            }
        }
    }
}
