use std::{error::Error as StdError, fmt};

use hexclave_core::UserKind;

/// What went wrong in this crate. No text of it holds a secret or a token.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The reason for an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The database did not begin the transaction as the user; the [source](StdError::source) says why.
    Database,
    /// A setting is out of its bounds.
    InvalidConfig,
    /// The JWT secret cannot be one, or is missing.
    InvalidSecret,
    /// The user is proven, but the application does not let this kind of user in.
    KindNotAccepted(UserKind),
    /// The token could not be signed.
    Signing,
}

impl ErrorKind {
    /// A short name that does not change between versions, in `snake_case`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::InvalidConfig => "invalid_config",
            Self::InvalidSecret => "invalid_secret",
            Self::KindNotAccepted(_) => "kind_not_accepted",
            Self::Signing => "signing",
        }
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                source: None,
            }),
        }
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// The reason, to branch on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The reason's stable name; short for `kind().code()`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.inner.kind.code()
    }

    /// Whether the user was refused: the answer is 403.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self.inner.kind, ErrorKind::KindNotAccepted(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.inner.source.as_deref();
        source.map(|source| source as &(dyn StdError + 'static))
    }
}
