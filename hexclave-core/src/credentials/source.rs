use std::fmt;

use http::{HeaderMap, HeaderName, header};

use super::{Credentials, Reading, Tokens, access_token, auth_json, authorization, cookies};
use crate::{Error, ProjectConfig};

const ACCESS_TOKEN: [HeaderName; 2] = [
    HeaderName::from_static("x-stack-access-token"),
    HeaderName::from_static("x-hexclave-access-token"),
];
/// As errors call them.
const ACCESS_TOKEN_HEADERS: [&str; 2] = [
    "the header x-stack-access-token",
    "the header x-hexclave-access-token",
];
const STACK_AUTH: HeaderName = HeaderName::from_static("x-stack-auth");

/// A place in a request where Hexclave's clients put their tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CredentialSource {
    /// `x-stack-access-token` or `x-hexclave-access-token` with an access token, as Hexclave's guides for backends that
    /// are not JavaScript have it.
    AccessTokenHeader,
    /// `Authorization: Bearer stackauth_…` or `Bearer hexclave_…`, from the SDK's `getAuthorizationHeader()`.
    Authorization,
    /// `Authorization: Bearer` with an access token itself, as RFC 6750 and the clients of Convex have it.
    Bearer,
    /// `x-stack-auth` with a JSON object, from the SDK's `getAuthHeaders()`.
    StackAuth,
    /// The cookies that the SDK keeps in browsers, under any of its old and new names.
    Cookie,
}

impl CredentialSource {
    /// First the one that counts most.
    const ALL: [Self; 5] = [
        Self::AccessTokenHeader,
        Self::Authorization,
        Self::Bearer,
        Self::StackAuth,
        Self::Cookie,
    ];

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The places in a request where an application looks for tokens: every header, and no cookies, unless it says
/// otherwise.
///
/// ```
/// use hexclave_core::{CredentialSource, CredentialSources, ProjectConfig};
///
/// let config = ProjectConfig::builder()
///     .project_id("11111111-2222-4333-8444-555555555555".parse()?)
///     .build()?;
/// let mut headers = http::HeaderMap::new();
/// headers.insert("cookie", "stack-refresh=kept; stack-access=%5B%22kept%22%2C%22a.b.c%22%5D".parse().unwrap());
///
/// assert!(CredentialSources::default().read(&headers, &config)?.is_empty());
///
/// let with_cookies = CredentialSources::default().and(CredentialSource::Cookie);
/// assert!(with_cookies.read(&headers, &config)?.access_token().is_some());
/// # Ok::<(), hexclave_core::Error>(())
/// ```
///
/// # Cookies
/// A browser sends cookies with every request to the site, whoever caused it. So an application that takes them must
/// keep other sites from acting in its users' names (cross-site request forgery): Hexclave's cookies are
/// `SameSite=Lax`, or `None` where the application runs in a frame of another site, and that alone does not do. Demand
/// a header that other sites cannot send, or check `Origin`, on every route that changes something. Subdomains can
/// plant cookies for their parent domain too: take cookies only where you trust all of them.
///
/// Cookies hold the access token of the last visit, which is mostly expired. Only the SDK in the page, or a session on
/// the server, gets a fresh one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialSources {
    bits: u8,
}

impl CredentialSources {
    /// Every source, cookies included.
    pub const ALL: Self = Self { bits: 0b1_1111 };

    /// This source and no other.
    #[must_use]
    pub const fn only(source: CredentialSource) -> Self {
        Self { bits: source.bit() }
    }

    /// These sources and one more.
    #[must_use]
    pub const fn and(self, source: CredentialSource) -> Self {
        Self {
            bits: self.bits | source.bit(),
        }
    }

    /// These sources without one of them.
    #[must_use]
    pub const fn without(self, source: CredentialSource) -> Self {
        Self {
            bits: self.bits & !source.bit(),
        }
    }

    /// Whether `source` is looked at.
    #[must_use]
    pub const fn contains(self, source: CredentialSource) -> bool {
        self.bits & source.bit() != 0
    }

    /// The sources that are looked at, first the one that counts most.
    pub fn iter(self) -> impl Iterator<Item = CredentialSource> {
        CredentialSource::ALL
            .into_iter()
            .filter(move |source| self.contains(*source))
    }

    /// The request headers that are looked at, for `Vary`.
    pub fn header_names(self) -> impl Iterator<Item = HeaderName> {
        use CredentialSource::{AccessTokenHeader, Authorization, Bearer, Cookie, StackAuth};

        let [stack, hexclave] = ACCESS_TOKEN;
        let looked_at = [
            (self.contains(AccessTokenHeader), stack),
            (self.contains(AccessTokenHeader), hexclave),
            (
                self.contains(Authorization) || self.contains(Bearer),
                header::AUTHORIZATION,
            ),
            (self.contains(StackAuth), STACK_AUTH),
            (self.contains(Cookie), header::COOKIE),
        ];
        looked_at.into_iter().filter_map(|(is, name)| is.then_some(name))
    }

    /// Takes the credentials from these sources of a request; see [`Credentials`] for the rules.
    ///
    /// # Errors
    /// Those of [`Credentials::from_headers`].
    pub fn read(self, headers: &HeaderMap, config: &ProjectConfig) -> Result<Credentials, Error> {
        use CredentialSource::{AccessTokenHeader, Authorization, Bearer, Cookie, StackAuth};

        let mut reading = Reading::default();
        if self.contains(AccessTokenHeader) {
            for (name, what) in ACCESS_TOKEN.iter().zip(ACCESS_TOKEN_HEADERS) {
                for value in headers.get_all(name) {
                    let token = access_token(value.as_bytes().trim_ascii(), what)?;
                    reading.add(AccessTokenHeader, token.map(Tokens::from))?;
                }
            }
        }
        let credentials = headers.get_all(header::AUTHORIZATION).into_iter();
        for credential in credentials.filter_map(authorization::bearer) {
            match authorization::encoded_json(credential) {
                Some(json) if self.contains(Authorization) => {
                    reading.add(Authorization, Some(authorization::decode(json)?))?;
                }
                None if self.contains(Bearer) => {
                    let token = access_token(credential, "the header Authorization")?;
                    reading.add(Bearer, token.map(Tokens::from))?;
                }
                _ => {}
            }
        }
        if self.contains(StackAuth) {
            for value in headers.get_all(STACK_AUTH) {
                reading.add(StackAuth, auth_json::from_header(value)?)?;
            }
        }
        if self.contains(Cookie) {
            reading.add(Cookie, cookies::read(headers, config.project_id()))?;
        }
        Ok(reading.finish())
    }
}

impl Default for CredentialSources {
    fn default() -> Self {
        Self::ALL.without(CredentialSource::Cookie)
    }
}

impl fmt::Debug for CredentialSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
