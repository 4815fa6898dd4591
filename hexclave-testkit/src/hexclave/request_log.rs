use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use axum::{
    extract::{Request, State},
    http::HeaderName,
    middleware::Next,
    response::Response,
};
use hexclave_core::UserId;

use super::{
    api::{ActualStatus, REQUEST_ID, SignedIn},
    api_error::KnownCode,
    app::App,
};

/// How many requests are remembered.
const CAPACITY: usize = 10_000;

/// A request that a [`LocalHexclave`](super::LocalHexclave) was asked: what for, by whom, and what became of it.
///
/// Neither headers nor bodies nor query parameters are kept, for they hold secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// When it arrived, by the server's clock.
    pub arrived_at: SystemTime,
    /// The method, in upper case.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// `client` or `server`: the access type of a request whose keys were right.
    pub access_type: Option<&'static str>,
    /// The user whose access token came with it, or who has signed in with it.
    pub user_id: Option<UserId>,
    /// The id that the answer has in `x-hexclave-request-id`; none where a fault has answered.
    pub request_id: Option<String>,
    /// The status of the answer, before an override made it 200; `None` as long as there is no answer.
    pub status: Option<u16>,
    /// The code of the known error, such as `USER_NOT_FOUND`, if the answer was one.
    pub known_error: Option<String>,
    /// How long the answer took.
    pub took: Option<Duration>,
}

/// Who is told of each request that is answered.
#[derive(Clone)]
pub(crate) struct Observer(pub(crate) Arc<dyn Fn(&LoggedRequest) + Send + Sync>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer(..)")
    }
}

/// Who a request turns out to come from, which whoever finds out notes here.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallerNote(Arc<OnceLock<(&'static str, Option<UserId>)>>);

impl CallerNote {
    pub(crate) fn note(&self, access_type: &'static str, user: Option<UserId>) {
        // Whoever has found out first was right.
        let _ = self.0.set((access_type, user));
    }
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    log: Mutex<Log>,
    observer: Option<Observer>,
}

#[derive(Debug, Default)]
struct Log {
    requests: VecDeque<LoggedRequest>,
    /// How many there were before those that are remembered.
    forgotten: usize,
}

impl RequestLog {
    pub(crate) fn new(observer: Option<Observer>) -> Self {
        Self {
            log: Mutex::default(),
            observer,
        }
    }

    pub(crate) fn all(&self) -> Vec<LoggedRequest> {
        self.log().requests.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        let mut log = self.log();
        log.forgotten += log.requests.len();
        log.requests.clear();
    }

    /// Writes a request down and returns its number.
    fn arrived(&self, request: LoggedRequest) -> usize {
        let mut log = self.log();
        if log.requests.len() >= CAPACITY {
            log.requests.pop_front();
            log.forgotten += 1;
        }
        log.requests.push_back(request);
        log.forgotten + log.requests.len() - 1
    }

    /// Writes down what has become of the request with this number.
    fn answered(&self, number: usize, request: LoggedRequest) {
        if let Some(Observer(tell)) = &self.observer {
            tell(&request);
        }
        let mut log = self.log();
        let Some(index) = number.checked_sub(log.forgotten) else {
            return;
        };
        if let Some(known) = log.requests.get_mut(index) {
            *known = request;
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes each request down when it arrives and when it is answered.
pub(crate) async fn record(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let mut logged = LoggedRequest {
        arrived_at: app.clock().now(),
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        access_type: None,
        user_id: None,
        request_id: None,
        status: None,
        known_error: None,
        took: None,
    };
    let number = app.log().arrived(logged.clone());
    let note = CallerNote::default();
    request.extensions_mut().insert(note.clone());
    let begin = Instant::now();
    let response = next.run(request).await;

    let extensions = response.extensions();
    let actual = extensions.get::<ActualStatus>();
    let status = actual.map_or(response.status(), |actual| actual.0);
    logged.status = Some(status.as_u16());
    logged.known_error = extensions
        .get::<KnownCode>()
        .map(|code| code.0.clone().into_owned());
    if let Some((access_type, user)) = note.0.get() {
        logged.access_type = Some(access_type);
        logged.user_id = *user;
    }
    if let Some(SignedIn(user)) = extensions.get() {
        logged.user_id = Some(*user);
    }
    let [id, _]: &[HeaderName; 2] = &REQUEST_ID;
    logged.request_id = response
        .headers()
        .get(id)
        .and_then(|id| id.to_str().ok())
        .map(str::to_owned);
    logged.took = Some(begin.elapsed());
    app.log().answered(number, logged);
    response
}
