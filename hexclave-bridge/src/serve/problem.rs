//! Errors of the service itself. Those of tokens are [`hexclave_core::web::Denial`]s, in the same form.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// Seconds after which it is worth a try again.
pub(super) const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// A problem in JSON (RFC 9457) with a code for programs. Its texts are fixed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: &'static str,
}

/// The stable code of an answer, in its extensions, for the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code(pub(super) &'static str);

impl Problem {
    pub(super) const BODY_BROKE_OFF: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "body_broke_off",
        "The request's body ended before it was complete.",
    );
    pub(super) const BODY_TOO_LARGE: Self = Self::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "The request's body is longer than is read here.",
    );
    pub(super) const METHOD_NOT_ALLOWED: Self = Self::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This takes another method: see the header Allow.",
    );
    pub(super) const NOT_FOUND: Self = Self::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "There is nothing here: /openapi.json lists what there is.",
    );
    pub(super) const NOT_HANDLED: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "webhook_not_handled",
        "The delivery is genuine, but could not be dealt with: send it again.",
    );
    pub(super) const NOT_MINTED: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "not_minted",
        "The token could not be made.",
    );
    pub(super) const NOT_READY: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "keys_unavailable",
        "The project's keys are not at hand: no token can be checked.",
    );
    pub(super) const ORIGIN_NOT_ALLOWED: Self = Self::new(
        StatusCode::FORBIDDEN,
        "origin_not_allowed",
        "Cookies are not taken from pages of this origin.",
    );
    pub(super) const OVERLOADED: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "overloaded",
        "There are too many requests at the moment: try again.",
    );
    pub(super) const TIMED_OUT: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "timed_out",
        "The request took too long: try again.",
    );

    const fn new(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self { status, code, detail }
    }

    pub(super) fn body(self) -> String {
        json!({
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        })
        .to_string()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "application/problem+json"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        let mut response = (self.status, headers, self.body()).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response.extensions_mut().insert(Code(self.code));
        response
    }
}
