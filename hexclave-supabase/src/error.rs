use std::{error::Error as StdError, fmt};

use hexclave_core::UserKind;

/// What went wrong in this crate. No text of it holds a secret or a token.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    sql_state: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The reason for an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A database's access rules are not those of a saved matrix.
    AccessChanged,
    /// The Hexclave API did not tell what it was asked for; the [source](StdError::source), a
    /// [`hexclave_core::Error`], says why.
    Api,
    /// The token's `aud` is not `authenticated`.
    AudienceMismatch,
    /// The role of the claims is above Row Level Security: a superuser, or one with `BYPASSRLS`.
    BypassesRls,
    /// A claim that the application wants to add may not be added.
    ClaimNotAllowed,
    /// The claims are longer than [`Minter::MAX_PAYLOAD`](crate::Minter::MAX_PAYLOAD) bytes.
    ClaimsTooLarge,
    /// The database did not begin the transaction as the user, or did not do something else that was asked of it; the
    /// [source](StdError::source) says why.
    Database,
    /// The connection was in a transaction already.
    InTransaction,
    /// A claim of the token is missing, has the wrong type, or has a value that no user's token has.
    InvalidClaim,
    /// A setting is out of its bounds.
    InvalidConfig,
    /// A signing key, or a key document, is unusable.
    InvalidKey,
    /// The JWT secret cannot be one, or is missing.
    InvalidSecret,
    /// The token's signature does not belong to its header and payload.
    InvalidSignature,
    /// The token's `iss` is not the one that is expected.
    IssuerMismatch,
    /// The keys could not be had, so the token could not be checked: the answer is 503. The
    /// [source](StdError::source) says why.
    KeysUnavailable,
    /// The user is proven, but the application does not let this kind of user in.
    KindNotAccepted(UserKind),
    /// The token's `nbf` or `iat` lies in the future.
    NotYetValid,
    /// The table mirrors the users of another project.
    OtherProject,
    /// Others read the same user at the same time, over and over.
    Overtaken,
    /// Another reconciliation of the same table is under way, or has taken this one over.
    Reconciling,
    /// The role is not one that the application allows.
    RoleNotAllowed,
    /// The token could not be signed.
    Signing,
    /// The user's access token has expired, and no Supabase token may outlive it.
    SourceExpired,
    /// A statement that was to be run as the user failed; the [source](StdError::source) says why.
    Statement,
    /// The table of users, or one that belongs to it, is missing or is not as it has to be.
    TableMismatch,
    /// The token's `exp` has passed.
    TokenExpired,
    /// Not a compact JWS with a JSON header and a JSON payload, or one that demands what is not understood.
    TokenMalformed,
    /// No key has the token's `kid`, or the token names none and there is no key without a name.
    UnknownKey,
    /// The token's `alg` is not that of the key.
    UnsupportedAlgorithm,
}

impl ErrorKind {
    /// A short name that does not change between versions, in `snake_case`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::AccessChanged => "access_changed",
            Self::Api => "api",
            Self::AudienceMismatch => "audience_mismatch",
            Self::BypassesRls => "bypasses_rls",
            Self::ClaimNotAllowed => "claim_not_allowed",
            Self::ClaimsTooLarge => "claims_too_large",
            Self::Database => "database",
            Self::InTransaction => "in_transaction",
            Self::InvalidClaim => "invalid_claim",
            Self::InvalidConfig => "invalid_config",
            Self::InvalidKey => "invalid_key",
            Self::InvalidSecret => "invalid_secret",
            Self::InvalidSignature => "invalid_signature",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::KeysUnavailable => "keys_unavailable",
            Self::KindNotAccepted(_) => "kind_not_accepted",
            Self::NotYetValid => "not_yet_valid",
            Self::OtherProject => "other_project",
            Self::Overtaken => "overtaken",
            Self::Reconciling => "reconciling",
            Self::RoleNotAllowed => "role_not_allowed",
            Self::Signing => "signing",
            Self::SourceExpired => "source_expired",
            Self::Statement => "statement",
            Self::TableMismatch => "table_mismatch",
            Self::TokenExpired => "token_expired",
            Self::TokenMalformed => "token_malformed",
            Self::UnknownKey => "unknown_key",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
        }
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                sql_state: None,
                source: None,
            }),
        }
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    #[cfg(any(feature = "postgres", feature = "sqlx", feature = "tokio-postgres"))]
    pub(crate) fn with_sql_state(mut self, code: Option<&str>) -> Self {
        self.inner.sql_state = code.map(str::to_owned);
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

    /// The code with which the database failed, such as `42501` for something that the role may not do (PostgreSQL,
    /// appendix "Error Codes"). None where it was not the database.
    #[must_use]
    pub fn sql_state(&self) -> Option<&str> {
        self.inner.sql_state.as_deref()
    }

    /// Whether a user or a token was looked at and refused. The answer is 403 for [`ErrorKind::KindNotAccepted`] and
    /// [`ErrorKind::RoleNotAllowed`], and 401 for what is wrong with a token.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self.inner.kind,
            ErrorKind::AudienceMismatch
                | ErrorKind::InvalidClaim
                | ErrorKind::InvalidSignature
                | ErrorKind::IssuerMismatch
                | ErrorKind::KindNotAccepted(_)
                | ErrorKind::NotYetValid
                | ErrorKind::RoleNotAllowed
                | ErrorKind::SourceExpired
                | ErrorKind::TokenExpired
                | ErrorKind::TokenMalformed
                | ErrorKind::UnknownKey
                | ErrorKind::UnsupportedAlgorithm
        )
    }

    /// Whether the same may go well later, as it is: keys, the Hexclave API or the database are not to be reached, is in trouble
    /// or busy, or somebody else was at the same thing.
    ///
    /// Of the database that is what it says itself: PostgreSQL's classes 08, 40, 53, 55 and 57, and a connection that
    /// is gone, but not while a [statement](ErrorKind::Statement) was run, for it may have been committed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.inner.kind {
            ErrorKind::KeysUnavailable | ErrorKind::Overtaken | ErrorKind::Reconciling => true,
            ErrorKind::Api => {
                let source = self.source().and_then(|source| source.downcast_ref());
                source.is_some_and(hexclave_core::Error::is_retryable)
            }
            ErrorKind::Database | ErrorKind::Statement => match self.sql_state() {
                Some(state) => ["08", "40", "53", "55", "57"]
                    .iter()
                    .any(|class| state.starts_with(class)),
                // Of a statement of the caller's nobody can tell whether it was committed.
                None => self.inner.kind == ErrorKind::Database,
            },
            _ => false,
        }
    }

    /// The status with which a web server that ran into this answers: 503 where the same [may go
    /// well](Self::is_retryable) later, 403 for somebody who is proven and not let in, 401 for what is wrong with a token,
    /// and 500 for what is wrong with the server.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self.inner.kind {
            _ if self.is_retryable() => 503,
            ErrorKind::KindNotAccepted(_) | ErrorKind::RoleNotAllowed => 403,
            _ if self.is_refusal() => 401,
            _ => 500,
        }
    }

    /// Whether time alone is the reason, so that a fresh token of the user's may pass.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        matches!(
            self.inner.kind,
            ErrorKind::SourceExpired | ErrorKind::TokenExpired
        )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_status() {
        for (kind, status) in [
            (ErrorKind::KeysUnavailable, 503),
            (ErrorKind::Database, 503),
            (ErrorKind::KindNotAccepted(UserKind::Anonymous), 403),
            (ErrorKind::RoleNotAllowed, 403),
            (ErrorKind::SourceExpired, 401),
            (ErrorKind::InvalidSignature, 401),
            (ErrorKind::InvalidSecret, 500),
            (ErrorKind::ClaimNotAllowed, 500),
            (ErrorKind::Api, 500),
        ] {
            assert_eq!(Error::new(kind, "").http_status(), status, "{kind:?}");
        }
    }
}
