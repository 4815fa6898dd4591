use std::fmt;

use http::{HeaderMap, HeaderName};
use secrecy::{ExposeSecret, SecretString};

use crate::{Error, ErrorKind};

/// The headers in which Hexclave's clients send an access token, old brand and new.
const HEADERS: [HeaderName; 2] = [
    HeaderName::from_static("x-stack-access-token"),
    HeaderName::from_static("x-hexclave-access-token"),
];

/// An access token as it arrived: text that nothing has been proven of yet.
///
/// Whoever holds it can act as the user until it expires, so `Debug` does not show it and it is wiped from memory
/// on drop.
///
/// ```
/// use hexclave_core::AccessToken;
///
/// let mut headers = http::HeaderMap::new();
/// assert!(AccessToken::from_headers(&headers)?.is_none());
///
/// headers.insert("x-stack-access-token", "eyJhbGciOiJFUzI1NiJ9.e30.c2ln".parse().unwrap());
/// let token = AccessToken::from_headers(&headers)?.expect("the header is there");
/// assert_eq!(format!("{token:?}"), "AccessToken(..)");
/// # Ok::<(), hexclave_core::Error>(())
/// ```
#[derive(Clone)]
pub struct AccessToken(SecretString);

impl AccessToken {
    /// The longest token that is looked at, in bytes. Hexclave's are about 1 KiB.
    pub const MAX_LEN: usize = 16 * 1024;

    /// Takes a token from `x-stack-access-token` or `x-hexclave-access-token`.
    ///
    /// `None` when neither header is there, or when it is empty: nobody is signed in.
    ///
    /// # Errors
    /// [`ErrorKind::ConflictingCredentials`] when the headers carry different tokens (which of the two users is
    /// meant is not guessed), [`ErrorKind::TokenMalformed`] when a value is not ASCII.
    pub fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, Error> {
        let mut found: Option<&str> = None;
        for value in HEADERS.iter().flat_map(|name| headers.get_all(name)) {
            let text = value.to_str().map_err(|_| {
                Error::new(
                    ErrorKind::TokenMalformed,
                    "the access token header holds characters that no token has",
                )
            })?;
            let text = text.trim();
            match found {
                _ if text.is_empty() => {}
                Some(other) if other != text => {
                    return Err(Error::new(
                        ErrorKind::ConflictingCredentials,
                        "the request carries two different access tokens: send one",
                    ));
                }
                _ => found = Some(text),
            }
        }
        Ok(found.map(Self::from))
    }

    /// The token itself. Do not log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<&str> for AccessToken {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for AccessToken {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &[u8])]) -> Result<Option<String>, ErrorKind> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, http::HeaderValue::from_bytes(value).expect("a header"));
        }
        AccessToken::from_headers(&headers)
            .map(|token| token.map(|token| token.expose().to_owned()))
            .map_err(|error| error.kind())
    }

    #[test]
    fn both_spellings_are_read_and_must_agree() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[("x-stack-access-token", b"")]), Ok(None));
        assert_eq!(read(&[("authorization", b"Bearer a.b.c")]), Ok(None));
        for name in ["x-stack-access-token", "x-hexclave-access-token"] {
            assert_eq!(read(&[(name, b"a.b.c")]), Ok(Some("a.b.c".into())), "{name}");
        }
        assert_eq!(
            read(&[
                ("x-stack-access-token", b"a.b.c"),
                ("x-hexclave-access-token", b"a.b.c")
            ]),
            Ok(Some("a.b.c".into()))
        );
        assert_eq!(
            read(&[
                ("x-stack-access-token", b"a.b.c"),
                ("x-hexclave-access-token", b"d.e.f")
            ]),
            Err(ErrorKind::ConflictingCredentials)
        );
        assert_eq!(
            read(&[
                ("x-stack-access-token", b"a.b.c"),
                ("x-stack-access-token", b"d.e.f")
            ]),
            Err(ErrorKind::ConflictingCredentials)
        );
        assert_eq!(
            read(&[("x-stack-access-token", b"\xff")]),
            Err(ErrorKind::TokenMalformed)
        );
    }
}
