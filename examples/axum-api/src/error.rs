use std::error::Error as StdError;

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use deadpool_postgres::PoolError;
use hexclave_core::web::Denial;
use serde_json::json;
use tokio_postgres::error::SqlState;

/// Seconds after which it is worth a try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// Why a request was not answered as its user wished.
pub(crate) enum Error {
    /// The user is not let in, or could not be checked: core knows the answer.
    Denied(Denial),
    Supabase(hexclave_supabase::Error),
    Convex(hexclave_convex::Error),
    Pool(PoolError),
    Statement(tokio_postgres::Error),
}

impl Error {
    /// What is wrong with the request is 4xx, what may pass is 503, and all else is our mistake.
    fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Denied(denial) => (denial.status(), denial.error().code()),
            Self::Supabase(error) => (
                StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                error.code(),
            ),
            Self::Convex(error) if error.is_retryable() => (StatusCode::SERVICE_UNAVAILABLE, error.code()),
            Self::Convex(error) => (StatusCode::BAD_GATEWAY, error.code()),
            Self::Pool(_) => (StatusCode::SERVICE_UNAVAILABLE, "database_unavailable"),
            Self::Statement(error) if error.code() == Some(&SqlState::CHECK_VIOLATION) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "text_length")
            }
            Self::Statement(error) if error.is_closed() => {
                (StatusCode::SERVICE_UNAVAILABLE, "database_unavailable")
            }
            Self::Statement(_) => (StatusCode::INTERNAL_SERVER_ERROR, "statement"),
        }
    }

    fn cause(&self) -> &(dyn StdError + 'static) {
        match self {
            Self::Denied(denial) => denial.error(),
            Self::Supabase(error) => error,
            Self::Convex(error) => error,
            Self::Pool(error) => error,
            Self::Statement(error) => error,
        }
    }
}

/// A status and a code. Details are for the log: they speak of the server, and perhaps of others.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code) = self.status();
        if status.is_server_error() {
            tracing::error!(code, cause = self.cause(), "a request has failed");
        }
        if let Self::Denied(denial) = self {
            return denial.into_response();
        }
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        let problem = json!({ "title": status.canonical_reason(), "status": status.as_u16(), "code": code });
        (status, headers, Json(problem)).into_response()
    }
}

impl From<hexclave_core::Error> for Error {
    fn from(error: hexclave_core::Error) -> Self {
        Self::Denied(error.into())
    }
}

impl From<hexclave_supabase::Error> for Error {
    fn from(error: hexclave_supabase::Error) -> Self {
        Self::Supabase(error)
    }
}

impl From<hexclave_convex::Error> for Error {
    fn from(error: hexclave_convex::Error) -> Self {
        Self::Convex(error)
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Statement(error)
    }
}
