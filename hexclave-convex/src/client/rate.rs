use std::time::Duration;

use tokio::time::Instant;

/// Forced renewals are so long apart at least, and twice as long each time that it goes on.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(10);
const LONGEST_INTERVAL: Duration = Duration::from_secs(300);
/// A connection that is lost so soon after it was made was probably closed because of the token. (Convex's client comes for
/// a token up to 15 seconds after the loss.)
const SOON: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// How often Convex's client has come for a token because its connection was lost.
#[derive(Debug)]
pub(super) struct Rate {
    interval: Duration,
    renewed_at: Option<Instant>,
    connected_at: Option<Instant>,
    closed_soon: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            interval: SHORTEST_INTERVAL,
            renewed_at: None,
            connected_at: None,
            closed_soon: 0,
        }
    }
}

impl Rate {
    pub(super) fn connected(&mut self, now: Instant) {
        self.connected_at = Some(now);
    }

    /// The connection was lost, or could not be made: how many in a row were lost soon. Those that could not be made do not
    /// count.
    pub(super) fn lost(&mut self, now: Instant) -> u32 {
        if let Some(connected) = self.connected_at.take() {
            self.closed_soon = match now - connected < SOON {
                true => self.closed_soon.saturating_add(1),
                false => 0,
            };
        }
        self.closed_soon
    }

    pub(super) fn closed_soon(&self) -> u32 {
        self.closed_soon
    }

    /// How long to make such a client wait.
    pub(super) fn pause(closed_soon: u32) -> Duration {
        match closed_soon.checked_sub(2) {
            None => Duration::ZERO,
            Some(doublings) => Duration::from_secs(1 << doublings.min(3)).min(LONGEST_PAUSE),
        }
    }

    /// Whether a renewal may be forced now. If so, it counts.
    pub(super) fn may_force(&mut self, now: Instant) -> bool {
        match self.renewed_at.map(|renewed| now - renewed) {
            Some(passed) if passed < self.interval => return false,
            Some(passed) if passed < self.interval * 2 => {
                self.interval = (self.interval * 2).min(LONGEST_INTERVAL);
            }
            _ => self.interval = SHORTEST_INTERVAL,
        }
        self.renewed_at = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn forced_renewals_become_rarer() {
        let start = Instant::now();
        let mut rate = Rate::default();
        let forced: Vec<_> = (0..1200)
            .filter(|second| rate.may_force(start + SECOND * *second))
            .collect();
        assert_eq!(forced, [0, 10, 30, 70, 150, 310, 610, 910]);
        // After some quiet it is as in the beginning.
        let later = start + SECOND * 2000;
        assert!(rate.may_force(later) && !rate.may_force(later + SECOND * 9));
        assert!(rate.may_force(later + SECOND * 10));
    }

    #[test]
    fn only_connections_that_were_made_count() {
        let start = Instant::now();
        let mut rate = Rate::default();
        assert_eq!(rate.lost(start), 0);
        for expected in 1..4 {
            rate.connected(start);
            assert_eq!(rate.lost(start + SECOND * 29), expected);
            assert_eq!(rate.lost(start + SECOND * 29), expected, "no connection was made");
        }
        rate.connected(start);
        assert_eq!(rate.lost(start + SECOND * 30), 0, "it lasted a while");
        let pauses: Vec<_> = (0..8).map(|times| Rate::pause(times).as_secs()).collect();
        assert_eq!(pauses, [0, 0, 1, 2, 4, 8, 8, 8]);
        assert_eq!(Rate::pause(u32::MAX), LONGEST_PAUSE);
    }
}
