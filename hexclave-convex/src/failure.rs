use std::{error::Error as StdError, fmt};

use hexclave_core::{AcceptedKinds, RestrictedReason, UserKind};

/// What this crate could not do, or does not let through. (What *Convex* refuses is a
/// [`ConvexError`](crate::ConvexError).)
///
/// No text of an error holds a token, or personal data.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The reason for an [`Error`].
///
/// Each reason has a stable [`code`](ErrorKind::code) for programs and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The identity is not of this project, or was not issued by one of its hosts.
    ForeignIdentity,
    /// The identity's issuer and flags do not describe one kind of user.
    InconsistentIdentity,
    /// The text is not the JSON of an identity, or lacks what each Hexclave user's has.
    InvalidIdentity,
    /// The identity is in order, but the application does not let this kind of user in.
    KindNotAccepted(UserKind),
}

impl ErrorKind {
    /// A short name that does not change between versions, in `snake_case`.
    ///
    /// ```
    /// use hexclave_convex::ErrorKind;
    ///
    /// assert_eq!(ErrorKind::ForeignIdentity.code(), "foreign_identity");
    /// ```
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ForeignIdentity => "foreign_identity",
            Self::InconsistentIdentity => "inconsistent_identity",
            Self::InvalidIdentity => "invalid_identity",
            Self::KindNotAccepted(_) => "kind_not_accepted",
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

    pub(crate) fn kind_not_accepted(
        kind: UserKind,
        reason: Option<&RestrictedReason>,
        accepted: AcceptedKinds,
    ) -> Self {
        let reason = match reason {
            Some(reason) if kind == UserKind::Restricted => format!(" ({})", reason.as_str().escape_debug()),
            _ => String::new(),
        };
        Self::new(
            ErrorKind::KindNotAccepted(kind),
            format!("the user is {kind}{reason}; this application lets in: {accepted}"),
        )
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
        self.inner
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
