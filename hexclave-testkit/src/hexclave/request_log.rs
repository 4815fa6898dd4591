use std::sync::{Mutex, PoisonError};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use super::{api_error::KnownCode, app::App};

/// The newest requests that are remembered.
const CAPACITY: usize = 10_000;

/// A request that a [`LocalHexclave`](super::LocalHexclave) has answered: what was asked and what became of it.
///
/// Neither headers nor bodies nor query parameters are kept, for they hold secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// The method, in upper case.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// The status, before an [override](super#what-is-served) made it 200.
    pub status: u16,
    /// The code of the known error, such as `USER_NOT_FOUND`, if it was one.
    pub known_error: Option<&'static str>,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog(Mutex<Vec<LoggedRequest>>);

impl RequestLog {
    pub(crate) fn all(&self) -> Vec<LoggedRequest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn add(&self, request: LoggedRequest) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() >= CAPACITY {
            log.remove(0);
        }
        log.push(request);
    }
}

/// Writes down each request when it has been answered.
pub(crate) async fn record(State(app): State<std::sync::Arc<App>>, request: Request, next: Next) -> Response {
    let method = request.method().to_string();
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    app.log().add(LoggedRequest {
        method,
        path,
        status: response.status().as_u16(),
        known_error: response.extensions().get::<KnownCode>().map(|code| code.0),
    });
    response
}
