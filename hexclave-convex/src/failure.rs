use std::{error::Error as StdError, fmt};

use hexclave_core::{AcceptedKinds, RestrictedReason, UserKind};

#[cfg(feature = "functions")]
use crate::FunctionError;

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
    #[cfg(feature = "functions")]
    call: Call,
}

/// What is known of a call that went wrong.
#[cfg(feature = "functions")]
#[derive(Default)]
struct Call {
    http_status: Option<u16>,
    convex_code: Option<String>,
    function_error: Option<FunctionError>,
    may_have_run: bool,
}

/// The reason for an [`Error`].
///
/// Each reason has a stable [`code`](ErrorKind::code) for programs and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What the deployment answered cannot be understood, or is no result of the type asked for.
    AnswerUnusable,
    /// The client has been ended.
    ClientEnded,
    /// The deployment could not be reached, is in trouble, or asks to be left alone for a while.
    ConvexUnavailable,
    /// The identity is not of this project, or was not issued by one of its hosts.
    ForeignIdentity,
    /// The function that was called threw.
    FunctionFailed,
    /// The identity's issuer and flags do not describe one kind of user.
    InconsistentIdentity,
    /// The arguments of a function are no object, or hold something that Convex would not take as it is.
    InvalidArguments,
    /// A deployment's URL is unusable, or the HTTP client cannot be set up.
    InvalidConfig,
    /// The text is not the JSON of an identity, or lacks what each Hexclave user's has.
    InvalidIdentity,
    /// The identity is in order, but the application does not let this kind of user in.
    KindNotAccepted(UserKind),
    /// No access token could be had.
    NoToken,
    /// The deployment does not accept the request: it knows no such function, for instance.
    Rejected,
    /// The session has ended, so that nobody is signed in any more.
    SignedOut,
    /// The deployment does not accept the access token.
    TokenRefused,
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
            Self::AnswerUnusable => "answer_unusable",
            Self::ClientEnded => "client_ended",
            Self::ConvexUnavailable => "convex_unavailable",
            Self::ForeignIdentity => "foreign_identity",
            Self::FunctionFailed => "function_failed",
            Self::InconsistentIdentity => "inconsistent_identity",
            Self::InvalidArguments => "invalid_arguments",
            Self::InvalidConfig => "invalid_config",
            Self::InvalidIdentity => "invalid_identity",
            Self::KindNotAccepted(_) => "kind_not_accepted",
            Self::NoToken => "no_token",
            Self::Rejected => "rejected",
            Self::SignedOut => "signed_out",
            Self::TokenRefused => "token_refused",
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
                #[cfg(feature = "functions")]
                call: Call::default(),
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

    /// Says that the function may have run, though there is no result.
    #[cfg(feature = "functions")]
    pub(crate) fn after_running(mut self) -> Self {
        self.inner.call.may_have_run = true;
        self
    }

    #[cfg(feature = "functions")]
    pub(crate) fn with_answer(mut self, status: u16, code: Option<String>) -> Self {
        self.inner.call.http_status = Some(status);
        self.inner.call.convex_code = code;
        self
    }

    #[cfg(feature = "functions")]
    pub(crate) fn with_function_error(mut self, error: FunctionError) -> Self {
        self.inner.call.function_error = Some(error.clone());
        self.after_running().with_source(error)
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

    /// Whether the same may succeed later, so that a server answers 503: [`ErrorKind::ConvexUnavailable`],
    /// [`ErrorKind::AnswerUnusable`] and [`ErrorKind::NoToken`]. What may have run may then run twice.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.inner.kind,
            ErrorKind::ConvexUnavailable | ErrorKind::AnswerUnusable | ErrorKind::NoToken
        )
    }

    /// Whether the function that was called may have run in spite of the error: it did when it threw (of a mutation that
    /// threw nothing remains), and nobody knows when the answer was lost.
    #[cfg(feature = "functions")]
    #[cfg_attr(docsrs, doc(cfg(feature = "functions")))]
    #[must_use]
    pub fn may_have_run(&self) -> bool {
        self.inner.call.may_have_run
    }

    /// What the function threw, for [`ErrorKind::FunctionFailed`].
    #[cfg(feature = "functions")]
    #[cfg_attr(docsrs, doc(cfg(feature = "functions")))]
    #[must_use]
    pub fn function_error(&self) -> Option<&FunctionError> {
        self.inner.call.function_error.as_ref()
    }

    /// The code with which the deployment refused the call, such as `InvalidAuthHeader`.
    #[cfg(feature = "functions")]
    #[cfg_attr(docsrs, doc(cfg(feature = "functions")))]
    #[must_use]
    pub fn convex_code(&self) -> Option<&str> {
        self.inner.call.convex_code.as_deref()
    }

    /// The status with which the deployment refused the call.
    #[cfg(feature = "functions")]
    #[cfg_attr(docsrs, doc(cfg(feature = "functions")))]
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.inner.call.http_status
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
