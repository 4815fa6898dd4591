use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use http::HeaderMap;

use super::{
    KeyHealth,
    document::{Document, default_client, unavailable},
    source::{DEFAULT_STALE_IF_ERROR, Fetch, Fetched, Fetching, KeySource, Wanted},
};
use crate::{
    Clock, Error, ErrorKind, SystemClock,
    api_url::{ServerUrl, shown},
    error::quoted,
};

/// The keys of an issuer other than Hexclave, fetched from one JWKS document and kept by the rules that a
/// [`Verifier`](crate::Verifier) has for Hexclave's: see [where the keys come from](crate#keys). Cheap to clone, and
/// meant to be kept.
///
/// What a set of keys is, is the caller's business: `K` is what its `read` makes of a document.
///
/// ```no_run
/// use hexclave_core::{Error, KeySet, RemoteJwks};
///
/// # async fn run() -> Result<(), Error> {
/// let keys = RemoteJwks::builder("https://keys.example.com/jwks.json", KeySet::from_json)
///     .issuer("example")
///     .build()?;
/// let key = keys.find("a-key-id", |set| set.get("a-key-id").cloned()).await?;
/// # Ok(())
/// # }
/// ```
pub struct RemoteJwks<K> {
    source: Arc<KeySource<K>>,
    clock: Arc<dyn Clock>,
}

/// What reads a document.
type Read<K> = dyn Fn(&[u8]) -> Result<K, Box<dyn StdError + Send + Sync>> + Send + Sync;

/// Builds a [`RemoteJwks`].
#[must_use]
pub struct RemoteJwksBuilder<K> {
    url: String,
    read: Box<Read<K>>,
    issuer: &'static str,
    clock: Arc<dyn Clock>,
    stale_if_error: Duration,
    client: Option<reqwest::Client>,
}

impl<K: Clone + fmt::Debug + Send + Sync + 'static> RemoteJwks<K> {
    /// Keys from the document at `url`, as `read` understands it.
    ///
    /// An error of `read` counts as a failed fetch: the keys at hand stay in use.
    pub fn builder<E: Into<Box<dyn StdError + Send + Sync>>>(
        url: &str,
        read: impl Fn(&[u8]) -> Result<K, E> + Send + Sync + 'static,
    ) -> RemoteJwksBuilder<K> {
        RemoteJwksBuilder {
            url: url.to_owned(),
            read: Box::new(move |document| read(document).map_err(Into::into)),
            issuer: "other",
            clock: Arc::new(SystemClock),
            stale_if_error: DEFAULT_STALE_IF_ERROR,
            client: None,
        }
    }

    /// Finds the key with this `kid`: what `look` gives for a set of keys. Fetches where the keys are missing, too old,
    /// or lack this one.
    ///
    /// # Errors
    /// - [`ErrorKind::UnknownKey`] when the issuer has no such key.
    /// - [`ErrorKind::KeysUnavailable`] when the keys could not be had, which says nothing about the token.
    pub async fn find<F>(&self, key_id: &str, look: impl Fn(&K) -> Option<F> + Sync) -> Result<F, Error> {
        let wanted = Named { key_id, look };
        let (found, _) = self.source.find(&wanted, self.clock.now()).await?;
        Ok(found)
    }

    /// Fetches the keys now, unless fresh ones are at hand, so that the first token need not wait for them.
    ///
    /// # Errors
    /// [`ErrorKind::KeysUnavailable`] when they cannot be had. They will be tried again.
    pub async fn warm_up(&self) -> Result<(), Error> {
        self.source.warm_up().await
    }

    /// How things stand with the keys, for a readiness probe.
    #[must_use]
    pub fn health(&self) -> KeyHealth {
        self.source.health()
    }
}

impl<K: Clone + fmt::Debug + Send + Sync + 'static> RemoteJwksBuilder<K> {
    /// A word for the issuer, in metrics and events; `other` unless set.
    pub fn issuer(mut self, name: &'static str) -> Self {
        self.issuer = name;
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// For how long known keys are used beyond their freshness while the key server does not answer: 24 hours unless
    /// set, a year at most; zero to accept nothing then.
    pub fn stale_if_error(mut self, limit: Duration) -> Self {
        self.stale_if_error = limit;
        self
    }

    /// Fetch keys with this client. It should not follow redirects. Requests are given 5 seconds whatever the client's
    /// own limits are.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.client = Some(client);
        self
    }

    /// The keys, none of which is fetched yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the URL is none, carries a password, or is plain http to another machine, and
    /// when the HTTP client cannot be set up.
    pub fn build(self) -> Result<RemoteJwks<K>, Error> {
        let ServerUrl { url, loopback } = ServerUrl::parse(&self.url).map_err(|why| {
            Error::config(format!(
                "{} is not the URL of a key document: {why}",
                shown(&self.url)
            ))
        })?;
        let client = match self.client {
            Some(client) => client,
            None => default_client(loopback)?,
        };
        let fetcher = OneDocument {
            client,
            url: url.into(),
            read: self.read,
        };
        let clock = Arc::clone(&self.clock);
        Ok(RemoteJwks {
            source: Arc::new(KeySource::fetched(
                fetcher,
                self.issuer,
                None,
                self.stale_if_error,
                clock,
            )),
            clock: self.clock,
        })
    }
}

impl<K> Clone for RemoteJwks<K> {
    fn clone(&self) -> Self {
        Self {
            source: Arc::clone(&self.source),
            clock: Arc::clone(&self.clock),
        }
    }
}

impl<K: fmt::Debug> fmt::Debug for RemoteJwks<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteJwks")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl<K> fmt::Debug for RemoteJwksBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteJwksBuilder")
            .field("issuer", &self.issuer)
            .field("stale_if_error", &self.stale_if_error)
            .finish_non_exhaustive()
    }
}

/// A key that goes by its `kid` alone.
struct Named<'a, L> {
    key_id: &'a str,
    look: L,
}

impl<K, F, L: Fn(&K) -> Option<F>> Wanted<K> for Named<'_, L> {
    type Key = F;

    fn find_in(&self, keys: &K) -> Result<F, Error> {
        (self.look)(keys).ok_or_else(|| {
            Error::new(
                ErrorKind::UnknownKey,
                format!("the issuer has no key {}", quoted(self.key_id)),
            )
        })
    }

    fn name(&self) -> String {
        self.key_id.to_owned()
    }
}

struct OneDocument<K> {
    client: reqwest::Client,
    url: String,
    read: Box<Read<K>>,
}

impl<K> Fetch<K> for OneDocument<K> {
    fn fetch(&self, past_caches: bool) -> Fetching<'_, K> {
        Box::pin(async move {
            let document = Document::get(&self.client, &self.url, HeaderMap::new(), past_caches).await?;
            let keys = (self.read)(&document.body).map_err(|error| {
                unavailable(format!("the key document at {} cannot be used", self.url)).with_source(error)
            })?;
            Ok(Fetched {
                keys,
                max_age: document.max_age,
            })
        })
    }
}

impl<K> fmt::Debug for OneDocument<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneDocument")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
