use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use super::{api::ActualStatus, api_error::KnownCode, app::App};

/// How many requests are remembered.
const CAPACITY: usize = 10_000;

/// A request that a [`LocalHexclave`](super::LocalHexclave) was asked: what for, and what became of it.
///
/// Neither headers nor bodies nor query parameters are kept, for they hold secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// The method, in upper case.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// The status of the answer, before an override made it 200; `None` as long as there is no answer.
    pub status: Option<u16>,
    /// The code of the known error, such as `USER_NOT_FOUND`, if the answer was one.
    pub known_error: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    requests: VecDeque<LoggedRequest>,
    /// How many there were before those that are remembered.
    forgotten: usize,
}

impl RequestLog {
    pub(crate) fn all(&self) -> Vec<LoggedRequest> {
        self.log().requests.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        let mut log = self.log();
        log.forgotten += log.requests.len();
        log.requests.clear();
    }

    /// Writes a request down and returns its number.
    fn arrived(&self, method: String, path: String) -> usize {
        let mut log = self.log();
        if log.requests.len() >= CAPACITY {
            log.requests.pop_front();
            log.forgotten += 1;
        }
        log.requests.push_back(LoggedRequest {
            method,
            path,
            status: None,
            known_error: None,
        });
        log.forgotten + log.requests.len() - 1
    }

    fn answered(&self, number: usize, status: u16, known_error: Option<String>) {
        let mut log = self.log();
        let Some(index) = number.checked_sub(log.forgotten) else {
            return;
        };
        if let Some(request) = log.requests.get_mut(index) {
            request.status = Some(status);
            request.known_error = known_error;
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes each request down when it arrives and when it is answered.
pub(crate) async fn record(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let method = request.method().to_string();
    let number = app.log().arrived(method, request.uri().path().to_owned());
    let response = next.run(request).await;
    let extensions = response.extensions();
    let actual = extensions.get::<ActualStatus>();
    let status = actual.map_or(response.status(), |actual| actual.0);
    let code = extensions
        .get::<KnownCode>()
        .map(|code| code.0.clone().into_owned());
    app.log().answered(number, status.as_u16(), code);
    response
}
