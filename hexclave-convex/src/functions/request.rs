use std::{fmt, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use hexclave_core::AccessToken;
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::{Inner, answer};
use crate::{Error, ErrorKind, bearer_header, error::quoted};

/// Before the second attempt; twice as long before each one after it, and up to as long again at random.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const MOST_RETRIES: usize = 4;
/// Beyond this, JavaScript's numbers are not all there.
const GREATEST_INTEGER: u64 = 1 << 53;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    Query,
    Mutation,
    Action,
}

/// A call, ready to be sent more than once.
pub(super) struct Request {
    function: Function,
    path: String,
    body: Vec<u8>,
    authorization: Option<HeaderValue>,
}

/// An attempt that brought no result, and whether another one may.
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) may_repeat: bool,
    pub(super) retry_after: Option<Duration>,
}

impl Function {
    fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Mutation => "mutation",
            Self::Action => "action",
        }
    }

    /// Whether calling it twice is calling it once.
    pub(super) fn is_repeatable(self) -> bool {
        self == Self::Query
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Request {
    pub(super) fn new(
        function: Function,
        path: &str,
        arguments: &impl Serialize,
        token: Option<&AccessToken>,
    ) -> Result<Self, Error> {
        let unfit = |why: &str| {
            Error::new(
                ErrorKind::InvalidArguments,
                format!("the arguments of {function} {}: {why}", quoted(path)),
            )
        };
        let arguments = match serde_json::to_value(arguments) {
            Ok(Value::Null) => json!({}),
            Ok(object @ Value::Object(_)) => object,
            Ok(_) => return Err(unfit("expected an object, or () for none")),
            Err(error) => return Err(unfit("they cannot be written as JSON").with_source(error)),
        };
        if !has_fit_numbers(&arguments) {
            return Err(unfit(
                "an integer is beyond 2^53, where a v.number() is not exact: expected an Int64",
            ));
        }
        let body = json!({ "path": path, "args": arguments, "format": "json" });
        let authorization = token.map(bearer_header).transpose().map_err(|error| {
            Error::new(ErrorKind::TokenRefused, "the access token cannot be sent").with_source(error)
        })?;
        Ok(Self {
            function,
            path: path.to_owned(),
            body: body.to_string().into_bytes(),
            authorization,
        })
    }

    pub(super) fn function(&self) -> Function {
        self.function
    }

    /// For errors: `query "notes:list"`.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.function, quoted(&self.path))
    }

    /// Whether a text may be shown: not when it repeats the token.
    pub(super) fn may_show(&self, text: &str) -> bool {
        let sent = self.authorization.as_ref().and_then(|value| value.to_str().ok());
        let token = sent.and_then(|value| value.split(' ').nth(1)).unwrap_or_default();
        !token
            .split('.')
            .any(|part| !part.is_empty() && text.contains(part))
    }
}

impl Inner {
    /// The function's result.
    pub(super) async fn send(&self, request: &Request) -> Result<Value, Error> {
        let span = tracing::debug_span!("hexclave.convex_function", function = %request.name());
        async {
            let deadline = Instant::now() + self.deadline;
            let attempts = || self.attempt(request, deadline);
            attempts
                .retry(backoff())
                .sleep(tokio::time::sleep)
                .when(|failure: &Failure| failure.may_repeat)
                .adjust(|failure, pause| {
                    let pause = pause?.saturating_add(failure.retry_after.unwrap_or_default());
                    (pause < deadline.saturating_duration_since(Instant::now())).then_some(pause)
                })
                .notify(|failure, pause| {
                    tracing::debug!(error = %failure.error, ?pause, "calling again");
                })
                .await
                .map_err(|failure| failure.error)
        }
        .instrument(span)
        .await
    }

    async fn attempt(&self, request: &Request, deadline: Instant) -> Result<Value, Failure> {
        let until = match request.function.is_repeatable() {
            true => deadline.min(Instant::now() + self.attempt_timeout),
            false => deadline,
        };
        match timeout_at(until, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::unanswered(request, "no answer came in time")),
        }
    }

    async fn exchange(&self, request: &Request) -> Result<Value, Failure> {
        let url = format!("{}/api/{}", self.deployment, request.function);
        let response = self
            .http
            .post(url)
            .headers(request.headers())
            .body(request.body.clone())
            .send()
            .await
            .map_err(|error| match error.is_connect() {
                // Nothing was sent.
                true => Failure {
                    error: unavailable(request, "no connection").with_source(error.without_url()),
                    may_repeat: true,
                    retry_after: None,
                },
                false => Failure::cut(request, error),
            })?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.body(request, response).await?;
        answer::read(request, status, &headers, &body)
    }

    async fn body(&self, request: &Request, mut response: reqwest::Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| Failure::cut(request, error))?
        {
            if body.len() + chunk.len() > self.max_answer_len {
                let why = format!("it has more than {} bytes", self.max_answer_len);
                return Err(answer::unusable(request, &why));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl Request {
    fn headers(&self) -> HeaderMap {
        let json = HeaderValue::from_static("application/json");
        let mut headers =
            HeaderMap::from_iter([(header::ACCEPT, json.clone()), (header::CONTENT_TYPE, json)]);
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        headers
    }
}

impl Failure {
    /// The request is on its way, and what became of it is not known.
    fn unanswered(request: &Request, why: &str) -> Self {
        Self {
            error: unavailable(request, why).after_running(),
            may_repeat: request.function.is_repeatable(),
            retry_after: None,
        }
    }

    fn cut(request: &Request, error: reqwest::Error) -> Self {
        let mut failure = Self::unanswered(request, "the connection failed");
        failure.error = failure.error.with_source(error.without_url());
        failure
    }
}

pub(super) fn unavailable(request: &Request, why: &str) -> Error {
    Error::new(
        ErrorKind::ConvexUnavailable,
        format!(
            "{}: the Convex deployment could not be asked: {why}",
            request.name()
        ),
    )
}

fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_max_times(MOST_RETRIES)
        .with_jitter()
}

/// Whether each number is the same in JavaScript.
fn has_fit_numbers(value: &Value) -> bool {
    match value {
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => number <= GREATEST_INTEGER,
            (None, Some(number)) => number.unsigned_abs() <= GREATEST_INTEGER,
            (None, None) => number.as_f64().is_some_and(f64::is_finite),
        },
        Value::Array(items) => items.iter().all(has_fit_numbers),
        Value::Object(members) => members.values().all(has_fit_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}
