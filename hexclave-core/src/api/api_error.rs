use std::{error::Error as StdError, fmt, time::Duration};

use http::StatusCode;
use serde_json::Value;

use super::ErrorCode;
use crate::{Error, ErrorKind, UserKind};

/// What the Hexclave API answered instead of what was asked for: see [`Error::api`].
///
/// Neither `Debug` nor `Display` shows the [`text`](Self::text) or the [`details`](Self::details): they may hold
/// e-mail addresses and codes.
pub struct ApiError {
    pub(super) status: StatusCode,
    pub(super) code: Option<ErrorCode>,
    pub(super) text: String,
    pub(super) details: Value,
    pub(super) request_id: Option<String>,
    pub(super) retry_after: Option<Duration>,
}

impl ApiError {
    /// The HTTP status that the API meant, where it sent another one (200) on request, and otherwise the one it sent.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong. `None` when the answer has no code: from a firewall, a proxy, or a server in trouble.
    #[must_use]
    pub fn code(&self) -> Option<&ErrorCode> {
        self.code.as_ref()
    }

    /// The API's words for people, in English and without any promise to stay the same. They may repeat what was
    /// sent, such as an e-mail address.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What belongs to the code, such as `restricted_reason` or `min_length`; null when there is nothing.
    #[must_use]
    pub fn details(&self) -> &Value {
        &self.details
    }

    /// The id under which Hexclave's operators find the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// How long the server asks to be left alone, from the moment of its answer.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// What the answer means to callers.
    pub(super) fn kind(&self) -> ErrorKind {
        match &self.code {
            Some(ErrorCode::AccessTokenExpired) => ErrorKind::TokenExpired,
            Some(ErrorCode::InvalidProjectForAccessToken) => ErrorKind::ProjectMismatch,
            Some(ErrorCode::UnparsableAccessToken) => ErrorKind::TokenRejected,
            Some(ErrorCode::AnonymousAuthenticationNotAllowed) => {
                ErrorKind::KindNotAccepted(UserKind::Anonymous)
            }
            Some(ErrorCode::RestrictedUserNotAllowed) => ErrorKind::KindNotAccepted(UserKind::Restricted),
            Some(ErrorCode::CannotGetOwnUserWithoutUser) => ErrorKind::UserGone,
            Some(ErrorCode::RefreshTokenNotFoundOrExpired) => ErrorKind::SessionEnded,
            Some(code) if code.is_project_key_failure() => ErrorKind::ProjectKeyRejected,
            Some(_) => ErrorKind::ApiRejected,
            None if self.is_trouble() => ErrorKind::ApiUnavailable,
            None => ErrorKind::ApiRejected,
        }
    }

    /// Whether the answer is about the server's state and says nothing about what was asked.
    pub(super) fn is_trouble(&self) -> bool {
        let busy = matches!(
            self.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        );
        self.code.is_none() && (busy || self.status.is_server_error())
    }

    pub(super) fn into_error(self, request: &str) -> Error {
        Error::new(self.kind(), format!("{request}: {self}")).with_source(self)
    }
}

impl Error {
    /// The API's answer, if it gave one. There is none when it could not be reached, or was not understood.
    #[must_use]
    pub fn api(&self) -> Option<&ApiError> {
        StdError::source(self)?.downcast_ref()
    }

    /// How long the server asked to be left alone, if it did and that is why the client gave up.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.api()?.retry_after()
    }
}

impl StdError for ApiError {}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the Hexclave API answered {}", self.status.as_u16())?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.status)
            .field("code", &self.code)
            .field("request_id", &self.request_id)
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}
