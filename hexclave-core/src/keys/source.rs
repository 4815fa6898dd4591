//! Where keys come from: given, or fetched and kept.

use std::{
    collections::hash_map::RandomState,
    fmt,
    future::Future,
    hash::BuildHasher,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use arc_swap::{ArcSwapOption, Guard};
use tokio::{runtime::Handle, sync::watch};
use tracing::Instrument;

use super::{KeyHealth, KeyState, missing::MissingKeys};
use crate::{Clock, Error, ErrorKind, telemetry};

/// How long keys are used beyond their freshness in an outage, unless somebody says otherwise.
pub(crate) const DEFAULT_STALE_IF_ERROR: Duration = Duration::from_secs(24 * 3600);
/// So that no sum of times overflows.
const LONGEST_STALE_IF_ERROR: Duration = Duration::from_secs(365 * 24 * 3600);
/// The least time between two fetches.
const COOLDOWN: Duration = Duration::from_secs(30);
/// The least time between two fetches while there are no keys at all.
const COLD_COOLDOWN: Duration = Duration::from_secs(1);
/// At which share of their life fresh keys are fetched anew, in percent: somewhere from here to ten more, so that
/// many processes do not ask at once.
const REFRESH_PERCENT: u32 = 80;
const JITTER_PERCENT: u32 = 10;
/// How long keys that were given to start with may be used before a fetch has to be tried.
const INITIAL_KEYS_FRESH: Duration = Duration::from_secs(60);

/// Sets of keys `K` from one issuer. They are swapped whole; looking at fresh ones takes no lock and no await.
#[derive(Debug)]
pub(crate) struct KeySource<K> {
    shared: Arc<Shared<K>>,
}

/// Gets a set of keys from its issuer.
pub(crate) trait Fetch<K>: fmt::Debug + Send + Sync {
    /// `past_caches` asks caches on the way for a new answer, when the one at hand has turned out to be too old.
    fn fetch(&self, past_caches: bool) -> Fetching<'_, K>;
}

/// A fetch under way.
pub(crate) type Fetching<'a, K> = Pin<Box<dyn Future<Output = Result<Fetched<K>, Error>> + Send + 'a>>;

/// What a fetch has brought, and for how long it is fresh.
#[derive(Debug)]
pub(crate) struct Fetched<K> {
    pub(crate) keys: K,
    pub(crate) max_age: Duration,
}

/// A key that somebody looks for in sets of keys `K`.
pub(crate) trait Wanted<K> {
    type Key;

    /// Fails with [`ErrorKind::UnknownKey`] where a newer set may have the key.
    fn find_in(&self, keys: &K) -> Result<Self::Key, Error>;

    /// What tells it from the others that are looked for.
    fn name(&self) -> String;
}

struct Shared<K> {
    /// `None`: the keys were given and are never fetched.
    fetcher: Option<Box<dyn Fetch<K>>>,
    /// Whose keys they are, for metrics.
    issuer: &'static str,
    clock: Arc<dyn Clock>,
    stale_if_error: Duration,
    kept: ArcSwapOption<Kept<K>>,
    /// Before this time, in milliseconds since 1970, no fetch is begun.
    next_attempt: AtomicU64,
    flight: Mutex<Flight>,
}

/// What is known of fetches. The lock is held for moments only, and never by those who find a fresh key.
#[derive(Debug, Default)]
struct Flight {
    /// Ends when the fetch under way ends, however it does.
    running: Option<watch::Receiver<()>>,
    last_error: Option<Error>,
    missing: MissingKeys,
}

/// For how long keys are fresh.
#[derive(Clone, Copy, Debug)]
enum Lifetime {
    /// Keys of an unknown age, to start with: fetched anew at the first use, which does not wait for that.
    Initial,
    Fetched(Duration),
}

/// Keys and the time up to which they are good for what.
#[derive(Debug)]
pub(crate) struct Kept<K> {
    keys: K,
    /// Tells one set from the next.
    generation: u64,
    times: Option<Times>,
}

#[derive(Debug)]
struct Times {
    fetched_at: SystemTime,
    refresh_at: SystemTime,
    fresh_until: SystemTime,
    usable_until: SystemTime,
}

impl<K> Kept<K> {
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn keys(&self) -> &K {
        &self.keys
    }

    fn state(&self, now: SystemTime) -> KeyState {
        match &self.times {
            Some(times) if now >= times.usable_until => KeyState::Expired,
            Some(times) if now >= times.fresh_until => KeyState::Stale,
            _ => KeyState::Fresh,
        }
    }

    fn is_refresh_due(&self, now: SystemTime) -> bool {
        self.times.as_ref().is_some_and(|times| now >= times.refresh_at)
    }
}

impl<K: Clone + fmt::Debug + Send + Sync + 'static> KeySource<K> {
    pub(crate) fn given(keys: K, issuer: &'static str, clock: Arc<dyn Clock>) -> Self {
        let source = Self::new(None, issuer, Duration::ZERO, clock);
        source.shared.keep(keys, None);
        source
    }

    pub(crate) fn fetched(
        fetcher: impl Fetch<K> + 'static,
        issuer: &'static str,
        initial: Option<K>,
        stale_if_error: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let source = Self::new(Some(Box::new(fetcher)), issuer, stale_if_error, clock);
        if let Some(keys) = initial {
            source.shared.keep(keys, Some(Lifetime::Initial));
        }
        source
    }

    fn new(
        fetcher: Option<Box<dyn Fetch<K>>>,
        issuer: &'static str,
        stale_if_error: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                fetcher,
                issuer,
                clock,
                stale_if_error: stale_if_error.min(LONGEST_STALE_IF_ERROR),
                kept: ArcSwapOption::empty(),
                next_attempt: AtomicU64::new(0),
                flight: Mutex::default(),
            }),
        }
    }

    /// The keys, if they can be relied on without waiting for anything. Sees to it that they are fetched anew in
    /// good time.
    pub(crate) fn at_hand(&self, now: SystemTime) -> Option<Guard<Option<Arc<Kept<K>>>>> {
        let guard = self.shared.kept.load();
        let kept = guard.as_ref()?;
        match kept.state(now) {
            KeyState::Fresh => {
                if kept.is_refresh_due(now) {
                    self.shared.refresh(now);
                }
                Some(guard)
            }
            // While the key server is known to be out of order nobody is made to wait for it.
            KeyState::Stale if self.shared.flight().last_error.is_some() => {
                self.shared.refresh(now);
                telemetry::stale_keys_used(self.shared.issuer);
                Some(guard)
            }
            _ => None,
        }
    }

    /// The key that is looked for, and the set that it is in.
    pub(crate) async fn find<W: Wanted<K>>(
        &self,
        wanted: &W,
        now: SystemTime,
    ) -> Result<(W::Key, Arc<Kept<K>>), Error> {
        let (key, kept) = self.find_anywhere(wanted, now).await?;
        if let Some(times) = &kept.times {
            telemetry::key_age(
                self.shared.issuer,
                now.duration_since(times.fetched_at).unwrap_or_default(),
            );
        }
        Ok((key, kept))
    }

    async fn find_anywhere<W: Wanted<K>>(
        &self,
        wanted: &W,
        now: SystemTime,
    ) -> Result<(W::Key, Arc<Kept<K>>), Error> {
        if let Some(Some(kept)) = self.at_hand(now).map(|guard| guard.as_ref().cloned()) {
            return match wanted.find_in(&kept.keys) {
                Ok(key) => Ok((key, kept)),
                Err(error) if error.kind() == ErrorKind::UnknownKey => {
                    self.find_unknown(wanted, now, error).await
                }
                Err(error) => Err(error),
            };
        }
        wait_for(self.shared.begin_fetch(false, now)).await;

        let now = self.shared.clock.now();
        let Some(kept) = self.shared.kept.load_full() else {
            return Err(self.unavailable("the keys could not be fetched a moment ago"));
        };
        match (kept.state(now), wanted.find_in(&kept.keys)) {
            (KeyState::Fresh, Ok(key)) => Ok((key, kept)),
            (KeyState::Stale, Ok(key)) => {
                telemetry::stale_keys_used(self.shared.issuer);
                Ok((key, kept))
            }
            (KeyState::Fresh, Err(error)) => Err(error),
            // A key that nobody could be asked about may be a new one: that is no verdict on the token.
            (KeyState::Stale, Err(error)) if error.kind() != ErrorKind::UnknownKey => Err(error),
            _ => Err(self.unavailable("the keys are too old to be relied on")),
        }
    }

    /// Asks the key server about a key that the set at hand does not have, unless it was asked a moment ago.
    async fn find_unknown<W: Wanted<K>>(
        &self,
        wanted: &W,
        now: SystemTime,
        unknown: Error,
    ) -> Result<(W::Key, Arc<Kept<K>>), Error> {
        if self.shared.fetcher.is_none() || self.shared.flight().missing.is_paused(&wanted.name(), now) {
            return Err(unknown);
        }
        let flight = self.shared.begin_fetch(true, now);
        let was_asked = flight.is_some();
        wait_for(flight).await;
        if let Some(kept) = self.shared.kept.load_full()
            && let Ok(key) = wanted.find_in(&kept.keys)
        {
            return Ok((key, kept));
        }
        let mut flight = self.shared.flight();
        match &flight.last_error {
            Some(error) => Err(error.clone()),
            None => {
                if was_asked {
                    flight.missing.note(wanted.name(), self.shared.clock.now());
                }
                Err(unknown)
            }
        }
    }

    /// Fetches, unless there are fresh keys.
    pub(crate) async fn warm_up(&self) -> Result<(), Error> {
        let now = self.shared.clock.now();
        if self.state(now) == KeyState::Fresh {
            return Ok(());
        }
        wait_for(self.shared.begin_fetch(false, now)).await;
        match self.state(self.shared.clock.now()) {
            KeyState::Fresh => Ok(()),
            _ => Err(self.unavailable("the keys could not be fetched a moment ago")),
        }
    }

    pub(crate) fn health(&self) -> KeyHealth {
        let now = self.shared.clock.now();
        let kept = self.shared.kept.load();
        let times = kept.as_ref().and_then(|kept| kept.times.as_ref());
        KeyHealth {
            state: self.state(now),
            age: times.map(|times| now.duration_since(times.fetched_at).unwrap_or_default()),
            last_error: self.shared.flight().last_error.clone(),
        }
    }

    pub(crate) fn keys(&self) -> Option<K> {
        self.shared.kept.load().as_ref().map(|kept| kept.keys.clone())
    }

    fn state(&self, now: SystemTime) -> KeyState {
        let kept = self.shared.kept.load();
        kept.as_ref().map_or(KeyState::Missing, |kept| kept.state(now))
    }

    /// The last fetch's failure, which says what is wrong, or else `message`.
    fn unavailable(&self, message: &str) -> Error {
        let last_error = self.shared.flight().last_error.clone();
        last_error.unwrap_or_else(|| Error::new(ErrorKind::KeysUnavailable, message))
    }
}

impl<K: fmt::Debug + Send + Sync + 'static> Shared<K> {
    /// Begins a fetch that nobody waits for, if it is time for one; takes no lock otherwise.
    fn refresh(self: &Arc<Self>, now: SystemTime) {
        // Outside a runtime the next one who has to wait is told what is missing.
        if self.is_attempt_due(now) && Handle::try_current().is_ok() {
            self.begin_fetch(false, now);
        }
    }

    /// Begins a fetch, or joins the one under way. `None` when it is too early for one.
    ///
    /// The fetch is a task of its own: a caller that goes away does not cancel it for the others. And it is the
    /// only one, so an older answer never replaces a newer one.
    fn begin_fetch(self: &Arc<Self>, past_caches: bool, now: SystemTime) -> Option<watch::Receiver<()>> {
        self.fetcher.as_ref()?;
        let mut flight = self.flight();
        if let Some(running) = flight
            .running
            .as_ref()
            .filter(|running| running.has_changed().is_ok())
        {
            return Some(running.clone());
        }
        flight.running = None;
        if !self.is_attempt_due(now) {
            return None;
        }
        let Ok(runtime) = Handle::try_current() else {
            flight.last_error = Some(Error::new(
                ErrorKind::KeysUnavailable,
                "keys can be fetched inside a tokio runtime only",
            ));
            return None;
        };
        self.pause(now);
        let (under_way, ended) = watch::channel(());
        flight.running = Some(ended.clone());
        drop(flight);
        let shared = Arc::clone(self);
        runtime.spawn(async move {
            shared.fetch(past_caches).await;
            drop(under_way);
        });
        Some(ended)
    }

    async fn fetch(self: Arc<Self>, past_caches: bool) {
        let Some(fetcher) = &self.fetcher else { return };
        let span = tracing::debug_span!("hexclave.fetch_keys", issuer = self.issuer, past_caches);
        let result = fetcher.fetch(past_caches).instrument(span).await;
        telemetry::keys_fetched(self.issuer, result.as_ref().map(|fetched| fetched.max_age));
        let error = match result {
            Ok(Fetched { keys, max_age }) => {
                self.keep(keys, Some(Lifetime::Fetched(max_age)));
                None
            }
            Err(error) => Some(error),
        };
        self.pause(self.clock.now());
        self.flight().last_error = error;
    }

    fn keep(&self, keys: K, lifetime: Option<Lifetime>) {
        let now = self.clock.now();
        let generation = self.kept.load().as_ref().map_or(0, |kept| kept.generation + 1);
        let times = lifetime.map(|lifetime| {
            let (refresh_after, fresh_for) = match lifetime {
                Lifetime::Initial => (Duration::ZERO, INITIAL_KEYS_FRESH),
                Lifetime::Fetched(max_age) => {
                    let percent = REFRESH_PERCENT + random_below(JITTER_PERCENT + 1);
                    (max_age * percent / 100, max_age)
                }
            };
            Times {
                fetched_at: now,
                refresh_at: now + refresh_after,
                fresh_until: now + fresh_for,
                usable_until: now + fresh_for + self.stale_if_error,
            }
        });
        self.kept.store(Some(Arc::new(Kept {
            keys,
            generation,
            times,
        })));
    }

    fn is_attempt_due(&self, now: SystemTime) -> bool {
        millis(now) >= self.next_attempt.load(Ordering::Acquire)
    }

    /// Puts off the next fetch, counted from now.
    fn pause(&self, now: SystemTime) {
        let cooldown = if self.kept.load().is_some() {
            COOLDOWN
        } else {
            COLD_COOLDOWN
        };
        self.next_attempt.store(millis(now + cooldown), Ordering::Release);
    }

    fn flight(&self) -> MutexGuard<'_, Flight> {
        // Nothing that is done under the lock can leave it half-done.
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: fmt::Debug> fmt::Debug for Shared<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("fetcher", &self.fetcher)
            .field("kept", &self.kept.load())
            .finish_non_exhaustive()
    }
}

async fn wait_for(flight: Option<watch::Receiver<()>>) {
    if let Some(mut flight) = flight {
        // An error is the sender's end, which is what is waited for.
        let _ = flight.changed().await;
    }
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Good enough to spread out fetches, and needs no generator: the standard library seeds its hash maps randomly.
fn random_below(bound: u32) -> u32 {
    let random = RandomState::new().hash_one(());
    u32::try_from(random % u64::from(bound.max(1))).unwrap_or(0)
}
