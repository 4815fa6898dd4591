//! What a request says about its user: where the tokens are, and which of them count.

mod auth_json;
mod authorization;
mod cookies;
mod session_cookies;
mod source;

use http::HeaderMap;

pub(crate) use self::{auth_json::write as write_auth_json, authorization::write as write_authorization};
pub use self::{
    session_cookies::SessionCookies,
    source::{CredentialSource, CredentialSources},
};
use crate::{AccessToken, Error, ErrorKind, ProjectConfig, RefreshToken, claims};

/// The longest value that is decoded, in bytes: both tokens at their longest, in base64.
const MAX_ENCODED_LEN: usize = 24 * 1024;

/// The tokens that a request carries, unproven, and where they were.
///
/// A request without credentials is no error: nobody is signed in.
///
/// ```
/// use hexclave_core::{CredentialSource, Credentials, ProjectConfig};
///
/// let config = ProjectConfig::builder()
///     .project_id("11111111-2222-4333-8444-555555555555".parse()?)
///     .build()?;
/// let mut headers = http::HeaderMap::new();
/// assert!(Credentials::from_headers(&headers, &config)?.is_empty());
///
/// headers.insert("x-stack-auth", r#"{"accessToken":"a.b.c","refreshToken":null}"#.parse().unwrap());
/// let credentials = Credentials::from_headers(&headers, &config)?;
/// assert_eq!(credentials.source(), Some(CredentialSource::StackAuth));
/// assert_eq!(format!("{:?}", credentials.access_token()), "Some(AccessToken(..))");
/// # Ok::<(), hexclave_core::Error>(())
/// ```
///
/// # Which tokens count
/// The sources in the order in which they count:
///
/// | source | carries | read by Hexclave's JavaScript SDK |
/// |---|---|---|
/// | `x-stack-access-token`, `x-hexclave-access-token` | an access token | no |
/// | `Authorization: Bearer stackauth_…`, `hexclave_…` | both tokens, in base64 of JSON | first |
/// | `Authorization: Bearer` and an access token | an access token | no |
/// | `x-stack-auth` | both tokens, in JSON | second |
/// | cookies, only [where the application asks](CredentialSources#cookies) | both tokens | third |
///
/// - **The first source that has something to say counts, whole.** Tokens of two sources are never mixed: an access
///   token of one user beside the refresh token of another would turn the one into the other at the next refresh.
///   "Nobody" is something to say: after JSON without tokens, later sources do not count, as in the SDK. Empty headers,
///   and `Bearer` with nothing behind it (what Convex's client sends when nobody is signed in), say nothing.
/// - **Sources of different users are refused.** Which of the two is meant is not guessed: a guess may be somebody else's
///   choice. Access tokens that differ are those of one user when both say so, as when a page sends a fresh token and the
///   browser an older one in a cookie; the one that counts is verified, the other is dropped. Refresh tokens say nothing
///   of the kind, so they must be equal, unless different access tokens of one user are beside them.
/// - **What has one of our names and cannot be read is an error**, also beside a good source. Other schemes of
///   `Authorization` (`Basic`, …) are not looked at. Cookies that cannot be read are skipped, as in the SDK, since no
///   client can take back a cookie that another has written.
///
/// # Limits
/// Tokens are visible ASCII; access tokens have at most [`AccessToken::MAX_LEN`] bytes, refresh tokens
/// [`RefreshToken::MAX_LEN`]; encoded forms of more than 24 KiB are refused before they are decoded.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    tokens: Tokens,
    source: Option<CredentialSource>,
}

impl Credentials {
    /// Takes the credentials from all headers that may carry some, and from no cookies; short for
    /// [`CredentialSources::default`] and [`read`](CredentialSources::read).
    ///
    /// # Errors
    /// [`ErrorKind::ConflictingCredentials`] when the request carries different tokens,
    /// [`ErrorKind::TokenMalformed`] when a source cannot be read, [`ErrorKind::TokenTooLarge`] when it is too long to
    /// be read.
    pub fn from_headers(headers: &HeaderMap, config: &ProjectConfig) -> Result<Self, Error> {
        CredentialSources::default().read(headers, config)
    }

    /// The access token, to be [verified](crate::Verifier::verify).
    #[must_use]
    pub fn access_token(&self) -> Option<&AccessToken> {
        self.tokens.access.as_ref()
    }

    /// The access token of somebody who must be signed in.
    ///
    /// # Errors
    /// [`ErrorKind::TokenMissing`] when there is none.
    pub fn require_access_token(&self) -> Result<&AccessToken, Error> {
        self.access_token().ok_or_else(Error::token_missing)
    }

    /// The refresh token. It is good for one thing: to ask the Hexclave API for an access token.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&RefreshToken> {
        self.tokens.refresh.as_ref()
    }

    /// Where the tokens were; `None` when there are none.
    #[must_use]
    pub fn source(&self) -> Option<CredentialSource> {
        self.source
    }

    /// Whether nobody is signed in: the request carries neither token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
}

/// What one source carries.
#[derive(Clone, Debug, Default)]
struct Tokens {
    access: Option<AccessToken>,
    refresh: Option<RefreshToken>,
}

impl Tokens {
    fn is_empty(&self) -> bool {
        self.access.is_none() && self.refresh.is_none()
    }
}

impl From<AccessToken> for Tokens {
    fn from(access: AccessToken) -> Self {
        Self {
            access: Some(access),
            refresh: None,
        }
    }
}

/// The sources read so far, in their order.
#[derive(Default)]
struct Reading {
    chosen: Option<Credentials>,
    /// The first token of each kind, whether it counts or not.
    first: Tokens,
}

impl Reading {
    fn add(&mut self, source: CredentialSource, tokens: Option<Tokens>) -> Result<(), Error> {
        let Some(tokens) = tokens else {
            return Ok(());
        };
        let access = (self.first.access.as_ref(), tokens.access.as_ref());
        let refresh = (self.first.refresh.as_ref(), tokens.refresh.as_ref());
        // Equal access tokens are of one session, and so have one refresh token.
        let (mut agree, mut two_sessions) = (true, false);
        if let (Some(first), Some(next)) = access
            && first.expose() != next.expose()
        {
            two_sessions = are_of_one_user(first, next);
            agree = two_sessions;
        }
        if let (Some(first), Some(next)) = refresh {
            agree &= two_sessions || first.expose() == next.expose();
        }
        if !agree {
            return Err(Error::new(
                ErrorKind::ConflictingCredentials,
                "the request carries tokens of different users, or of nobody knows whom: send those of one",
            ));
        }
        self.first.access = self.first.access.take().or_else(|| tokens.access.clone());
        self.first.refresh = self.first.refresh.take().or_else(|| tokens.refresh.clone());
        self.chosen.get_or_insert_with(|| Credentials {
            source: (!tokens.is_empty()).then_some(source),
            tokens,
        });
        Ok(())
    }

    fn finish(self) -> Credentials {
        self.chosen.unwrap_or_default()
    }
}

/// Whether both say so themselves. Nothing of it is proven, and nothing hangs on it: the one that counts is verified, the
/// other is dropped.
fn are_of_one_user(one: &AccessToken, other: &AccessToken) -> bool {
    let user = claims::claimed_user(one);
    user.is_some() && user == claims::claimed_user(other)
}

/// An access token, or nothing where the text is empty. `what` names the input in the error.
fn access_token(text: &[u8], what: &str) -> Result<Option<AccessToken>, Error> {
    Ok(token_text(text, AccessToken::MAX_LEN, what)?.map(AccessToken::from))
}

fn refresh_token(text: &[u8], what: &str) -> Result<Option<RefreshToken>, Error> {
    Ok(token_text(text, RefreshToken::MAX_LEN, what)?.map(RefreshToken::from))
}

/// Tokens are visible ASCII, which is what a header can carry in every form.
fn token_text<'a>(text: &'a [u8], most: usize, what: &str) -> Result<Option<&'a str>, Error> {
    if text.len() > most {
        return Err(too_large(what, most));
    }
    // Not `all`, which leaves at the first other byte and so cannot look at several in one step.
    let is_token = text
        .iter()
        .fold(true, |so_far, byte| so_far & byte.is_ascii_graphic());
    match std::str::from_utf8(text) {
        Ok(text) if is_token => Ok((!text.is_empty()).then_some(text)),
        _ => Err(malformed(what, "it holds characters that no token has")),
    }
}

fn malformed(what: &str, why: &str) -> Error {
    Error::new(ErrorKind::TokenMalformed, format!("{what} cannot be read: {why}"))
}

fn too_large(what: &str, most: usize) -> Error {
    Error::new(
        ErrorKind::TokenTooLarge,
        format!("{what} has more than the {most} bytes that are looked at"),
    )
}
