//! Getting a project's JWKS documents over HTTP.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use tracing::Instrument;

use super::{KeySet, ProjectKeys};
use crate::{AcceptedKinds, ApiUrl, Error, ErrorKind, ProjectConfig, UserKind};

const MAX_DOCUMENT_LEN: usize = 64 * 1024;
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long a document counts as fresh when its `Cache-Control` does not say, and the bounds on what it may say.
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(600);
const SHORTEST_MAX_AGE: Duration = Duration::from_secs(60);
const LONGEST_MAX_AGE: Duration = Duration::from_secs(3600);

/// Fetches the documents that a policy needs.
#[derive(Debug)]
pub(crate) struct Fetcher {
    client: reqwest::Client,
    request_headers: HeaderMap,
    normal: String,
    /// The wider documents are fetched for wider policies only.
    with_restricted: Option<String>,
    with_anonymous: Option<String>,
}

/// What a fetch has brought, and for how long it is fresh.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) keys: ProjectKeys,
    pub(crate) max_age: Duration,
}

impl Fetcher {
    pub(crate) fn new(config: &ProjectConfig, accepted: AcceptedKinds, client: reqwest::Client) -> Self {
        let url = |kind| config.api_url().jwks_url(config.project_id(), kind);
        let anonymous = accepted.contains(UserKind::Anonymous);
        let restricted = accepted.contains(UserKind::Restricted) || anonymous;
        Self {
            client,
            request_headers: config.extra_request_headers().clone(),
            normal: url(UserKind::Normal),
            with_restricted: restricted.then(|| url(UserKind::Restricted)),
            with_anonymous: anonymous.then(|| url(UserKind::Anonymous)),
        }
    }

    /// Fetches all documents at once. `past_caches` asks caches on the way for a new answer, when the one at hand
    /// has turned out to be too old.
    pub(crate) async fn fetch(&self, past_caches: bool) -> Result<Fetched, Error> {
        let span = tracing::debug_span!("hexclave.fetch_keys", past_caches);
        async {
            if let Some(fetched) = self.documents(past_caches).await? {
                return Ok(fetched);
            }
            self.documents(true).await?.ok_or_else(|| {
                unavailable(
                    "the key server's documents contradict each other about which keys the project has",
                )
            })
        }
        .instrument(span)
        .await
    }

    async fn documents(&self, past_caches: bool) -> Result<Option<Fetched>, Error> {
        let (normal, with_restricted, with_anonymous) = tokio::try_join!(
            self.document(&self.normal, past_caches),
            self.wider_document(self.with_restricted.as_deref(), past_caches),
            self.wider_document(self.with_anonymous.as_deref(), past_caches),
        )?;
        let (normal, mut max_age) = normal;
        let mut keys_of = |document: Option<(KeySet, Duration)>| {
            document.map(|(keys, age)| {
                max_age = max_age.min(age);
                keys
            })
        };
        let (with_restricted, with_anonymous) = (keys_of(with_restricted), keys_of(with_anonymous));
        let keys = ProjectKeys::from_documents(normal, with_restricted, with_anonymous);
        Ok(keys.map(|keys| Fetched { keys, max_age }))
    }

    async fn wider_document(
        &self,
        url: Option<&str>,
        past_caches: bool,
    ) -> Result<Option<(KeySet, Duration)>, Error> {
        match url {
            Some(url) => self.document(url, past_caches).await.map(Some),
            None => Ok(None),
        }
    }

    async fn document(&self, url: &str, past_caches: bool) -> Result<(KeySet, Duration), Error> {
        let mut request = self
            .client
            .get(url)
            .headers(self.request_headers.clone())
            .header(header::ACCEPT, "application/json")
            .timeout(TIMEOUT);
        if past_caches {
            request = request.header(header::CACHE_CONTROL, "no-cache");
        }
        let failed = |error: reqwest::Error| {
            unavailable(format!("the project's keys could not be fetched from {url}"))
                .with_source(error.without_url())
        };
        let mut response = request.send().await.map_err(failed)?;
        if response.status() != StatusCode::OK {
            let hint = match response.status() {
                StatusCode::NOT_FOUND => ": does the project exist there?",
                StatusCode::TOO_MANY_REQUESTS => ": too many requests",
                _ => "",
            };
            return Err(unavailable(format!(
                "the key server answered {} for {url}{hint}",
                response.status().as_u16()
            )));
        }
        if !is_json(response.headers().get(header::CONTENT_TYPE)) {
            return Err(unavailable(format!(
                "the key server's answer for {url} is not JSON"
            )));
        }
        let max_age = max_age(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_DOCUMENT_LEN {
                return Err(unavailable(format!(
                    "the key server's answer for {url} has more than {MAX_DOCUMENT_LEN} bytes"
                )));
            }
        }
        Ok((KeySet::from_json(&body)?, max_age))
    }
}

/// A client for the API host: it follows no redirects, so that nobody else's keys are ever taken for the
/// project's, and goes past proxies to a server on the same machine. How long an answer may take is each request's
/// own matter.
pub(crate) fn default_client(api_url: &ApiUrl) -> Result<reqwest::Client, Error> {
    let mut client = reqwest::Client::builder()
        .user_agent(concat!("hexclave-core/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(TIMEOUT);
    if api_url.is_loopback() {
        client = client.no_proxy();
    }
    client
        .build()
        .map_err(|error| Error::config("the HTTP client could not be set up").with_source(error))
}

fn unavailable(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::KeysUnavailable, message)
}

fn is_json(content_type: Option<&HeaderValue>) -> bool {
    content_type
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|essence| essence.trim().to_ascii_lowercase())
        .is_some_and(|essence| essence == "application/json" || essence == "application/jwk-set+json")
}

/// `Cache-Control: max-age` less the time that the answer has spent in caches already (RFC 9111, sections 4.2.1
/// and 5.1), within bounds.
fn max_age(headers: &HeaderMap) -> Duration {
    let texts = |name| {
        headers
            .get_all(name)
            .into_iter()
            .filter_map(|value| value.to_str().ok())
    };
    let age = texts(header::AGE)
        .find_map(|value| value.trim().parse().ok())
        .unwrap_or(0_u64);
    texts(header::CACHE_CONTROL)
        .flat_map(|value| value.split(','))
        .find_map(|directive| {
            let (name, value) = directive.split_once('=')?;
            let seconds = name.trim().eq_ignore_ascii_case("max-age").then_some(value)?;
            seconds.trim().trim_matches('"').parse::<u64>().ok()
        })
        .map_or(DEFAULT_MAX_AGE, |seconds| {
            Duration::from_secs(seconds.saturating_sub(age))
        })
        .clamp(SHORTEST_MAX_AGE, LONGEST_MAX_AGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_is_read_and_bounded() {
        let seconds = |cache_control: &'static str, age: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
            headers.insert(header::AGE, HeaderValue::from_static(age));
            max_age(&headers).as_secs()
        };
        assert_eq!(seconds("public, max-age=3600", ""), 3600);
        assert_eq!(seconds("public, max-age=3600", "600"), 3000);
        assert_eq!(seconds("public, max-age=3600", "3600"), 60);
        assert_eq!(seconds("Max-Age=120", "x"), 120);
        assert_eq!(seconds("max-age=1", "0"), 60);
        assert_eq!(seconds("max-age=31536000", "0"), 3600);
        assert_eq!(seconds("max-age=-1", "0"), 600);
        assert_eq!(seconds("no-store", "0"), 600);
        assert_eq!(max_age(&HeaderMap::new()).as_secs(), 600);
    }

    #[test]
    fn only_json_is_read() {
        let read = |value: &'static str| is_json(Some(&HeaderValue::from_static(value)));
        assert!(read("application/json") && read("application/jwk-set+json; charset=utf-8"));
        assert!(!read("text/html") && !read("application/jsonp") && !is_json(None));
    }
}
