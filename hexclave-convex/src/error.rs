use std::{error::Error as StdError, fmt};

/// What Convex would refuse, or what could not be found out.
///
/// [`code`](Self::code) and [`http_status`](Self::http_status) are those of a Convex deployment; the texts
/// are this crate's own, close enough to Convex's to be found by the same words. No text holds a token.
///
/// | code | status | said of |
/// |---|---|---|
/// | `InvalidAuthHeader` | 401 | a token that cannot be read or is not valid, and a key set that is of no use |
/// | `NoAuthProvider` | 401 | a token that no provider is configured for, also because of its `aud` |
/// | `TokenExpired` | 401 | on the WebSocket: a token that has expired, without any leeway |
/// | `Unauthenticated` | 401 | a token whose issuer is configured as an OIDC provider |
/// | `InvalidHeaderFailure` | 400 | an `Authorization` header that is too short to name a scheme, or no text |
/// | `InvalidAdminKey` | 400 | an `Authorization` header of another scheme than `Bearer`, or with nothing behind it |
/// | `InternalServerError` | 500 | a provider whose `jwks` is not even a URI |
/// | `AuthConfigMissingExportError` | 400 | a configuration that is `null` |
/// | `AuthConfigUnserializableError` | 400 | a configuration that is not JSON |
/// | `AuthConfigNotMatchingSchemaError` | 400 | a provider whose members are wrong |
/// | `InvalidProviderDomainUrl` | 400 | a provider whose issuer is not a usable URL |
/// | `InsecureConfiguration` | 400 | a provider that would accept tokens meant for others |
///
/// Convex's command line shows the last five as `InvalidAuthConfig`; these are the codes inside.
///
/// Three codes are this crate's own, for what it does not do; their status is 400:
///
/// | code | said of |
/// |---|---|
/// | `InvalidEnvironmentName` | a name that no variable in Convex can have |
/// | `KeysMissing` | keys that are to be put into a configuration, and are not there |
/// | `MergeRefused` | a file into which providers cannot be put without running it |
pub struct ConvexError {
    inner: Box<Inner>,
}

struct Inner {
    kind: Kind,
    message: String,
    unreachable: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ConfigInsecure,
    ConfigIssuer,
    ConfigMissing,
    ConfigNotJson,
    ConfigSchema,
    EnvironmentName,
    Internal,
    InvalidAdminKey,
    InvalidAuthHeader,
    InvalidHeader,
    KeysMissing,
    MergeRefused,
    NoAuthProvider,
    TokenExpired,
    Unauthenticated,
}

impl Kind {
    fn answer(self) -> (&'static str, u16) {
        match self {
            Self::ConfigInsecure => ("InsecureConfiguration", 400),
            Self::ConfigIssuer => ("InvalidProviderDomainUrl", 400),
            Self::ConfigMissing => ("AuthConfigMissingExportError", 400),
            Self::ConfigNotJson => ("AuthConfigUnserializableError", 400),
            Self::ConfigSchema => ("AuthConfigNotMatchingSchemaError", 400),
            Self::EnvironmentName => ("InvalidEnvironmentName", 400),
            Self::Internal => ("InternalServerError", 500),
            Self::InvalidAdminKey => ("InvalidAdminKey", 400),
            Self::InvalidHeader => ("InvalidHeaderFailure", 400),
            Self::InvalidAuthHeader => ("InvalidAuthHeader", 401),
            Self::KeysMissing => ("KeysMissing", 400),
            Self::MergeRefused => ("MergeRefused", 400),
            Self::NoAuthProvider => ("NoAuthProvider", 401),
            Self::TokenExpired => ("TokenExpired", 401),
            Self::Unauthenticated => ("Unauthenticated", 401),
        }
    }
}

impl ConvexError {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                unreachable: false,
                source: None,
            }),
        }
    }

    /// By far the most frequent answer to a token.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidAuthHeader, message)
    }

    pub(crate) fn unreachable(mut self, unreachable: bool) -> Self {
        self.inner.unreachable = unreachable;
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Convex's code, such as `InvalidAuthHeader`, or one of this crate's own three.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.inner.kind.answer().0
    }

    /// The status with which Convex answers an HTTP request: 400, 401 or 500.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        self.inner.kind.answer().1
    }

    /// Whether the provider's keys could not be had for a reason that may pass (no connection, a 5xx, too
    /// many requests), so that nothing is known about the token. Convex answers 401 all the same, unless it
    /// still has an older copy of the keys.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        self.inner.unreachable
    }
}

impl fmt::Display for ConvexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for ConvexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConvexError")
            .field("code", &self.code())
            .field("message", &self.inner.message)
            .field("unreachable", &self.inner.unreachable)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for ConvexError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// Text from outside, made fit for one line of an error: control characters escaped, at most 100 characters.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 100;
    let mut out = String::from("\"");
    out.extend(text.chars().take(LONGEST).flat_map(char::escape_debug));
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out.push('"');
    out
}
