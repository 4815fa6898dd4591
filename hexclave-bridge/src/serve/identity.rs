//! A proven user in headers, for the application behind a proxy.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use hexclave_core::User;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub(super) const USER_ID: HeaderName = HeaderName::from_static("x-identity-user-id");
pub(super) const PROJECT_ID: HeaderName = HeaderName::from_static("x-identity-project-id");
pub(super) const KIND: HeaderName = HeaderName::from_static("x-identity-kind");
pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("x-identity-session-id");
pub(super) const TEAM_ID: HeaderName = HeaderName::from_static("x-identity-team-id");
pub(super) const EMAIL: HeaderName = HeaderName::from_static("x-identity-email");
pub(super) const NAME: HeaderName = HeaderName::from_static("x-identity-name");

/// All of them, and what they say.
pub(super) const HEADERS: [(HeaderName, &str); 7] = [
    (
        USER_ID,
        "The user's id, a UUID. Key your data on project and user id.",
    ),
    (PROJECT_ID, "The Hexclave project of the user."),
    (KIND, "normal, restricted or anonymous."),
    (
        SESSION_ID,
        "The session that the access token belongs to, a UUID.",
    ),
    (TEAM_ID, "The team that the user has selected, a UUID."),
    (
        EMAIL,
        "The primary e-mail address if it has been verified, percent-encoded.",
    ),
    (
        NAME,
        "The display name, percent-encoded. Users choose it themselves.",
    ),
];

/// The longest value, in bytes: proxies have little room for the headers of an answer.
const LONGEST: usize = 1024;
/// All but what `encodeURIComponent` of JavaScript leaves as it is, and what e-mail addresses are made of.
const ENCODED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'@')
    .remove(b'+');

/// The headers of a user. Each is always there, empty where there is nothing to say, so that a proxy that copies them
/// replaces whatever a client has sent under these names.
pub(super) fn headers(user: &User) -> HeaderMap {
    let id = |value: Option<String>| value.unwrap_or_default();
    let text = |value: Option<&str>| value.map(encoded).unwrap_or_default();
    let values = [
        (USER_ID, user.id().to_string()),
        (PROJECT_ID, user.project_id().to_string()),
        (KIND, user.kind().to_string()),
        (SESSION_ID, id(user.session_id().map(|id| id.to_string()))),
        (TEAM_ID, id(user.selected_team_id().map(|id| id.to_string()))),
        // Whoever wants to can enter somebody else's address.
        (EMAIL, text(user.email().filter(|_| user.email_verified()))),
        (NAME, text(user.name())),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in values {
        let value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""));
        headers.insert(name, value);
    }
    headers
}

/// A text in visible ASCII; nothing where it would be too long, since half a name is another one.
fn encoded(text: &str) -> String {
    let encoded = utf8_percent_encode(text, &ENCODED).to_string();
    if encoded.len() <= LONGEST {
        encoded
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_break_out_of_a_header() {
        for (text, header) in [
            ("Ada Lovelace", "Ada%20Lovelace"),
            ("Zoë", "Zo%C3%AB"),
            (
                "a\r\nX-Identity-Kind: normal",
                "a%0D%0AX-Identity-Kind%3A%20normal",
            ),
            ("100%", "100%25"),
            ("a,b;c\"d\\\u{7f}", "a%2Cb%3Bc%22d%5C%7F"),
            ("<b>&=$", "%3Cb%3E%26%3D%24"),
            ("O'Hara (Ada)!", "O'Hara%20(Ada)!"),
            ("ada+tag@example.com", "ada+tag@example.com"),
            ("", ""),
        ] {
            assert_eq!(encoded(text), header);
        }
        assert_eq!(encoded(&"a".repeat(LONGEST)).len(), LONGEST);
        assert_eq!(encoded(&"a".repeat(LONGEST + 1)), "");
        assert_eq!(encoded(&"é".repeat(LONGEST / 6 + 1)), "");
    }
}
