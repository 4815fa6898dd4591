use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hexclave_core::Clock;

/// A clock that stands still until it is told to move.
///
/// ```
/// use hexclave_core::Clock;
/// use hexclave_testkit::TestClock;
///
/// let clock = TestClock::at(1_795_300_000);
/// clock.advance(600);
/// assert_eq!(clock.unix_seconds(), 1_795_300_600);
/// ```
#[derive(Debug)]
pub struct TestClock(AtomicU64);

impl TestClock {
    /// A clock that shows this many seconds since 1970.
    #[must_use]
    pub fn at(unix_seconds: u64) -> Self {
        Self(AtomicU64::new(unix_seconds))
    }

    /// Moves the clock forwards by whole seconds.
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Moves the clock to this many seconds since 1970, forwards or backwards.
    pub fn set(&self, unix_seconds: u64) {
        self.0.store(unix_seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}
