//! What is seen of each request: its id, a line in the log, and metrics.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};
use uuid::Uuid;

use super::{problem::Code, telemetry::Requests};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_ID: usize = 128;
/// Asked every few seconds: not worth a line each.
const PROBES: [&str; 3] = ["/livez", "/readyz", "/metrics"];

tokio::task_local! {
    /// The id of the request that is worked on, for the log.
    pub(super) static CURRENT_REQUEST: HeaderValue;
}

/// Counts and logs a request. Of what the client has sent, nothing but the method and the request id is in there: paths
/// are those of the routes.
pub(super) async fn watch(State(requests): State<Requests>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let answer = answer(&requests, request, next);
    let mut response = CURRENT_REQUEST.scope(id.clone(), answer).await;
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

async fn answer(requests: &Requests, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = known(request.method());
    let path: Option<MatchedPath> = request.extensions().get().cloned();
    let route = path.as_ref().map_or("none", MatchedPath::as_str);

    let in_flight = requests.begin();
    let response = next.run(request).await;
    drop(in_flight);

    let status = response.status().as_u16();
    let seconds = started.elapsed().as_secs_f64();
    let code = response.extensions().get().map(|Code(code)| *code);
    requests.answered(route, method, status, seconds);
    if PROBES.contains(&route) {
        tracing::debug!(method, route, status, code, seconds, "answered");
    } else {
        tracing::info!(method, route, status, code, seconds, "answered");
    }
    response
}

/// The id that the proxy in front has given the request, if it is one, or else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_id = |id: &&HeaderValue| {
        let id = id.as_bytes();
        let is_harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
        (1..=LONGEST_ID).contains(&id.len()) && id.iter().all(is_harmless)
    };
    match headers.get(REQUEST_ID).filter(is_id) {
        Some(id) => id.clone(),
        None => {
            HeaderValue::try_from(Uuid::new_v4().to_string()).unwrap_or(HeaderValue::from_static("unknown"))
        }
    }
}

/// A method as a label: clients may invent some, and each label is kept.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
