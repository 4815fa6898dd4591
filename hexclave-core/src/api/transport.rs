use std::{fmt, sync::Arc, time::Duration};

use backon::Retryable;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use reqwest::Response;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;
use zeroize::Zeroizing;

use super::{ApiError, ErrorCode, hosts::Hosts, request::Request, retry};
use crate::{Clock, Error, ErrorKind};

const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("hexclave-core/", env!("CARGO_PKG_VERSION")));
/// In characters: of a whole page that a proxy has put in an answer's place the beginning will do.
const LONGEST_TEXT: usize = 1000;
/// The new brand counts first, as in Hexclave's SDKs.
const ACTUAL_STATUS: [HeaderName; 2] = [
    HeaderName::from_static("x-hexclave-actual-status"),
    HeaderName::from_static("x-stack-actual-status"),
];
const KNOWN_ERROR: [HeaderName; 2] = [
    HeaderName::from_static("x-hexclave-known-error"),
    HeaderName::from_static("x-stack-known-error"),
];
const REQUEST_ID: [HeaderName; 2] = [
    HeaderName::from_static("x-hexclave-request-id"),
    HeaderName::from_static("x-stack-request-id"),
];

/// Sends requests until they are answered, or until it is no use.
pub(crate) struct Transport {
    pub(super) http: reqwest::Client,
    pub(super) hosts: Hosts,
    /// Who asks: sent with every request but those that say it in their body.
    pub(super) introduction: HeaderMap,
    pub(super) extra_headers: HeaderMap,
    pub(super) attempt_timeout: Duration,
    pub(super) deadline: Duration,
    pub(super) max_answer_len: usize,
    pub(super) clock: Arc<dyn Clock>,
}

/// An attempt that brought nothing, and whether another one may bring more.
struct Failure {
    error: Error,
    /// Whether the host is at fault, so that another one may do better.
    host_is_down: bool,
    may_repeat: bool,
}

impl Transport {
    /// Asks, and reads the answer.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, request: Request) -> Result<T, Error> {
        let body = self.send(&request).await?;
        serde_json::from_slice(&body).map_err(|error| {
            // Not the source: its text may repeat what the answer holds.
            let (line, column) = (error.line(), error.column());
            unusable(
                &request.name(),
                &format!("the JSON is not what was asked for, or not whole (line {line}, column {column})"),
            )
        })
    }

    /// Asks for something to be done. What is answered does not matter, as long as it is done.
    pub(crate) async fn tell(&self, request: Request) -> Result<(), Error> {
        self.send(&request).await.map(drop)
    }

    /// The time of day.
    pub(crate) fn unix_seconds(&self) -> u64 {
        self.clock.unix_seconds()
    }

    async fn send(&self, request: &Request) -> Result<Zeroizing<Vec<u8>>, Error> {
        let span = tracing::debug_span!("hexclave.api", request = %request.name());
        async {
            let deadline = Instant::now() + self.deadline;
            let attempts = || self.attempt(request, deadline);
            attempts
                .retry(retry::backoff())
                .sleep(tokio::time::sleep)
                .when(|failure: &Failure| failure.may_repeat)
                .adjust(|failure, backoff| {
                    let time_left = deadline.saturating_duration_since(Instant::now());
                    retry::pause(backoff, failure.error.retry_after(), time_left)
                })
                .notify(|failure, pause| {
                    tracing::debug!(error = %failure.error, ?pause, "trying again");
                })
                .await
                .map_err(|failure| failure.error)
        }
        .instrument(span)
        .await
    }

    async fn attempt(&self, request: &Request, deadline: Instant) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let (host, api_url) = self.hosts.preferred();
        let until = deadline.min(Instant::now() + self.attempt_timeout);
        let url = api_url.endpoint(&request.path);
        let attempt = self.exchange(request, &url);
        let result = match timeout_at(until, attempt).await {
            Ok(result) => result,
            Err(_) => Err(Failure {
                error: unavailable(&request.name(), "no answer came in time"),
                host_is_down: true,
                may_repeat: request.repeatable,
            }),
        };
        if let Err(failure) = &result
            && failure.host_is_down
        {
            self.hosts.failed(host);
        }
        result
    }

    async fn exchange(&self, request: &Request, url: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let failed = |error: reqwest::Error| Failure {
            error: unavailable(&request.name(), "the connection failed").with_source(error.without_url()),
            host_is_down: true,
            may_repeat: request.repeatable,
        };
        let response = self.request(request, url).send().await.map_err(failed)?;
        let status = actual_status(&response);
        let headers = response.headers().clone();
        let body = self.body(response).await.map_err(failed)?.ok_or_else(|| {
            self.not_understood(request, &format!("more than {} bytes", self.max_answer_len))
        })?;
        if status.is_success() {
            if !has_json(&headers) {
                return Err(self.not_understood(request, "it is not JSON"));
            }
            return Ok(body);
        }
        if status.is_redirection() {
            let why = format!(
                "{} leads elsewhere, where nobody follows: is the API URL right?",
                status.as_u16()
            );
            return Err(self.not_understood(request, &why));
        }
        let answer = self.api_error(status, &headers, &body);
        let Some(answer) = answer else {
            return Err(self.not_understood(request, "its error codes contradict each other"));
        };
        let gateway = matches!(
            status,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        );
        let too_many = status == StatusCode::TOO_MANY_REQUESTS;
        Err(Failure {
            host_is_down: answer.is_trouble() && gateway,
            may_repeat: answer.is_trouble() && (too_many || (gateway && request.repeatable)),
            error: answer.into_error(&request.name()),
        })
    }

    fn request(&self, request: &Request, url: &str) -> reqwest::RequestBuilder {
        let mut headers = self.extra_headers.clone();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::USER_AGENT, USER_AGENT);
        let introduction = request.introduced.then_some(&self.introduction);
        let own = request.headers.iter().map(|(name, value)| (name, value));
        for (name, value) in introduction.into_iter().flatten().chain(own) {
            headers.insert(name, value.clone());
        }
        let mut builder = self.http.request(request.method.clone(), url).headers(headers);
        if !request.query.is_empty() {
            builder = builder.query(&request.query);
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.to_vec());
        }
        builder
    }

    /// The body, unless it is too long. What was compressed is measured as it comes out.
    async fn body(&self, mut response: Response) -> Result<Option<Zeroizing<Vec<u8>>>, reqwest::Error> {
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > self.max_answer_len {
                return Ok(None);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Some(body))
    }

    /// `None` when the answer's header and body name different codes.
    fn api_error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<ApiError> {
        let known: KnownError = serde_json::from_slice(body).unwrap_or_default();
        let in_header = first_header(headers, &KNOWN_ERROR).filter(|code| is_word(code));
        let in_body = known.code.as_deref().filter(|code| is_word(code));
        let code = match (in_header, in_body) {
            (Some(header), Some(body)) if header != body => return None,
            (Some(code), _) => Some(ErrorCode::from(code)),
            // RFC 6749, section 5.2: the OAuth endpoint's own errors have a word in `error` and an explanation.
            (None, _) if known.error_description.is_some() && is_word(&known.error) => {
                Some(ErrorCode::from(known.error.as_str()))
            }
            // A body that looks like a known error without the header comes from a proxy's own code at best.
            (None, _) => None,
        };
        let text = known.error_description.unwrap_or(known.error);
        let text = match text.is_empty() {
            true => String::from_utf8_lossy(body),
            false => text.into(),
        };
        Some(ApiError {
            status,
            code,
            text: text.chars().take(LONGEST_TEXT).collect(),
            details: known.details,
            request_id: first_header(headers, &REQUEST_ID)
                .filter(|id| is_word(id))
                .map(str::to_owned),
            retry_after: retry::retry_after(headers, self.clock.now()),
        })
    }

    /// An answer that makes no sense. It says nothing about what was asked, so it may be asked again.
    fn not_understood(&self, request: &Request, why: &str) -> Failure {
        Failure {
            error: unusable(&request.name(), why),
            host_is_down: false,
            may_repeat: false,
        }
    }
}

/// A known error's body, or an OAuth error's.
#[derive(Default, Deserialize)]
#[serde(default)]
struct KnownError {
    code: Option<String>,
    error: String,
    error_description: Option<String>,
    details: Value,
}

/// The status that was meant. Servers send errors of 4xx as 200 to those who ask for it, or where something on the
/// way does.
fn actual_status(response: &Response) -> StatusCode {
    first_header(response.headers(), &ACTUAL_STATUS)
        .filter(|_| response.status() == StatusCode::OK)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| response.status())
}

fn first_header<'a>(headers: &'a HeaderMap, names: &[HeaderName]) -> Option<&'a str> {
    let mut values = names.iter().filter_map(|name| headers.get(name));
    values.find_map(|value| value.to_str().ok())
}

fn has_json(headers: &HeaderMap) -> bool {
    let content_type = first_header(headers, &[header::CONTENT_TYPE]).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Whether a code or an id from outside may be shown.
fn is_word(text: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=100).contains(&text.len()) && text.bytes().all(letters)
}

fn unavailable(request: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::ApiUnavailable,
        format!("{request}: the Hexclave API could not be asked: {why}"),
    )
}

fn unusable(request: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::ApiAnswerUnusable,
        format!("{request}: the Hexclave API's answer cannot be used: {why}"),
    )
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}
