use std::error::Error as StdError;

use askama::Template;
use axum::{
    extract::rejection::FormRejection,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use hexclave_core::web::Denial;

/// Seconds after which it is worth a try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// Why there is no page.
pub(crate) enum Failure {
    /// The user is not let in, or could not be checked: core knows the answer.
    Denied(Denial),
    /// The form is one of another site.
    ForeignOrigin,
    Form(FormRejection),
    Supabase(hexclave_supabase::Error),
    Statement(sqlx::Error),
    Template(askama::Error),
}

#[derive(Template)]
#[template(path = "failure.html")]
struct Page<'a> {
    title: &'a str,
    detail: &'a str,
}

impl Failure {
    /// The status, and what people are told.
    fn answer(&self) -> (StatusCode, String) {
        match self {
            Self::Denied(denial) => (denial.status(), denial.to_string()),
            Self::ForeignOrigin => (
                StatusCode::FORBIDDEN,
                "This form was not sent from our page.".to_owned(),
            ),
            Self::Form(rejection) => (rejection.status(), "The form is not one of ours.".to_owned()),
            Self::Supabase(error) if error.is_retryable() => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The notes are not to be had at the moment: try again.".to_owned(),
            ),
            Self::Supabase(_) | Self::Statement(_) | Self::Template(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something is wrong here, and we have been told.".to_owned(),
            ),
        }
    }

    fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Denied(denial) => Some(denial.error()),
            Self::ForeignOrigin => None,
            Self::Form(rejection) => Some(rejection),
            Self::Supabase(error) => Some(error),
            Self::Statement(error) => Some(error),
            Self::Template(error) => Some(error),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, detail) = self.answer();
        if status.is_server_error() {
            tracing::error!(
                status = status.as_u16(),
                cause = self.cause(),
                "a request has failed"
            );
        }
        let title = status.canonical_reason().unwrap_or("Failure");
        let page = Page {
            title,
            detail: &detail,
        };
        // A page that cannot be made says the one thing that matters.
        let page = page.render().unwrap_or(detail);
        let mut response = (status, Html(page)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}

impl From<Denial> for Failure {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<FormRejection> for Failure {
    fn from(rejection: FormRejection) -> Self {
        Self::Form(rejection)
    }
}

impl From<hexclave_supabase::Error> for Failure {
    fn from(error: hexclave_supabase::Error) -> Self {
        Self::Supabase(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Statement(error)
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        Self::Template(error)
    }
}
