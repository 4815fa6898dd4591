use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

const MOST: usize = 1024;
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Names of keys that a fetch did not find, so that one bad token which comes again and again does not cause a fetch
/// in each cooldown. The pause doubles each time; it starts short, since the key may be a new one that a cache on
/// the way still hides.
#[derive(Debug, Default)]
pub(crate) struct MissingKeys {
    pauses: HashMap<String, Pause>,
}

#[derive(Debug)]
struct Pause {
    until: SystemTime,
    length: Duration,
}

impl MissingKeys {
    /// Whether this key was looked for in vain so recently that it is not worth a fetch.
    pub(crate) fn is_paused(&self, name: &str, now: SystemTime) -> bool {
        self.pauses.get(name).is_some_and(|pause| now < pause.until)
    }

    /// Notes that a fetch did not find this key.
    pub(crate) fn note(&mut self, name: String, now: SystemTime) {
        if self.pauses.len() >= MOST {
            self.pauses.retain(|_, pause| now < pause.until);
        }
        let length = match self.pauses.get(&name) {
            Some(pause) => (pause.length * 2).min(LONGEST_PAUSE),
            None if self.pauses.len() >= MOST => return,
            None => FIRST_PAUSE,
        };
        let until = now + length;
        self.pauses.insert(name, Pause { until, length });
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn pauses_double_up_to_a_bound() {
        let mut missing = MissingKeys::default();
        let mut now = 0;
        for pause in [30, 60, 120, 240, 300, 300] {
            missing.note("a".to_owned(), at(now));
            assert!(missing.is_paused("a", at(now + pause - 1)), "{pause}");
            assert!(!missing.is_paused("a", at(now + pause)), "{pause}");
            assert!(!missing.is_paused("b", at(now)));
            now += pause;
        }
    }

    #[test]
    fn there_is_room_for_so_many_and_no_more() {
        let mut missing = MissingKeys::default();
        for number in 0..MOST + 10 {
            missing.note(number.to_string(), at(0));
        }
        assert_eq!(missing.pauses.len(), MOST);
        missing.note("later".to_owned(), at(30));
        assert_eq!(missing.pauses.len(), 1, "those that are over make room");
    }
}
