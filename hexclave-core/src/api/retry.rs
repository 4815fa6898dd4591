//! When to try again, and when to stop.

use std::time::{Duration, SystemTime};

use backon::ExponentialBuilder;
use http::{HeaderMap, header};

/// Before the second attempt; twice as long before each one after it, and up to as long again at random.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const MOST_RETRIES: usize = 4;
/// A server that asks for longer is not waited for, whatever the deadline.
const LONGEST_OBEDIENCE: Duration = Duration::from_secs(60);

pub(super) fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_max_times(MOST_RETRIES)
        .with_jitter()
}

/// The pause before the next attempt, or `None` when there shall be none: what the server asks for and the usual one
/// after it, so that not everybody comes back at once, provided that it leaves time for an attempt.
pub(super) fn pause(
    backoff: Option<Duration>,
    asked_for: Option<Duration>,
    time_left: Duration,
) -> Option<Duration> {
    let pause = match asked_for {
        Some(asked_for) if asked_for > LONGEST_OBEDIENCE => return None,
        Some(asked_for) => backoff?.saturating_add(asked_for),
        None => backoff?,
    };
    (pause < time_left).then_some(pause)
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3). A date is counted from the answer's own `Date`
/// where there is one, so that clocks need not agree.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a very long time.
        return Some(Duration::from_secs(text.parse().unwrap_or(u32::MAX.into())));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
    let answered = date.and_then(|date| httpdate::parse_http_date(date).ok());
    Some(until.duration_since(answered.unwrap_or(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn both_forms_are_read_and_dates_are_the_servers() {
        let read = |wait: &'static str, date: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(wait));
            headers.insert(header::DATE, HeaderValue::from_static(date));
            // Long before the server's date.
            retry_after(&headers, SystemTime::UNIX_EPOCH).map(|wait| wait.as_secs())
        };
        let date = "Sun, 22 Nov 2026 04:00:00 GMT";
        assert_eq!(read("7", date), Some(7));
        assert_eq!(read("0", date), Some(0));
        assert_eq!(read("99999999999999999999999", date), Some(u64::from(u32::MAX)));
        assert_eq!(read("Sun, 22 Nov 2026 04:01:30 GMT", date), Some(90));
        assert_eq!(read("Sun, 22 Nov 2026 03:59:00 GMT", date), Some(0));
        assert_eq!(read("Thu, 01 Jan 1970 00:00:09 GMT", "?"), Some(9));
        for bad in ["", "-1", "1.5", "soon", "1e3"] {
            assert_eq!(read(bad, date), None, "{bad}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), SystemTime::UNIX_EPOCH), None);
    }

    #[test]
    fn the_server_is_obeyed_within_bounds() {
        let backoff = Some(SECOND);
        assert_eq!(pause(backoff, None, SECOND * 30), Some(SECOND));
        assert_eq!(pause(backoff, Some(SECOND * 5), SECOND * 30), Some(SECOND * 6));
        assert_eq!(pause(backoff, Some(Duration::ZERO), SECOND * 30), Some(SECOND));
        assert_eq!(pause(backoff, Some(SECOND * 30), SECOND * 30), None);
        assert_eq!(pause(backoff, Some(SECOND * 61), SECOND * 3600), None);
        assert_eq!(pause(backoff, None, SECOND), None);
        assert_eq!(pause(None, Some(SECOND), SECOND * 30), None);
    }
}
