use std::time::Duration;

use crate::Error;

/// How a verifier stands with its keys, for a readiness probe or a dashboard.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyHealth {
    /// Whether tokens can be verified, and how well.
    pub state: KeyState,
    /// How long ago the keys at hand were fetched; `None` when there are none or when they were given.
    pub age: Option<Duration>,
    /// Why the last fetch failed; `None` when it succeeded, or when there was none.
    pub last_error: Option<Error>,
}

/// The state of a verifier's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyState {
    /// None were fetched yet. The first token, or [`warm_up`](crate::Verifier::warm_up), causes a fetch.
    Missing,
    /// As good as the key server's own word.
    Fresh,
    /// Older than the key server said they may get, and still used.
    Stale,
    /// Too old to be relied on: tokens cannot be checked until a fetch succeeds.
    Expired,
}

impl KeyState {
    /// Whether tokens of known keys can be verified at the moment.
    #[must_use]
    pub fn is_ready(self) -> bool {
        matches!(self, Self::Fresh | Self::Stale)
    }
}
