//! What the outside can watch: `tracing` events, and metrics where the feature `metrics` is on. No token, key id or
//! personal data is in any of them.

use std::time::Duration;

use crate::Error;

/// A token was accepted. (Labels that are literals cost no allocation.)
pub(crate) fn accepted() {
    #[cfg(feature = "metrics")]
    metrics::counter!("hexclave_verifications_total", "result" => "ok").increment(1);
}

/// A token was refused, or could not be checked.
pub(crate) fn not_accepted(error: &Error) {
    #[cfg(feature = "metrics")]
    metrics::counter!("hexclave_verifications_total", "result" => error.code()).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = error;
}

/// A token was looked for in the cache.
pub(crate) fn cache_asked(found: bool) {
    #[cfg(feature = "metrics")]
    if found {
        metrics::counter!("hexclave_token_cache_total", "result" => "hit").increment(1);
    } else {
        metrics::counter!("hexclave_token_cache_total", "result" => "miss").increment(1);
    }
    #[cfg(not(feature = "metrics"))]
    let _ = found;
}

/// Keys were used that are older than the key server said they may get.
pub(crate) fn stale_keys_used(issuer: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!("hexclave_stale_key_uses_total", "issuer" => issuer).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = issuer;
}

/// How old the keys are that a token is about to be verified with.
pub(crate) fn key_age(issuer: &'static str, age: Duration) {
    #[cfg(feature = "metrics")]
    metrics::gauge!("hexclave_key_age_seconds", "issuer" => issuer).set(age.as_secs_f64());
    #[cfg(not(feature = "metrics"))]
    let _ = (issuer, age);
}

/// A fetch of keys has ended; of one that succeeded, how long they are fresh.
pub(crate) fn keys_fetched(issuer: &'static str, result: Result<Duration, &Error>) {
    #[cfg(feature = "metrics")]
    {
        let outcome = if result.is_ok() { "ok" } else { "error" };
        metrics::counter!("hexclave_key_fetches_total", "issuer" => issuer, "result" => outcome).increment(1);
    }
    match result {
        Ok(max_age) => tracing::debug!(issuer, fresh_seconds = max_age.as_secs(), "fetched keys"),
        Err(error) => tracing::warn!(
            issuer,
            error = %error,
            "keys could not be fetched; those at hand stay in use for a while"
        ),
    }
}
