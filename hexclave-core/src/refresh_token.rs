use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// The long-lived secret of a session, which the Hexclave API exchanges for access tokens.
///
/// Whoever holds it is the user until the session ends, so `Debug` does not show it, it is wiped from memory on drop,
/// and this crate sends it to nobody but the Hexclave API.
///
/// ```
/// use hexclave_core::RefreshToken;
///
/// let token = RefreshToken::from("kept in a safe place");
/// assert_eq!(format!("{token:?}"), "RefreshToken(..)");
/// ```
#[derive(Clone)]
pub struct RefreshToken(SecretString);

impl RefreshToken {
    /// The longest token that is taken from a request, in bytes. Hexclave's have 45.
    pub const MAX_LEN: usize = 1024;

    /// The token itself. Do not log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<&str> for RefreshToken {
    fn from(token: &str) -> Self {
        Self(token.into())
    }
}

impl From<String> for RefreshToken {
    fn from(token: String) -> Self {
        Self(token.into())
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(..)")
    }
}
