//! What may be a claim of the application's own.

use serde_json::Value;

use crate::{Error, ErrorKind, error::quoted};

const LONGEST_NAME: usize = 64;

/// Claims that mean something to somebody: to every reader of a token (RFC 7519, section 4.1), to Supabase (the claims
/// of Supabase Auth's tokens and of its API keys) and to those who read Hexclave's own tokens.
const TAKEN: [&str; 32] = [
    "aal",
    "amr",
    "app_metadata",
    "aud",
    "branch_id",
    "client_id",
    "email",
    "email_verified",
    "exp",
    "iat",
    "is_anonymous",
    "is_restricted",
    "iss",
    "jti",
    "name",
    "nbf",
    "phone",
    "phone_verified",
    "project_id",
    "raw_app_meta_data",
    "raw_user_meta_data",
    "ref",
    "refresh_token_id",
    "requires_totp_mfa",
    "restricted_reason",
    "role",
    "scope",
    "selected_team_id",
    "session_id",
    "signed_up_at",
    "sub",
    "user_metadata",
];

pub(super) fn check_name(name: &str) -> Result<(), Error> {
    if TAKEN.iter().any(|taken| taken.eq_ignore_ascii_case(name)) {
        return Err(refused(
            name,
            "Supabase, Hexclave or RFC 7519 gives that name a meaning of its own",
        ));
    }
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/');
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() <= LONGEST_NAME
        && name.bytes().all(is_plain);
    if !is_name {
        return Err(refused(
            name,
            "a name is 1 to 64 letters, digits and `_ - . : /`, the first one a letter",
        ));
    }
    Ok(())
}

/// Postgres has no U+0000: with one anywhere, `auth.uid()` and `auth.jwt()` fail with 22P05.
pub(crate) fn check_value(name: &str, value: &Value) -> Result<(), Error> {
    if has_nul(value) {
        return Err(refused(
            name,
            "it holds U+0000, with which Postgres reads no claims at all",
        ));
    }
    Ok(())
}

pub(super) fn texts<T: Into<String>>(
    name: &str,
    texts: impl IntoIterator<Item = T>,
) -> Result<Vec<String>, Error> {
    let texts: Vec<String> = texts.into_iter().map(Into::into).collect();
    if texts.iter().any(|text| text.contains('\0')) {
        return Err(refused(
            name,
            "it holds U+0000, with which Postgres reads no claims at all",
        ));
    }
    Ok(texts)
}

pub(super) fn refused(name: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::ClaimNotAllowed,
        format!("the claim {} cannot be added: {why}", quoted(name)),
    )
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_with_a_meaning_and_crafted_ones_are_refused() {
        let long = "a".repeat(65);
        for name in TAKEN {
            for spelled in [name.to_owned(), name.to_uppercase()] {
                let error = check_name(&spelled).expect_err(name);
                assert_eq!(error.kind(), ErrorKind::ClaimNotAllowed, "{spelled}");
            }
        }
        for name in [
            "",
            " ",
            "role ",
            " role",
            "ro\0le",
            "role\0",
            "r\u{f6}le",
            "\u{440}ole",
            "role\u{200b}",
            "$.role",
            ".role",
            "role\"",
            "\\u0072ole",
            "__proto__",
            "9",
            "a b",
            "a'--",
            &long,
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in [
            "plan",
            "org_id",
            "https://example.com/claims/plan",
            "X-tier",
            "role.name",
        ] {
            assert!(check_name(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn nul_is_found_wherever_it_hides() {
        for value in [
            json!("a\0"),
            json!(["a", ["\0"]]),
            json!({ "a": { "b\0": 1 } }),
            json!({ "a": [{ "b": "\0" }] }),
        ] {
            let error = check_value("hidden", &value).expect_err("a nul");
            assert_eq!(error.kind(), ErrorKind::ClaimNotAllowed);
        }
        let good =
            json!({ "a": [null, true, 1.5, "\u{1}\u{7f}\u{ffff}", { "'; drop table data; --": "\\u0000" }] });
        assert!(check_value("a", &good).is_ok());
    }
}
