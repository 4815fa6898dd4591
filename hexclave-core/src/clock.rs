use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Where the time comes from, so that every time rule can be tested at its edge.
///
/// ```
/// use std::time::{Duration, SystemTime, UNIX_EPOCH};
/// use hexclave_core::Clock;
///
/// #[derive(Debug)]
/// struct Frozen(u64);
///
/// impl Clock for Frozen {
///     fn now(&self) -> SystemTime {
///         UNIX_EPOCH + Duration::from_secs(self.0)
///     }
/// }
///
/// assert_eq!(Frozen(1_795_300_000).unix_seconds(), 1_795_300_000);
/// ```
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> SystemTime;

    /// The time now in whole seconds since 1970 (rounded down; 0 for anything earlier).
    fn unix_seconds(&self) -> u64 {
        self.now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO)
            .as_secs()
    }
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}
