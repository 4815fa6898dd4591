//! Where the verifier's keys come from: given, or fetched from the project's JWKS documents and kept.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::sync::Mutex;

use super::{KeySet, ProjectKeys, PublicKey};
use crate::{AcceptedKinds, ApiUrl, Clock, Error, ErrorKind, ProjectConfig, UserKind};

const MAX_DOCUMENT_LEN: usize = 64 * 1024;
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a document counts as fresh when its `Cache-Control` does not say, and the bounds on what it may say.
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(600);
const SHORTEST_MAX_AGE: Duration = Duration::from_secs(60);
const LONGEST_MAX_AGE: Duration = Duration::from_secs(3600);
/// How long known keys outlive their freshness while the key server does not answer.
const STALE_IF_ERROR: Duration = Duration::from_secs(24 * 3600);
/// The least time between two fetches for the sake of an unknown key or of stale keys.
const COOLDOWN: Duration = Duration::from_secs(30);
/// The least time between two fetches while there are no keys at all.
const COLD_COOLDOWN: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) enum KeySource {
    Given(ProjectKeys),
    Fetched(FetchedKeys),
}

impl KeySource {
    pub(crate) async fn find(
        &self,
        kind: UserKind,
        key_id: &str,
        clock: &dyn Clock,
    ) -> Result<PublicKey, Error> {
        match self {
            Self::Given(keys) => keys.find(kind, key_id).cloned(),
            Self::Fetched(keys) => keys.find(kind, key_id, clock).await,
        }
    }
}

/// Keys that are fetched when they are first needed, when they are no longer fresh, and when a token names an
/// unknown one.
#[derive(Debug)]
pub(crate) struct FetchedKeys {
    client: reqwest::Client,
    request_headers: HeaderMap,
    documents: Documents,
    kept: ArcSwapOption<Kept>,
    /// When the last fetch ended. Whoever holds the lock fetches; everybody else waits for what comes of it.
    last_attempt: Mutex<Option<SystemTime>>,
}

/// Where the documents are; the wider ones only where a wider policy needs them.
#[derive(Debug)]
struct Documents {
    normal: String,
    with_restricted: Option<String>,
    with_anonymous: Option<String>,
}

#[derive(Debug)]
struct Kept {
    keys: ProjectKeys,
    fresh_until: SystemTime,
}

impl FetchedKeys {
    pub(crate) fn new(config: &ProjectConfig, accepted: AcceptedKinds, client: reqwest::Client) -> Self {
        let url = |kind| config.api_url().jwks_url(config.project_id(), kind);
        let anonymous = accepted.contains(UserKind::Anonymous);
        let restricted = accepted.contains(UserKind::Restricted) || anonymous;
        Self {
            client,
            request_headers: config.extra_request_headers().clone(),
            documents: Documents {
                normal: url(UserKind::Normal),
                with_restricted: restricted.then(|| url(UserKind::Restricted)),
                with_anonymous: anonymous.then(|| url(UserKind::Anonymous)),
            },
            kept: ArcSwapOption::empty(),
            last_attempt: Mutex::new(None),
        }
    }

    async fn find(&self, kind: UserKind, key_id: &str, clock: &dyn Clock) -> Result<PublicKey, Error> {
        let kept = self.kept.load_full();
        let Some(kept) = kept else {
            self.fetch_unless_changed(None, clock).await?;
            return match self.kept.load().as_ref() {
                Some(kept) => kept.keys.find(kind, key_id).cloned(),
                None => Err(unavailable(
                    "the project's keys could not be fetched a moment ago",
                )),
            };
        };
        let found = kept.keys.find(kind, key_id);
        let fresh = clock.now() < kept.fresh_until;
        match found {
            Ok(key) if fresh => return Ok(key.clone()),
            Err(error) if fresh && error.kind() != ErrorKind::UnknownKey => return Err(error),
            _ => {}
        }
        let fetched = self.fetch_unless_changed(Some(&kept), clock).await;
        let now_kept = self.kept.load_full().unwrap_or(kept);
        match now_kept.keys.find(kind, key_id) {
            Ok(key) if clock.now() < now_kept.fresh_until + STALE_IF_ERROR => Ok(key.clone()),
            // A key that nobody could be asked about may be a new one: that is no verdict on the token.
            Err(error) if error.kind() == ErrorKind::UnknownKey => Err(fetched.err().unwrap_or(error)),
            Err(error) => Err(error),
            Ok(_) => Err(fetched
                .err()
                .unwrap_or_else(|| unavailable("the project's keys are too old to be relied on"))),
        }
    }

    /// Fetches, unless somebody else has done so since `seen` was looked at, or did so too short a time ago.
    async fn fetch_unless_changed(&self, seen: Option<&Arc<Kept>>, clock: &dyn Clock) -> Result<(), Error> {
        let mut last_attempt = self.last_attempt.lock().await;
        let kept = self.kept.load_full();
        if kept.as_ref().map(Arc::as_ptr) != seen.map(Arc::as_ptr) {
            return Ok(());
        }
        let cooldown = if kept.is_some() { COOLDOWN } else { COLD_COOLDOWN };
        let elapsed = last_attempt.map(|at| clock.now().duration_since(at).unwrap_or_default());
        if elapsed.is_some_and(|elapsed| elapsed < cooldown) {
            return Ok(());
        }
        // A cache on the way may hold the very answer that has turned out to be too old.
        let fetched = self.fetch(seen.is_some()).await;
        let now = clock.now();
        *last_attempt = Some(now);
        let (keys, max_age) = fetched?;
        self.kept.store(Some(Arc::new(Kept {
            keys,
            fresh_until: now + max_age,
        })));
        Ok(())
    }

    async fn fetch(&self, past_caches: bool) -> Result<(ProjectKeys, Duration), Error> {
        if let Some(fetched) = self.fetch_documents(past_caches).await? {
            return Ok(fetched);
        }
        self.fetch_documents(true).await?.ok_or_else(|| {
            unavailable("the key server's documents contradict each other about which keys the project has")
        })
    }

    async fn fetch_documents(&self, past_caches: bool) -> Result<Option<(ProjectKeys, Duration)>, Error> {
        let wider = |url: &'_ Option<String>| {
            let url = url.clone();
            async move {
                match url {
                    Some(url) => self.fetch_document(&url, past_caches).await.map(Some),
                    None => Ok(None),
                }
            }
        };
        let (normal, with_restricted, with_anonymous) = tokio::try_join!(
            self.fetch_document(&self.documents.normal, past_caches),
            wider(&self.documents.with_restricted),
            wider(&self.documents.with_anonymous),
        )?;
        let max_age = [Some(&normal), with_restricted.as_ref(), with_anonymous.as_ref()]
            .into_iter()
            .flatten()
            .map(|(_, max_age)| *max_age)
            .min()
            .unwrap_or(DEFAULT_MAX_AGE);
        let keys = ProjectKeys::from_documents(
            normal.0,
            with_restricted.map(|(keys, _)| keys),
            with_anonymous.map(|(keys, _)| keys),
        );
        Ok(keys.map(|keys| (keys, max_age)))
    }

    async fn fetch_document(&self, url: &str, past_caches: bool) -> Result<(KeySet, Duration), Error> {
        let mut request = self
            .client
            .get(url)
            .headers(self.request_headers.clone())
            .header(header::ACCEPT, "application/json")
            .timeout(FETCH_TIMEOUT);
        if past_caches {
            request = request.header(header::CACHE_CONTROL, "no-cache");
        }
        let failed = |error: reqwest::Error| {
            unavailable(format!("the project's keys could not be fetched from {url}")).with_source(error)
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
/// project's, and goes past proxies to a server on the same machine.
pub(crate) fn default_client(api_url: &ApiUrl) -> Result<reqwest::Client, Error> {
    let mut client = reqwest::Client::builder()
        .user_agent(concat!("hexclave-core/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(FETCH_TIMEOUT)
        .timeout(FETCH_TIMEOUT);
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

fn max_age(headers: &HeaderMap) -> Duration {
    headers
        .get_all(header::CACHE_CONTROL)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|directive| {
            let (name, value) = directive.split_once('=')?;
            let seconds = name.trim().eq_ignore_ascii_case("max-age").then_some(value)?;
            seconds.trim().trim_matches('"').parse().ok()
        })
        .map_or(DEFAULT_MAX_AGE, Duration::from_secs)
        .clamp(SHORTEST_MAX_AGE, LONGEST_MAX_AGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_is_read_and_bounded() {
        let seconds = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
            max_age(&headers).as_secs()
        };
        assert_eq!(seconds("public, max-age=3600"), 3600);
        assert_eq!(seconds("Max-Age=120"), 120);
        assert_eq!(seconds("max-age=1"), 60);
        assert_eq!(seconds("max-age=31536000"), 3600);
        assert_eq!(seconds("max-age=-1"), 600);
        assert_eq!(seconds("no-store"), 600);
        assert_eq!(max_age(&HeaderMap::new()).as_secs(), 600);
    }

    #[test]
    fn only_json_is_read() {
        let read = |value: &'static str| is_json(Some(&HeaderValue::from_static(value)));
        assert!(read("application/json") && read("application/jwk-set+json; charset=utf-8"));
        assert!(!read("text/html") && !read("application/jsonp") && !is_json(None));
    }
}
