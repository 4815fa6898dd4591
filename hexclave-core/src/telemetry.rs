//! What the outside can watch: `tracing` events, and metrics where the feature `metrics` is on. No token, key id or
//! personal data is in any of them.

use crate::{Error, keys::Fetched};

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
pub(crate) fn stale_keys_used() {
    #[cfg(feature = "metrics")]
    metrics::counter!("hexclave_stale_key_uses_total").increment(1);
}

/// How old the keys are that a token is about to be verified with.
pub(crate) fn key_age(age: std::time::Duration) {
    #[cfg(feature = "metrics")]
    metrics::gauge!("hexclave_key_age_seconds").set(age.as_secs_f64());
    #[cfg(not(feature = "metrics"))]
    let _ = age;
}

/// A fetch of the keys has ended.
pub(crate) fn keys_fetched(result: &Result<Fetched, Error>) {
    #[cfg(feature = "metrics")]
    {
        let outcome = if result.is_ok() { "ok" } else { "error" };
        metrics::counter!("hexclave_key_fetches_total", "result" => outcome).increment(1);
    }
    match result {
        Ok(fetched) => tracing::debug!(
            fresh_seconds = fetched.max_age.as_secs(),
            "fetched the project's keys"
        ),
        Err(error) => tracing::warn!(
            error = %error,
            "the project's keys could not be fetched; those at hand stay in use for a while"
        ),
    }
}
