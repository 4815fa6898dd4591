//! What goes wrong between a client and Hexclave, on demand.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use hexclave_core::Clock;
use serde_json::{Map, Value};
use tokio::{sync::watch, task::yield_now, time::sleep};

use super::{LocalHexclave, api::Refusal, api_error::ApiError, app::App};

/// Something that goes wrong with requests, until it has happened often enough or the server is
/// [healed](LocalHexclave::heal).
///
/// ```no_run
/// use hexclave_testkit::hexclave::{Fault, LocalHexclave, RetryAfter};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let hexclave = LocalHexclave::start().await?;
/// // The current user is not to be had twice, then it is.
/// hexclave.inject(Fault::too_many_requests(Some(RetryAfter::Seconds(1))).on("GET", "/users/me").times(2));
/// // Whatever else a client asks for never gets an answer.
/// hexclave.inject(Fault::hang());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Fault {
    kind: Kind,
    endpoint: Option<Endpoint>,
    times: Option<usize>,
}

#[derive(Clone, Debug)]
enum Kind {
    Status(StatusCode),
    Refusal(ApiError),
    TooManyRequests(Option<RetryAfter>),
    Garbage,
    Hang,
    HoldBack,
    Drip(Duration),
    Cut,
    Close,
}

/// When a client that asks too often may ask again: the two forms of `Retry-After` (RFC 9110, section 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// So many seconds later.
    Seconds(u64),
    /// At a date, in so many seconds by the server's clock.
    DateIn(u64),
}

#[derive(Clone, Debug)]
struct Endpoint {
    method: String,
    path: String,
}

impl Fault {
    /// An answer with this status and an empty body, as a proxy in front of Hexclave gives it; 503 where the number
    /// is no status.
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Status(status_code(status)))
    }

    /// An error in plain text with this status, as Hexclave gives those that have no code; 500 where the number is no
    /// status.
    pub fn text(status: u16, text: &str) -> Self {
        Self::new(Kind::Refusal(ApiError::text(status, text)))
    }

    /// One of Hexclave's known errors, with its code and the `details` that the code wants: for those that this server
    /// has no other cause for. Without details where they are no object; status 500 where the number is no status.
    ///
    /// ```
    /// use hexclave_testkit::hexclave::Fault;
    /// use serde_json::json;
    ///
    /// let rejected = Fault::known_error(403, "SIGN_UP_REJECTED", json!({ "message": "Not today." }))
    ///     .on("POST", "/auth/password/sign-up");
    /// ```
    pub fn known_error(status: u16, code: &str, details: Value) -> Self {
        let error = ApiError::known(status, code.to_owned(), "This error was asked for.");
        let details = match details {
            Value::Object(details) => details,
            _ => Map::new(),
        };
        let error = details
            .into_iter()
            .fold(error, |error, (name, value)| error.with(&name, value));
        Self::new(Kind::Refusal(error))
    }

    /// The status 429, as a firewall gives it: without any header of Hexclave's.
    pub fn too_many_requests(retry_after: Option<RetryAfter>) -> Self {
        Self::new(Kind::TooManyRequests(retry_after))
    }

    /// The status 200 and a body that says it is JSON and is not.
    pub fn garbage() -> Self {
        Self::new(Kind::Garbage)
    }

    /// No answer, until the server is healed. Then the request is answered, if somebody still waits.
    pub fn hang() -> Self {
        Self::new(Kind::Hang)
    }

    /// The right answer of this moment, held back until the server is healed: by then it may be out of date.
    /// [`LocalHexclave::answers_held_back`] counts them.
    pub fn hold_back() -> Self {
        Self::new(Kind::HoldBack)
    }

    /// The right answer, byte after byte with a pause before each.
    pub fn drip(pause: Duration) -> Self {
        Self::new(Kind::Drip(pause))
    }

    /// The right answer up to its middle, where the connection is cut. The request has been carried out.
    pub fn cut() -> Self {
        Self::new(Kind::Cut)
    }

    /// No answer: the connection is closed, and the request has not been carried out.
    pub fn close() -> Self {
        Self::new(Kind::Close)
    }

    /// Goes wrong with one endpoint only: its method, and its path after `/api/v1`, in which `{…}` stands for any
    /// one segment, as in `/users/{id}`.
    pub fn on(mut self, method: &str, path: &str) -> Self {
        self.endpoint = Some(Endpoint {
            method: method.to_owned(),
            path: path.to_owned(),
        });
        self
    }

    /// Goes wrong so many times only.
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            endpoint: None,
            times: None,
        }
    }

    fn concerns(&self, method: &str, path: &str) -> bool {
        let here = self
            .endpoint
            .as_ref()
            .is_none_or(|endpoint| endpoint.method.eq_ignore_ascii_case(method) && endpoint.is_at(path));
        here && self.times != Some(0)
    }
}

/// What goes wrong, where, and how often.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Status(status) => write!(f, "status {}", status.as_u16())?,
            Kind::Refusal(error) => write!(f, "error {}", error.code().unwrap_or("in plain text"))?,
            Kind::TooManyRequests(_) => f.write_str("status 429")?,
            Kind::Garbage => f.write_str("no JSON")?,
            Kind::Hang => f.write_str("no answer")?,
            Kind::HoldBack => f.write_str("answers held back")?,
            Kind::Drip(_) => f.write_str("slow answers")?,
            Kind::Cut => f.write_str("half an answer")?,
            Kind::Close => f.write_str("closed connections")?,
        }
        match &self.endpoint {
            Some(Endpoint { method, path }) => write!(f, " at {method} {path}")?,
            None => f.write_str(" at every endpoint")?,
        }
        match self.times {
            Some(1) => f.write_str(", once"),
            Some(times) => write!(f, ", {times} times"),
            None => Ok(()),
        }
    }
}

impl Endpoint {
    fn is_at(&self, path: &str) -> bool {
        let path = ["/api/v1", "/api/latest"]
            .iter()
            .find_map(|prefix| path.strip_prefix(prefix))
            .unwrap_or(path);
        let (mut wanted, mut given) = (self.path.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(wanted), Some(given)) if wanted == given || wanted.starts_with('{') => {}
                _ => return false,
            }
        }
    }
}

/// Faults are looked at in the order in which they were injected; the first that concerns a request happens.
impl LocalHexclave {
    /// Has something go wrong from now on.
    pub fn inject(&self, fault: Fault) {
        self.app().faults().add(fault);
    }

    /// Ends all faults; requests that hang are answered.
    pub fn heal(&self) {
        self.app().faults().heal();
    }

    /// How many answers are [held back](Fault::hold_back) now: what they say stands fast, and nobody has it yet.
    #[must_use]
    pub fn answers_held_back(&self) -> usize {
        self.app().faults().held_back.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
pub(crate) struct Faults {
    all: Mutex<Vec<Fault>>,
    /// Changes when the server is healed.
    healed: watch::Sender<()>,
    held_back: AtomicUsize,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            all: Mutex::default(),
            healed: watch::Sender::new(()),
            held_back: AtomicUsize::new(0),
        }
    }
}

impl Faults {
    pub(crate) fn heal(&self) {
        self.all().clear();
        self.healed.send_replace(());
    }

    pub(crate) fn add(&self, fault: Fault) {
        self.all().push(fault);
    }

    /// What goes wrong now, in words.
    pub(crate) fn descriptions(&self) -> Vec<String> {
        self.all().iter().map(Fault::to_string).collect()
    }

    fn all(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What goes wrong with a request, which counts as one time.
    fn of(&self, method: &str, path: &str) -> Option<Kind> {
        let mut all = self.all();
        let found = all.iter().position(|fault| fault.concerns(method, path))?;
        let fault = all.get_mut(found)?;
        let kind = fault.kind.clone();
        if let Some(times) = &mut fault.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                drop(all.remove(found));
            }
        }
        Some(kind)
    }
}

pub(crate) async fn inject(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    // Before the fault is looked up, so that no healing is missed.
    let mut healed = app.faults().healed.subscribe();
    let Some(kind) = app.faults().of(request.method().as_str(), request.uri().path()) else {
        return next.run(request).await;
    };
    match kind {
        Kind::Status(status) => status.into_response(),
        Kind::Refusal(error) => {
            request.extensions_mut().insert(Refusal(error));
            next.run(request).await
        }
        Kind::TooManyRequests(retry_after) => {
            let mut response = StatusCode::TOO_MANY_REQUESTS.into_response();
            if let Some(value) = retry_after.and_then(|retry_after| retry_after.value(app.clock())) {
                response.headers_mut().insert(header::RETRY_AFTER, value);
            }
            response
        }
        Kind::Garbage => {
            let json = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
            (json, "{\"id\":\u{fffd}<html>").into_response()
        }
        Kind::Hang => {
            // It cannot fail: the sender belongs to the server that this runs in.
            let _ = healed.changed().await;
            next.run(request).await
        }
        Kind::HoldBack => {
            let response = next.run(request).await;
            let _held_back = HeldBack::count(&app.faults().held_back);
            // As above.
            let _ = healed.changed().await;
            response
        }
        Kind::Drip(pause) => in_pieces(next.run(request).await, 1, Some(pause), false).await,
        Kind::Close => {
            // The body fails before the server has sent what it has of the answer.
            let nothing = stream::once(async { Err::<Bytes, _>(CutConnection) });
            Body::from_stream(nothing).into_response()
        }
        Kind::Cut => in_pieces(next.run(request).await, usize::MAX, None, true).await,
    }
}

/// Counts an answer for as long as somebody waits for it.
struct HeldBack<'a>(&'a AtomicUsize);

impl<'a> HeldBack<'a> {
    fn count(number: &'a AtomicUsize) -> Self {
        number.fetch_add(1, Ordering::SeqCst);
        Self(number)
    }
}

impl Drop for HeldBack<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Sends a body in pieces, and perhaps only the first half of it.
async fn in_pieces(response: Response, size: usize, pause: Option<Duration>, cut: bool) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let length = HeaderValue::from(body.len());
    parts.headers.insert(header::CONTENT_LENGTH, length);
    let rest = match cut {
        true => body.slice(..body.len() / 2),
        false => body,
    };
    let pieces = stream::unfold((rest, cut), move |(mut rest, mut cut)| async move {
        if rest.is_empty() {
            // What there is of the answer is sent while this waits.
            yield_now().await;
            return std::mem::take(&mut cut).then_some((Err(CutConnection), (rest, cut)));
        }
        if let Some(pause) = pause {
            sleep(pause).await;
        }
        let piece = rest.split_to(size.min(rest.len()));
        Some((Ok::<Bytes, CutConnection>(piece), (rest, cut)))
    });
    Response::from_parts(parts, Body::from_stream(pieces))
}

/// What makes the server close a connection in the middle of an answer.
#[derive(Debug)]
struct CutConnection;

impl fmt::Display for CutConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut on purpose")
    }
}

impl std::error::Error for CutConnection {}

impl RetryAfter {
    fn value(self, clock: &dyn Clock) -> Option<HeaderValue> {
        match self {
            Self::Seconds(seconds) => Some(HeaderValue::from(seconds)),
            Self::DateIn(seconds) => {
                let date = clock.now() + Duration::from_secs(seconds);
                let since = date.duration_since(UNIX_EPOCH).ok()?;
                let date = jiff::Timestamp::from_second(i64::try_from(since.as_secs()).ok()?).ok()?;
                let text = jiff::fmt::rfc2822::DateTimePrinter::new();
                let text = text.timestamp_to_rfc9110_string(&date).ok()?;
                HeaderValue::from_str(&text).ok()
            }
        }
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
}
