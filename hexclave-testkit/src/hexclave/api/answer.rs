//! What every answer of Hexclave's API has in common.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hexclave_core::UserId;
use serde::Serialize;
use serde_json::json;

use super::super::{
    HexclaveError,
    api_error::{ApiError, JSON},
    base32,
    signing_key::random_bytes,
};

pub(crate) type Answer = Result<Response, ApiError>;

const ACTUAL_STATUS: [HeaderName; 2] = [
    HeaderName::from_static("x-stack-actual-status"),
    HeaderName::from_static("x-hexclave-actual-status"),
];
pub(crate) const REQUEST_ID: [HeaderName; 2] = [
    HeaderName::from_static("x-stack-request-id"),
    HeaderName::from_static("x-hexclave-request-id"),
];
const OVERRIDE_STATUS: [&str; 2] = [
    "x-stack-override-error-status",
    "x-hexclave-override-error-status",
];
/// What pages of other origins may read of an answer.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-stack-actual-status, x-hexclave-actual-status, x-stack-known-error, x-hexclave-known-error, \
     x-stack-request-id, x-hexclave-request-id, retry-after",
);

/// The status that an answer has where nobody overrides it, which it carries for the log of requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ActualStatus(pub(crate) StatusCode);

/// The user who has signed in or has got a token, which an answer carries for the log of requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedIn(pub(crate) UserId);

/// An error that is answered whatever the request asks for.
#[derive(Clone, Debug)]
pub(crate) struct Refusal(pub(crate) ApiError);

/// A list, in one piece or a page of it.
#[derive(Serialize)]
pub(crate) struct List<T> {
    items: Vec<T>,
    is_paginated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination: Option<Pagination>,
}

#[derive(Serialize)]
struct Pagination {
    next_cursor: Option<String>,
}

impl<T> List<T> {
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self {
            items,
            is_paginated: false,
            pagination: None,
        }
    }

    pub(crate) fn page(items: Vec<T>, next_cursor: Option<String>) -> Self {
        Self {
            items,
            is_paginated: true,
            pagination: Some(Pagination { next_cursor }),
        }
    }
}

/// A JSON answer with status 200.
pub(crate) fn json_answer(body: &impl Serialize) -> Answer {
    let text = serde_json::to_string(body)
        .map_err(|error| HexclaveError::with_source("an answer has no JSON text", error))?;
    Ok(([(header::CONTENT_TYPE, JSON)], text).into_response())
}

/// The JSON of what has been made, with status 201.
pub(crate) fn created(body: &impl Serialize) -> Answer {
    let mut answer = json_answer(body)?;
    *answer.status_mut() = StatusCode::CREATED;
    Ok(answer)
}

/// What is answered where there is nothing to say.
pub(crate) fn success() -> Answer {
    json_answer(&json!({ "success": true }))
}

/// What every answer has: no caching unless the endpoint says otherwise, a request id, leave for pages of other
/// origins, and, for those who asked for it, errors of 4xx as 200 with the real status in a header.
pub(crate) async fn finish(mut request: Request, next: Next) -> Response<Body> {
    let override_status = OVERRIDE_STATUS
        .iter()
        .any(|name| request.headers().contains_key(*name));
    let mut response = if request.method() == Method::OPTIONS {
        preflight(request.headers())
    } else {
        match request.extensions_mut().remove::<Refusal>() {
            Some(Refusal(error)) => error.into_response(),
            None => next.run(request).await,
        }
    };
    let status = response.status();
    let headers = response.headers_mut();
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store, max-age=0"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
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
    response.extensions_mut().insert(ActualStatus(status));
    response
}

/// Whatever a page of another origin asks for, it may send.
fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    );
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    response
}
