use std::{error::Error as StdError, fmt, sync::Arc};

use crate::{AcceptedKinds, RestrictedReason, UserKind};

/// What went wrong in this crate.
///
/// Two failures are never mixed: *the token is bad* ([`is_refusal`](Error::is_refusal), answer 401, 403 or 400)
/// and *the token could not be checked* ([`is_retryable`](Error::is_retryable), answer 503). Everything else is
/// a mistake in the configuration, or something that the Hexclave API was asked for and did not do.
///
/// No text of an error holds a token, a key or a secret. Cheap to clone: one failed fetch is told to everybody who
/// waited for it.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
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
    /// What the Hexclave API answered cannot be understood, so nothing can be said about what was asked.
    ApiAnswerUnusable,
    /// The Hexclave API refused what was asked of it.
    ApiRejected,
    /// The Hexclave API could not be reached, is in trouble, or asks to be left alone for a while.
    ApiUnavailable,
    /// `aud` is not the audience of any kind of user of this project.
    AudienceMismatch,
    /// `branch_id` is not `main`.
    BranchMismatch,
    /// The login at a command line was refused in the browser, or the server does not know it.
    CliLoginDenied,
    /// Nobody has confirmed the login at a command line in time.
    CliLoginExpired,
    /// The login at a command line was confirmed, but its outcome has been collected already.
    CliLoginUsed,
    /// One request carries tokens of different users, or different ones that do not say whose they are.
    ConflictingCredentials,
    /// Issuer, audience and flags do not describe one kind of user.
    InconsistentClaims,
    /// A claim is missing, has the wrong type, or has a value that Hexclave never issues.
    InvalidClaim,
    /// An identifier, URL, key or environment variable of the configuration is unusable.
    InvalidConfig,
    /// The signature does not belong to this header and payload.
    InvalidSignature,
    /// `iss` is not the issuer of this project and kind of user.
    IssuerMismatch,
    /// The header has no `kid`.
    KeyIdMissing,
    /// The key exists, but it signs for another kind of user.
    KeyKindMismatch,
    /// The project's public keys could not be fetched, so nothing can be said about the token.
    KeysUnavailable,
    /// The token is genuine, but the application does not let this kind of user in.
    KindNotAccepted(UserKind),
    /// `nbf` or `iat` lies in the future.
    NotYetValid,
    /// The Hexclave API does not accept the project's keys: this program's configuration is wrong, which says
    /// nothing about any user.
    ProjectKeyRejected,
    /// `project_id` is not the project of the audience.
    ProjectMismatch,
    /// The session has ended: its refresh token is good for nothing any more.
    SessionEnded,
    /// `exp` has passed.
    TokenExpired,
    /// Not a compact JWS with a JSON header and a JSON payload, or not in a form in which Hexclave's clients send tokens.
    TokenMalformed,
    /// There is no token where one was expected.
    TokenMissing,
    /// The Hexclave API does not know the access token as one of its own.
    TokenRejected,
    /// The token is longer than [`AccessToken::MAX_LEN`](crate::AccessToken::MAX_LEN) bytes, or what carries it than is
    /// looked at.
    TokenTooLarge,
    /// The place where a session's tokens are kept cannot be read or written.
    TokenStoreFailed,
    /// No key of the project has the token's `kid`.
    UnknownKey,
    /// `alg` is not `ES256`.
    UnsupportedAlgorithm,
    /// The header demands something that is not understood: `crit`, or a foreign `typ`.
    UnsupportedHeader,
    /// The token is genuine, but its user does not exist any more.
    UserGone,
    /// The request is not a webhook delivery, or what was delivered is not an event.
    WebhookMalformed,
    /// Whether the webhook delivery was received before could not be told.
    WebhookNotChecked,
    /// The webhook delivery was signed too long ago, or in the future.
    WebhookOutOfTime,
    /// The same attempt to deliver a webhook was received before.
    WebhookReplayed,
    /// The signature does not belong to this webhook delivery.
    WebhookSignatureMismatch,
    /// The body of the webhook delivery is longer than allowed.
    WebhookTooLarge,
}

impl ErrorKind {
    /// A short name that does not change between versions, in `snake_case`.
    ///
    /// ```
    /// use hexclave_core::ErrorKind;
    ///
    /// assert_eq!(ErrorKind::TokenExpired.code(), "token_expired");
    /// ```
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ApiAnswerUnusable => "api_answer_unusable",
            Self::ApiRejected => "api_rejected",
            Self::ApiUnavailable => "api_unavailable",
            Self::AudienceMismatch => "audience_mismatch",
            Self::BranchMismatch => "branch_mismatch",
            Self::CliLoginDenied => "cli_login_denied",
            Self::CliLoginExpired => "cli_login_expired",
            Self::CliLoginUsed => "cli_login_used",
            Self::ConflictingCredentials => "conflicting_credentials",
            Self::InconsistentClaims => "inconsistent_claims",
            Self::InvalidClaim => "invalid_claim",
            Self::InvalidConfig => "invalid_config",
            Self::InvalidSignature => "invalid_signature",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::KeyIdMissing => "key_id_missing",
            Self::KeyKindMismatch => "key_kind_mismatch",
            Self::KeysUnavailable => "keys_unavailable",
            Self::KindNotAccepted(_) => "kind_not_accepted",
            Self::NotYetValid => "not_yet_valid",
            Self::ProjectKeyRejected => "project_key_rejected",
            Self::ProjectMismatch => "project_mismatch",
            Self::SessionEnded => "session_ended",
            Self::TokenExpired => "token_expired",
            Self::TokenMalformed => "token_malformed",
            Self::TokenMissing => "token_missing",
            Self::TokenRejected => "token_rejected",
            Self::TokenTooLarge => "token_too_large",
            Self::TokenStoreFailed => "token_store_failed",
            Self::UnknownKey => "unknown_key",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::UnsupportedHeader => "unsupported_header",
            Self::UserGone => "user_gone",
            Self::WebhookMalformed => "webhook_malformed",
            Self::WebhookNotChecked => "webhook_not_checked",
            Self::WebhookOutOfTime => "webhook_out_of_time",
            Self::WebhookReplayed => "webhook_replayed",
            Self::WebhookSignatureMismatch => "webhook_signature_mismatch",
            Self::WebhookTooLarge => "webhook_too_large",
        }
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                message: message.into(),
                source: None,
            }),
        }
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidConfig, message)
    }

    pub(crate) fn token_missing() -> Self {
        Self::new(
            ErrorKind::TokenMissing,
            "there is no access token: nobody is signed in",
        )
    }

    pub(crate) fn kind_not_accepted(
        kind: UserKind,
        reason: Option<&RestrictedReason>,
        accepted: AcceptedKinds,
    ) -> Self {
        let reason = match reason {
            Some(reason) if kind == UserKind::Restricted => format!(" ({reason})"),
            _ => String::new(),
        };
        Self::new(
            ErrorKind::KindNotAccepted(kind),
            format!("the user is {kind}{reason}; this application lets in: {accepted}"),
        )
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        // A new error has no clones yet.
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.source = Some(source.into());
        }
        self
    }

    /// The failure of a [`TokenStore`](crate::session::TokenStore): [`ErrorKind::TokenStoreFailed`]. The message says
    /// what could not be done, without any token.
    #[cfg(feature = "api")]
    #[cfg_attr(docsrs, doc(cfg(feature = "api")))]
    pub fn token_store(
        message: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::new(ErrorKind::TokenStoreFailed, message).with_source(source)
    }

    /// The same, for another reason, where what was asked tells more than the answer.
    #[cfg(feature = "api")]
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        // A new error has no clones yet.
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.kind = kind;
        }
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

    /// Whether the request was looked at and refused: the answer is 401, 403 for [`ErrorKind::KindNotAccepted`], or 400
    /// for [`ErrorKind::ConflictingCredentials`], as [`Denial`](crate::web::Denial) has it (webhooks have answers of their
    /// own). Trying the same token again does not help.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        !self.is_retryable()
            && !matches!(
                self.inner.kind,
                ErrorKind::ApiRejected
                    | ErrorKind::CliLoginDenied
                    | ErrorKind::CliLoginExpired
                    | ErrorKind::CliLoginUsed
                    | ErrorKind::InvalidConfig
                    | ErrorKind::ProjectKeyRejected
                    | ErrorKind::TokenStoreFailed
            )
    }

    /// Whether nothing could be said about the token: the answer is 503, never 401. Trying again may help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.inner.kind,
            ErrorKind::ApiAnswerUnusable
                | ErrorKind::ApiUnavailable
                | ErrorKind::KeysUnavailable
                | ErrorKind::WebhookNotChecked
        )
    }

    /// Whether the token was refused because its time is over, so that a refreshed one may pass.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.inner.kind == ErrorKind::TokenExpired
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
