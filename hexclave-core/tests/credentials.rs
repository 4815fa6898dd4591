//! Where tokens are found in a request, which of them count, and what is refused.
#![allow(clippy::expect_used, clippy::panic)]

use std::time::{Duration, UNIX_EPOCH};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hexclave_core::{
    AccessToken, CredentialSource, CredentialSources, Credentials, ErrorKind, ProjectConfig, RefreshToken,
    SessionCookies,
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

/// The rules of `_extractRefreshTokenFromCookieMap` and `_getTokensFromCookies` in `@stackframe/js` 2.8.108.
#[test]
fn cookies_are_read_as_the_sdk_reads_them() {
    let refresh = |name: &str, token: &str, millis: u64| {
        format!("{name}=%7B%22refresh_token%22%3A%22{token}%22%2C%22updated_at_millis%22%3A{millis}%7D")
    };
    let ours = |name: &str, token: &str, millis: u64| refresh(&name.replace('P', PROJECT), token, millis);
    let cookies = |cookies: &[&str]| {
        let (source, access, refresh) = everywhere(&[("cookie", &cookies.join("; "))]).expect("cookies");
        assert!(source.is_none_or(|source| source == CredentialSource::Cookie));
        (access, refresh)
    };
    let kept = |cookie: &str| cookies(&[cookie]).1;

    for name in [
        "hexclave-refresh-P--default",
        "__Host-hexclave-refresh-P--default",
        "hexclave-refresh-P--custom-ABC",
        "stack-refresh-P--default",
        "__Host-stack-refresh-P--default",
        "stack-refresh-P--custom-ABC",
    ] {
        assert_eq!(kept(&ours(name, "kept", 1)).as_deref(), Some("kept"), "{name}");
    }
    for name in ["stack-refresh-P", "stack-refresh"] {
        assert_eq!(
            kept(&format!("{}=kept", name.replace('P', PROJECT))).as_deref(),
            Some("kept")
        );
    }
    for bad in [
        "hexclave-refresh-66666666-7777-4888-8999-aaaaaaaaaaaa--default",
        "hexclave-refresh-P",
        "__Secure-hexclave-refresh-P--default",
        "hexclave-refresh",
    ] {
        assert_eq!(kept(&ours(bad, "kept", 1)), None, "{bad}");
    }

    // The newest of a brand; no time is before all times; the first of equals; the new brand, then bare, then the old.
    let name = "hexclave-refresh-P--default";
    let custom = "hexclave-refresh-P--custom-X";
    let newest = |one: &str, other: &str| cookies(&[one, other]).1.expect("a token");
    assert_eq!(newest(&ours(name, "old", 1), &ours(custom, "new", 2)), "new");
    assert_eq!(newest(&ours(custom, "new", 2), &ours(name, "old", 1)), "new");
    assert_eq!(newest(&ours(custom, "one", 2), &ours(name, "two", 2)), "one");
    let timeless = format!("hexclave-refresh-{PROJECT}--default={{\"refresh_token\":\"old\"}}");
    assert_eq!(newest(&timeless, &ours(custom, "new", 0)), "new");
    let garbage = format!("hexclave-refresh-{PROJECT}--default=%7B%22");
    assert_eq!(newest(&garbage, &ours(custom, "new", 0)), "new");
    let old_brand = ours("stack-refresh-P--default", "old", 9);
    assert_eq!(newest(&old_brand, &ours(name, "new", 1)), "new");
    assert_eq!(newest(&old_brand, "stack-refresh=bare"), "bare");
    assert_eq!(
        newest("stack-refresh=bare", &format!("stack-refresh-{PROJECT}=own")),
        "own"
    );
    // The first cookie of a name.
    assert_eq!(newest(&ours(name, "first", 1), &ours(name, "second", 2)), "first");
    assert_eq!(newest("stack-refresh=first", "stack-refresh=second"), "first");

    // The access token that belongs to the refresh token, in both ways of encoding.
    let refresh = ours(name, "kept", 1);
    for access in [
        "hexclave-access=[%22kept%22%2C%22a.b.c%22]",
        "hexclave-access=%5B%22kept%22%2C%22a.b.c%22%5D",
        "hexclave-access=[\"kept\",\"a.b.c\"]",
        "stack-access=[%22kept%22%2C%22a.b.c%22]",
    ] {
        assert_eq!(
            cookies(&[access, &refresh]),
            (Some("a.b.c".into()), Some("kept".into()))
        );
        assert_eq!(cookies(&[access]), (None, None));
    }
    for access in [
        "hexclave-access=[%22other%22%2C%22a.b.c%22]",
        "hexclave-access=[%22kept%22]",
        "hexclave-access=[%22kept%22%2C%22a.b.c%22%2C1]",
        "hexclave-access=; stack-access=[%22kept%22%2C%22a.b.c%22]",
        "hexclave-access=a.b.c",
    ] {
        assert_eq!(
            cookies(&[access, &refresh]),
            (None, Some("kept".into())),
            "{access}"
        );
    }

    // HTTP/2 may send them apart.
    let apart = [
        ("cookie", refresh.as_str()),
        ("cookie", "stack-access=[%22kept%22%2C%22a.b.c%22]"),
    ];
    assert_eq!(
        everywhere(&apart),
        found(CredentialSource::Cookie, Some("a.b.c"), Some("kept"))
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

/// The pairs that a browser sends back, and the attributes that it goes by.
fn sent_back(set: &[HeaderValue]) -> (String, Vec<String>) {
    let texts = set.iter().map(|value| value.to_str().expect("ASCII"));
    let parts: Vec<_> = texts
        .map(|text| text.split_once("; ").expect("attributes"))
        .collect();
    let pairs: Vec<_> = parts.iter().map(|(pair, _)| *pair).collect();
    let attributes = parts.iter().map(|(_, attributes)| (*attributes).to_owned());
    (pairs.join("; "), attributes.collect())
}

#[test]
fn a_session_that_is_kept_in_cookies_is_read_from_them() {
    let strict = SessionCookies::new(&config());
    let scripts = strict.clone().insecure().readable_by_scripts();
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    // Whatever a token holds, nothing of it ends a cookie.
    let (refresh, access) = ("kept;\"\\,=%", "d.e.f");
    for (cookies, name, attributes) in [
        (&strict, "__Host-hexclave-refresh-", "; Secure; HttpOnly"),
        (&scripts, "hexclave-refresh-", ""),
    ] {
        let set = cookies.keep(&RefreshToken::from(refresh), &AccessToken::from(access), at(7));
        assert!(set.iter().all(HeaderValue::is_sensitive));
        let (sent, written) = sent_back(&set);
        assert!(sent.starts_with(&format!("{name}{PROJECT}--default=")), "{sent}");
        assert_eq!(
            written,
            [
                format!("Path=/; Max-Age=31536000; SameSite=Lax{attributes}"),
                format!("Path=/; Max-Age=86400; SameSite=Lax{attributes}"),
            ]
        );
        let sent = format!("theme=dark; {sent}; lang=en");
        let found = (
            Some(CredentialSource::Cookie),
            Some(access.to_owned()),
            Some(refresh.to_owned()),
        );
        assert_eq!(everywhere(&[("cookie", &sent)]), Ok(found));
        assert!(!format!("{cookies:?} {set:?}").contains("kept"));
    }

    // Of two sessions the one that was kept last counts, whatever the browser sends first.
    let kept = |cookies: &SessionCookies, token: &str, seconds| {
        sent_back(&cookies.keep(
            &RefreshToken::from(token),
            &AccessToken::from("a.b.c"),
            at(seconds),
        ))
        .0
    };
    let (earlier, later) = (kept(&scripts, "earlier", 7), kept(&strict, "later", 8));
    for sent in [format!("{earlier}; {later}"), format!("{later}; {earlier}")] {
        let (_, _, refresh) = everywhere(&[("cookie", &sent)]).expect("credentials");
        assert_eq!(refresh.as_deref(), Some("later"));
    }
}

#[test]
fn every_session_of_the_project_is_forgotten() {
    let other = "22222222-2222-4333-8444-555555555555";
    let ours = [
        format!("__Host-hexclave-refresh-{PROJECT}--default"),
        format!("hexclave-refresh-{PROJECT}--default"),
        format!("stack-refresh-{PROJECT}--custom-ABC"),
        format!("stack-refresh-{PROJECT}"),
        "stack-refresh".to_owned(),
        "hexclave-access".to_owned(),
        "stack-access".to_owned(),
    ];
    let others = [
        format!("hexclave-refresh-{other}--default"),
        format!("hexclave-refresh-{PROJECT}0"),
        "hexclave-oauth-outer-1".to_owned(),
        "theme".to_owned(),
    ];
    let sent: Vec<_> = ours
        .iter()
        .chain(&others)
        .map(|name| format!("{name}=kept"))
        .collect();
    let request = headers(&[("cookie", &sent.join("; "))]);
    for cookies in [
        SessionCookies::new(&config()),
        SessionCookies::new(&config()).insecure(),
    ] {
        let set = cookies.forget(&request);
        let (sent, attributes) = sent_back(&set);
        let names: Vec<_> = ours.iter().map(|name| format!("{name}=")).collect();
        assert_eq!(sent, names.join("; "));
        assert!(
            attributes
                .iter()
                .all(|attributes| attributes.contains("Max-Age=0;"))
        );
        // Without, a browser does not let go of it.
        assert!(
            attributes
                .first()
                .is_some_and(|attributes| attributes.contains("; Secure"))
        );
        assert_eq!(
            cookies.forget(&headers(&[("cookie", "theme=dark")])),
            [] as [HeaderValue; 0]
        );
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
