//! One JWKS document over HTTP.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{Error, ErrorKind};

const MAX_DOCUMENT_LEN: usize = 64 * 1024;
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long a document counts as fresh when its `Cache-Control` does not say, and the bounds on what it may say.
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(600);
const SHORTEST_MAX_AGE: Duration = Duration::from_secs(60);
const LONGEST_MAX_AGE: Duration = Duration::from_secs(3600);

/// A document as it came, and for how long it is fresh.
pub(super) struct Document {
    pub(super) body: Vec<u8>,
    pub(super) max_age: Duration,
}

impl Document {
    /// Gets the document at a URL. `past_caches` asks caches on the way for a new answer.
    pub(super) async fn get(
        client: &reqwest::Client,
        url: &str,
        request_headers: HeaderMap,
        past_caches: bool,
    ) -> Result<Self, Error> {
        let mut request = client
            .get(url)
            .headers(request_headers)
            .header(header::ACCEPT, "application/json")
            .timeout(TIMEOUT);
        if past_caches {
            request = request.header(header::CACHE_CONTROL, "no-cache");
        }
        let failed = |error: reqwest::Error| {
            unavailable(format!("the keys could not be fetched from {url}")).with_source(error.without_url())
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
        Ok(Self { body, max_age })
    }
}

/// A client for key servers and the API: it follows no redirects, so that nobody else's keys are ever taken for the
/// project's, and goes past proxies to a server on the same machine. How long an answer may take is each request's
/// own matter.
pub(crate) fn default_client(is_loopback: bool) -> Result<reqwest::Client, Error> {
    let mut client = reqwest::Client::builder()
        .user_agent(concat!("hexclave-core/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(TIMEOUT);
    if is_loopback {
        client = client.no_proxy();
    }
    client
        .build()
        .map_err(|error| Error::config("the HTTP client could not be set up").with_source(error))
}

pub(super) fn unavailable(message: impl Into<String>) -> Error {
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
