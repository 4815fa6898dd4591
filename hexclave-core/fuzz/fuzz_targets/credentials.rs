//! Tokens are found in a request where they are said to be, whole, and only where all sources agree.
//!
//! An input is the headers of a request, one `name:value` a line.
#![no_main]

use std::sync::LazyLock;

use hexclave_core::{CredentialSources, Credentials, Error, ErrorKind, ProjectConfig};
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

static CONFIG: LazyLock<ProjectConfig> = LazyLock::new(|| {
    let project = "11111111-2222-4333-8444-555555555555".parse().expect("a project");
    ProjectConfig::builder()
        .project_id(project)
        .build()
        .expect("a config")
});

fuzz_target!(|input: &[u8]| {
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(&line[..colon]),
            HeaderValue::from_bytes(&line[colon + 1..]),
        ) else {
            continue;
        };
        if headers.try_append(name, value).is_err() {
            return;
        }
    }
    let everywhere = read(CredentialSources::ALL, &headers);
    let mut alone = Vec::new();
    for source in CredentialSources::ALL.iter() {
        match read(CredentialSources::only(source), &headers) {
            Ok(credentials) => alone.push(credentials),
            // What one source alone is refused for, all of them are.
            Err(_) => return assert!(everywhere.is_err()),
        }
    }
    let agree = |text: fn(&Credentials) -> Option<&str>| {
        let mut texts = alone.iter().filter_map(text);
        let first = texts.next();
        texts.all(|other| Some(other) == first)
    };
    match everywhere {
        Ok(credentials) => {
            assert!(agree(access) && agree(refresh));
            if let Some(source) = credentials.source() {
                let same = alone
                    .iter()
                    .find(|alone| alone.source() == Some(source))
                    .expect("it has some");
                assert_eq!(access(same), access(&credentials));
                assert_eq!(refresh(same), refresh(&credentials));
            }
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConflictingCredentials),
    }
});

fn access(credentials: &Credentials) -> Option<&str> {
    credentials.access_token().map(|token| token.expose())
}

fn refresh(credentials: &Credentials) -> Option<&str> {
    credentials.refresh_token().map(|token| token.expose())
}

fn read(sources: CredentialSources, headers: &HeaderMap) -> Result<Credentials, Error> {
    let result = sources.read(headers, &CONFIG);
    match &result {
        Ok(credentials) => {
            assert_eq!(credentials.is_empty(), credentials.source().is_none());
            assert!(credentials.source().is_none_or(|source| sources.contains(source)));
            for text in access(credentials).into_iter().chain(refresh(credentials)) {
                assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
            }
            if let Some(token) = credentials.access_token() {
                for (name, value) in [
                    ("authorization", token.authorization_header()),
                    ("x-stack-auth", token.auth_json()),
                ] {
                    let value = value.expect("what is read can be written");
                    let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value)]);
                    let again =
                        Credentials::from_headers(&headers, &CONFIG).expect("what is written can be read");
                    assert_eq!((access(&again), refresh(&again)), (Some(token.expose()), None));
                }
            }
        }
        Err(error) => {
            assert!(error.is_refusal(), "{error:?}");
            assert!(!error.to_string().contains(char::is_control));
        }
    }
    result
}
