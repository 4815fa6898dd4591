use std::fmt;

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::{Error, ErrorKind, credentials};

/// An access token as it arrived: text that nothing has been proven of yet.
///
/// Whoever holds it can act as the user until it expires, so `Debug` does not show it and it is wiped from memory
/// on drop.
///
/// Those of a request are in its [`Credentials`](crate::Credentials).
///
/// ```
/// use hexclave_core::AccessToken;
///
/// let token = AccessToken::from("eyJhbGciOiJFUzI1NiJ9.e30.c2ln");
/// assert_eq!(format!("{token:?}"), "AccessToken(..)");
/// ```
///
/// # Sending it
/// A backend that understands Hexclave's SDKs understands [`authorization_header`](Self::authorization_header) and
/// [`auth_json`](Self::auth_json), JavaScript ones with `tokenStore: request` included. In the SDKs' own hands both
/// carry the refresh token too, with which the receiver could act as the user for as long as the session lasts. Here
/// they do not: a refresh token goes to the Hexclave API and to nobody else. So send a token that is fresh; receivers
/// can use it until it expires and not longer.
#[derive(Clone)]
pub struct AccessToken(SecretString);

impl AccessToken {
    /// The longest token that is looked at, in bytes. Hexclave's are about 1 KiB.
    pub const MAX_LEN: usize = 16 * 1024;

    /// The token itself. Do not log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// A value for the header `Authorization` in the form of Hexclave's SDKs, `Bearer stackauth_…`, marked as sensitive
    /// and without a refresh token.
    ///
    /// ```
    /// use hexclave_core::{AccessToken, Credentials, ProjectConfig};
    ///
    /// let token = AccessToken::from("eyJhbGciOiJFUzI1NiJ9.e30.c2ln");
    /// let mut headers = http::HeaderMap::new();
    /// headers.insert("authorization", token.authorization_header()?);
    ///
    /// // On the other side:
    /// # let config = ProjectConfig::builder()
    /// #     .project_id("11111111-2222-4333-8444-555555555555".parse()?)
    /// #     .build()?;
    /// let credentials = Credentials::from_headers(&headers, &config)?;
    /// assert_eq!(credentials.require_access_token()?.expose(), token.expose());
    /// # Ok::<(), hexclave_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::TokenMissing`], [`ErrorKind::TokenMalformed`] or [`ErrorKind::TokenTooLarge`] when the token is
    /// empty, is not visible ASCII, or is longer than [`MAX_LEN`](Self::MAX_LEN).
    pub fn authorization_header(&self) -> Result<HeaderValue, Error> {
        sensitive(&credentials::write_authorization(self)?)
    }

    /// The JSON text of the SDKs' `getAuthJson()`, `{"accessToken":"…","refreshToken":null}`: the value of the header
    /// `x-stack-auth`, marked as sensitive. Its [`to_str`](HeaderValue::to_str) is the text for anything else that
    /// carries credentials, such as the first message of a WebSocket.
    ///
    /// # Errors
    /// Those of [`authorization_header`](Self::authorization_header).
    pub fn auth_json(&self) -> Result<HeaderValue, Error> {
        sensitive(&credentials::write_auth_json(self)?)
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

fn sensitive(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Error::new(
            ErrorKind::TokenMalformed,
            "the access token does not fit into a header",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}
