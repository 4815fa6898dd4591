//! A token is found in the two headers that may carry one, whole, and only where they agree.
//!
//! An input is the headers of a request, one `name:value` a line.
#![no_main]

use hexclave_core::{AccessToken, ErrorKind};
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut headers = HeaderMap::new();
    let mut values = Vec::new();
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
        if ["x-stack-access-token", "x-hexclave-access-token"].contains(&name.as_str()) {
            values.push(trimmed(value.as_bytes()).to_vec());
        }
        if headers.try_append(name, value).is_err() {
            return;
        }
    }
    values.retain(|value| !value.is_empty());

    let is_ascii = |value: &Vec<u8>| value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    let agree = values.windows(2).all(|pair| pair[0] == pair[1]);
    match AccessToken::from_headers(&headers) {
        Ok(Some(token)) => {
            assert!(agree && values.iter().all(is_ascii));
            assert_eq!(Some(token.expose().as_bytes()), values.first().map(Vec::as_slice));
            assert_eq!(format!("{token:?}"), "AccessToken(..)");
        }
        Ok(None) => assert!(values.is_empty()),
        Err(error) => {
            let expected = match error.kind() {
                ErrorKind::ConflictingCredentials => !agree,
                ErrorKind::TokenMalformed => !values.iter().all(is_ascii),
                _ => false,
            };
            assert!(expected, "{error:?}");
            assert!(!error.to_string().contains(char::is_control));
        }
    }
});

fn trimmed(value: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let start = value.iter().position(is_text).unwrap_or(value.len());
    let end = value.iter().rposition(is_text).map_or(start, |last| last + 1);
    &value[start..end]
}
