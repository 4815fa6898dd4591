//! What Hexclave's API answers, errors included.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{HexclaveError, base32, signing_key::random_bytes};

pub(crate) type Answer = Result<Response, ApiError>;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const KNOWN_ERROR: [HeaderName; 2] = [
    HeaderName::from_static("x-stack-known-error"),
    HeaderName::from_static("x-hexclave-known-error"),
];
const ACTUAL_STATUS: [HeaderName; 2] = [
    HeaderName::from_static("x-stack-actual-status"),
    HeaderName::from_static("x-hexclave-actual-status"),
];
const REQUEST_ID: [HeaderName; 2] = [
    HeaderName::from_static("x-stack-request-id"),
    HeaderName::from_static("x-hexclave-request-id"),
];
const OVERRIDE_STATUS: [&str; 2] = [
    "x-stack-override-error-status",
    "x-hexclave-override-error-status",
];

/// An error of the API: a known one with a code, or a text.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    known: Option<(&'static str, Map<String, Value>)>,
    message: String,
}

impl ApiError {
    pub(crate) fn known(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            known: Some((code, Map::new())),
            message: message.into(),
        }
    }

    pub(crate) fn schema(message: impl Into<String>) -> Self {
        let message = message.into();
        Self::known(400, "SCHEMA_ERROR", message.clone()).with("message", json!(message))
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            known: None,
            message: message.into(),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        if let Some((_, details)) = &mut self.known {
            details.insert(name.to_owned(), value);
        }
        self
    }
}

impl From<HexclaveError> for ApiError {
    fn from(error: HexclaveError) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            known: None,
            message: error.to_string(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Some((code, details)) = self.known else {
            return (self.status, [(header::CONTENT_TYPE, TEXT)], self.message).into_response();
        };
        let mut body = Map::from_iter([
            ("code".to_owned(), json!(code)),
            ("error".to_owned(), json!(self.message)),
        ]);
        if !details.is_empty() {
            body.insert("details".to_owned(), Value::Object(details));
        }
        let body = Value::Object(body);
        let mut response = (self.status, [(header::CONTENT_TYPE, JSON)], format!("{body:#}")).into_response();
        for name in KNOWN_ERROR {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(code));
        }
        response
    }
}

/// A JSON answer with status 200.
pub(crate) fn json_answer(body: &impl serde::Serialize) -> Answer {
    let text = serde_json::to_string(body)
        .map_err(|error| HexclaveError::with_source("an answer has no JSON text", error))?;
    Ok(([(header::CONTENT_TYPE, JSON)], text).into_response())
}

/// What every answer has: no caching unless the endpoint says otherwise, a request id, and, for those who asked
/// for it, errors of 4xx as 200 with the real status in a header.
pub(crate) async fn finish(request: Request, next: Next) -> Response<Body> {
    let override_status = OVERRIDE_STATUS
        .iter()
        .any(|name| request.headers().contains_key(*name));
    let mut response = next.run(request).await;
    let status = response.status();
    let headers = response.headers_mut();
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store, max-age=0"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let request_id = random_bytes::<10>()
        .map(|bytes| base32(&bytes))
        .unwrap_or_default();
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        for name in REQUEST_ID {
            headers.insert(name, id.clone());
        }
    }
    if override_status && status.is_client_error() {
        for name in ACTUAL_STATUS {
            headers.insert(name, HeaderValue::from(status.as_u16()));
        }
        *response.status_mut() = StatusCode::OK;
    }
    response
}
