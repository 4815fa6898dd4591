use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{ApiUrl, ProjectConfig};

/// For how long another host is used before the first one gets its next chance.
const EXILE: Duration = Duration::from_secs(60);

/// Where the API is: the configured host and those that stand in for it.
#[derive(Debug)]
pub(super) struct Hosts {
    first: ApiUrl,
    others: Vec<ApiUrl>,
    preferred: Mutex<Preferred>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Preferred {
    index: usize,
    since: Option<Instant>,
}

impl Hosts {
    pub(super) fn new(first: ApiUrl, others: Vec<ApiUrl>) -> Self {
        Self {
            first,
            others,
            preferred: Mutex::default(),
        }
    }

    /// The host to ask now.
    pub(super) fn preferred(&self) -> (usize, &ApiUrl) {
        let mut preferred = self.lock();
        if preferred.since.is_some_and(|since| since.elapsed() >= EXILE) {
            *preferred = Preferred::default();
        }
        let index = preferred.index;
        drop(preferred);
        let other = index.checked_sub(1).and_then(|index| self.others.get(index));
        other.map_or((0, &self.first), |url| (index, url))
    }

    /// Turns to the next host, unless somebody else has done so already.
    pub(super) fn failed(&self, index: usize) {
        let mut preferred = self.lock();
        if preferred.index == index {
            preferred.index = (index + 1) % (self.others.len() + 1);
            preferred.since = (preferred.index != 0).then(Instant::now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Preferred> {
        // Two plain numbers: nothing can leave them half-done.
        self.preferred.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hosts that a project's configuration names. As in Hexclave's SDKs, whoever has chosen a host gets that one and
/// no other.
pub(super) fn fallbacks(config: &ProjectConfig) -> Vec<ApiUrl> {
    if config.has_own_api_url() {
        Vec::new()
    } else {
        ApiUrl::cloud_fallbacks().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_host_that_fails_is_left_for_a_minute() {
        let url = |port: u16| format!("http://127.0.0.1:{port}").parse().expect("a URL");
        let hosts = Hosts::new(url(1), vec![url(2), url(3)]);
        let now = || hosts.preferred().0;
        assert_eq!(now(), 0);
        hosts.failed(0);
        // The second of two who saw the same failure does not skip a host.
        hosts.failed(0);
        assert_eq!(now(), 1);
        tokio::time::advance(EXILE - Duration::from_millis(1)).await;
        assert_eq!(now(), 1);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(now(), 0);
        for next in [1, 2, 0] {
            hosts.failed(now());
            assert_eq!(now(), next);
        }
    }

    #[test]
    fn only_the_cloud_has_others() {
        let project = || ProjectConfig::builder().project_id("internal".parse().expect("a project"));
        let others = |config: ProjectConfig| fallbacks(&config).len();
        assert_eq!(others(project().build().expect("a config")), 2);
        let chosen = project().api_url(ApiUrl::default()).build().expect("a config");
        assert_eq!(others(chosen), 0);
    }
}
