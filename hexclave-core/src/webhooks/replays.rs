use std::{
    collections::{BTreeMap, HashSet},
    error::Error as StdError,
    fmt,
    future::{Future, ready},
    pin::Pin,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

const DEFAULT_CAPACITY: usize = 100_000;

/// Whether an attempt to deliver has been seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)]
pub enum Sighting {
    /// Never, and it is remembered from now on.
    First,
    /// It has.
    Again,
}

/// A [`ReplayStore`]'s answer, to be waited for.
pub type Noting<'a> =
    Pin<Box<dyn Future<Output = Result<Sighting, Box<dyn StdError + Send + Sync>>> + Send + 'a>>;

/// Remembers which attempts to deliver have been received, so that nobody can send one a second time.
///
/// A store that several processes share lives in a database. In Redis it is one `SET attempt "" NX EXAT until`, in SQL
/// an `INSERT … ON CONFLICT DO NOTHING` with the number of rows as the answer.
pub trait ReplayStore: fmt::Debug + Send + Sync + 'static {
    /// Notes an attempt, at once for everybody who asks at the same time: exactly one of them gets
    /// [`Sighting::First`].
    ///
    /// `attempt` is the message's id and the attempt's timestamp with a full stop between them, at most 277 bytes. It
    /// must not be forgotten before `until`, which follows from its timestamp; by then that is refused anyway. Only
    /// deliveries whose signature is genuine are noted.
    ///
    /// # Errors
    /// When the store cannot tell. The delivery is then refused as not checked, and sent again later.
    fn note<'a>(&'a self, attempt: &'a str, until: SystemTime, now: SystemTime) -> Noting<'a>;
}

/// A store in memory, for one process.
///
/// It has room for so many attempts and never forgets one that could still be sent again. While it is full, deliveries
/// are refused as not checked, and Svix sends them again later: no attempt passes twice, and memory is bounded. An
/// attempt is kept for six minutes (up to eleven, if the sender's clock is ahead), so the default of 100,000 fills up at
/// some 250 deliveries a second.
pub struct MemoryReplays {
    seen: Mutex<Seen>,
    capacity: usize,
}

/// Attempts by the time at which they may be forgotten.
#[derive(Default)]
struct Seen {
    by_end: BTreeMap<SystemTime, HashSet<Box<str>>>,
    count: usize,
}

impl MemoryReplays {
    /// A store for at most `capacity` attempts at a time.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            seen: Mutex::default(),
            capacity,
        }
    }

    fn look(&self, attempt: &str, until: SystemTime, now: SystemTime) -> Result<Sighting, Full> {
        // Nothing that is done under the lock can leave it half-done.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.forget_before(now);
        if seen
            .by_end
            .get(&until)
            .is_some_and(|those| those.contains(attempt))
        {
            return Ok(Sighting::Again);
        }
        if seen.count >= self.capacity {
            return Err(Full);
        }
        seen.by_end.entry(until).or_default().insert(attempt.into());
        seen.count += 1;
        Ok(Sighting::First)
    }
}

impl Seen {
    fn forget_before(&mut self, now: SystemTime) {
        while let Some(first) = self.by_end.first_entry().filter(|first| *first.key() <= now) {
            self.count = self.count.saturating_sub(first.remove().len());
        }
    }
}

impl Default for MemoryReplays {
    fn default() -> Self {
        Self::new(DEFAULT_CAPACITY)
    }
}

impl ReplayStore for MemoryReplays {
    fn note<'a>(&'a self, attempt: &'a str, until: SystemTime, now: SystemTime) -> Noting<'a> {
        Box::pin(ready(self.look(attempt, until, now).map_err(Into::into)))
    }
}

impl fmt::Debug for MemoryReplays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReplays")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store of deliveries in memory is full")
    }
}

impl StdError for Full {}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn an_attempt_is_forgotten_when_its_time_is_over_and_not_before() {
        let store = MemoryReplays::default();
        for (now, expected) in [
            (0, Sighting::First),
            (0, Sighting::Again),
            (299, Sighting::Again),
            (300, Sighting::First),
        ] {
            assert_eq!(store.look("a.0", at(300), at(now)).ok(), Some(expected), "{now}");
        }
    }

    #[test]
    fn a_full_store_forgets_nothing_that_still_counts() {
        let store = MemoryReplays::new(2);
        assert!(store.look("a.0", at(300), at(0)).is_ok());
        assert!(store.look("b.1", at(301), at(1)).is_ok());
        assert!(store.look("c.2", at(302), at(2)).is_err());
        assert_eq!(store.look("a.0", at(300), at(2)).ok(), Some(Sighting::Again));
        assert_eq!(store.look("c.2", at(302), at(300)).ok(), Some(Sighting::First));
        assert!(store.look("d.3", at(303), at(300)).is_err());
    }
}
