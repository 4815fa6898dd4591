use std::{
    env, fmt,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use http::HeaderMap;

use super::{Delivery, MemoryReplays, ReplayStore, Secret, Sighting, seal::Seal};
use crate::{Clock, Error, ErrorKind, SystemClock};

/// How far a delivery's timestamp may be from now, in either direction: five minutes, as Standard Webhooks has it.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

const VARIABLES: [&str; 2] = ["HEXCLAVE_WEBHOOK_SECRET", "STACK_WEBHOOK_SECRET"];
/// How much longer than its timestamp would pass an attempt is remembered: for requests that are held up on their way
/// to the store, and for clocks of processes that share one.
const RESERVE: Duration = Duration::from_secs(60);
const DEFAULT_MAX_BODY: usize = 1024 * 1024;

/// Verifies webhook deliveries. Cheap to clone; clones share what they have [seen](ReplayStore).
///
/// ```
/// use hexclave_core::webhooks::{Secret, Verifier};
///
/// let verifier = Verifier::new(Secret::new("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX")?);
/// # Ok::<(), hexclave_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    secrets: Vec<Secret>,
    clock: Arc<dyn Clock>,
    replays: Arc<dyn ReplayStore>,
    max_body: usize,
}

impl Verifier {
    /// A verifier for the deliveries to one endpoint.
    #[must_use]
    pub fn new(secret: Secret) -> Self {
        Self::of(vec![secret])
    }

    /// Takes the secret from `HEXCLAVE_WEBHOOK_SECRET` or, where that is unset or empty, `STACK_WEBHOOK_SECRET`. Several
    /// secrets, as while one replaces another, have blanks between them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when neither is set, or a secret is unusable.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variables(|name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// The same from variables that `variable` looks up by name, for settings that live in a file or a secret store.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when neither is set, or a secret is unusable.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let set = |name| Some((name, variable(name)?)).filter(|(_, value)| !value.trim().is_empty());
        let (name, value) = VARIABLES.into_iter().find_map(set).ok_or_else(|| {
            Error::config(format!(
                "no webhook secret: none of {} is set (an empty value counts as unset)",
                VARIABLES.join(", ")
            ))
        })?;
        let secrets: Result<_, _> = value.split_whitespace().map(Secret::new).collect();
        let secrets = secrets.map_err(|error| Error::config(format!("variable {name}: {error}")))?;
        Ok(Self::of(secrets))
    }

    fn of(secrets: Vec<Secret>) -> Self {
        Self {
            inner: Arc::new(Inner {
                secrets,
                clock: Arc::new(SystemClock),
                replays: Arc::new(MemoryReplays::default()),
                max_body: DEFAULT_MAX_BODY,
            }),
        }
    }

    /// Accepts deliveries signed with this secret too: that of another endpoint, or the next one while secrets change.
    #[must_use]
    pub fn or(mut self, secret: Secret) -> Self {
        Arc::make_mut(&mut self.inner).secrets.push(secret);
        self
    }

    /// Remembers deliveries in this store instead of one of its own.
    #[must_use]
    pub fn replays(mut self, store: Arc<dyn ReplayStore>) -> Self {
        Arc::make_mut(&mut self.inner).replays = store;
        self
    }

    /// The longest body that is looked at, in bytes; 1 MiB unless set.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.inner).max_body = bytes;
        self
    }

    /// Where the time comes from.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        Arc::make_mut(&mut self.inner).clock = clock;
        self
    }

    /// Proves that a request is a delivery of Hexclave's, sent just now and seen for the first time, and reads it.
    ///
    /// The headers are `svix-id`, `svix-timestamp` and `svix-signature`, or the same with `webhook-`. `body` is the raw
    /// body. Answer with a status of the 2xx class once the event is dealt with; for anything else, also for an
    /// error of this method, it is sent again.
    ///
    /// # Errors
    /// | kind | [answer](super::status) |
    /// |---|---|
    /// | [`WebhookMalformed`](ErrorKind::WebhookMalformed): headers are missing, unreadable or contradict each other, or the signed body is not an event | 400 |
    /// | [`WebhookSignatureMismatch`](ErrorKind::WebhookSignatureMismatch): no signature is that of a secret over this id, timestamp and body | 401 |
    /// | [`WebhookOutOfTime`](ErrorKind::WebhookOutOfTime): more than [`TOLERANCE`] old, or from the future | 401 |
    /// | [`WebhookReplayed`](ErrorKind::WebhookReplayed): the same attempt was here before | 409 |
    /// | [`WebhookTooLarge`](ErrorKind::WebhookTooLarge): the body is longer than [allowed](Self::max_body) | 413 |
    /// | [`WebhookNotChecked`](ErrorKind::WebhookNotChecked): the store could not tell; a later attempt may pass | 503 |
    pub async fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<Delivery, Error> {
        let Inner {
            secrets,
            clock,
            replays,
            max_body,
        } = &*self.inner;
        if body.len() > *max_body {
            return Err(too_large(*max_body));
        }
        let seal = Seal::from_headers(headers)?;
        let now = clock.now();
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let tolerance = TOLERANCE.as_secs();
        if seconds.abs_diff(seal.timestamp()) > tolerance {
            return Err(Error::new(
                ErrorKind::WebhookOutOfTime,
                format!(
                    "the delivery was signed more than {} minutes from now: it is old, or a clock is wrong",
                    tolerance / 60
                ),
            ));
        }
        if !secrets.iter().any(|secret| secret.has_sealed(&seal, body)) {
            return Err(Error::new(
                ErrorKind::WebhookSignatureMismatch,
                "the delivery's signature does not belong to its id, timestamp and body: it is forged, the secret is \
                 another endpoint's, or the body was changed on the way (as by parsing JSON and writing it again)",
            ));
        }
        let delivery = Delivery::read(&seal, body)?;

        let until = UNIX_EPOCH + Duration::from_secs(seal.timestamp()) + TOLERANCE + RESERVE;
        match replays.note(seal.attempt(), until, now).await {
            Ok(Sighting::First) => Ok(delivery),
            Ok(Sighting::Again) => Err(Error::new(
                ErrorKind::WebhookReplayed,
                "this attempt to deliver was received before",
            )),
            Err(error) => Err(Error::new(
                ErrorKind::WebhookNotChecked,
                "the delivery is genuine, but whether it was received before could not be told",
            )
            .with_source(error)),
        }
    }

    #[cfg(feature = "axum")]
    pub(super) fn longest_body(&self) -> usize {
        self.inner.max_body
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("secrets", &self.inner.secrets.len())
            .field("replays", &self.inner.replays)
            .field("max_body", &self.inner.max_body)
            .finish_non_exhaustive()
    }
}

pub(super) fn too_large(max_body: usize) -> Error {
    Error::new(
        ErrorKind::WebhookTooLarge,
        format!("the delivery's body has more than {max_body} bytes"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
    const TWO: &str = "whsec_EAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

    #[test]
    fn secrets_are_read_from_the_environment() {
        let from = |variables: &[(&str, &str)]| {
            Verifier::from_variables(|name| {
                let (_, value) = variables.iter().find(|(key, _)| *key == name)?;
                Some((*value).to_owned())
            })
            .map(|verifier| verifier.inner.secrets.len())
            .map_err(|error| error.to_string())
        };
        let two = format!("{ONE} {TWO}\n");
        assert_eq!(from(&[("HEXCLAVE_WEBHOOK_SECRET", ONE)]), Ok(1));
        assert_eq!(from(&[("STACK_WEBHOOK_SECRET", &two)]), Ok(2));
        assert_eq!(
            from(&[("HEXCLAVE_WEBHOOK_SECRET", &two), ("STACK_WEBHOOK_SECRET", "x")]),
            Ok(2)
        );
        assert_eq!(
            from(&[("HEXCLAVE_WEBHOOK_SECRET", ""), ("STACK_WEBHOOK_SECRET", ONE)]),
            Ok(1)
        );
        assert!(
            from(&[])
                .expect_err("nothing")
                .contains("HEXCLAVE_WEBHOOK_SECRET, STACK_WEBHOOK_SECRET")
        );
        let error = from(&[("STACK_WEBHOOK_SECRET", "hidden")]).expect_err("no secret");
        assert!(
            error.contains("STACK_WEBHOOK_SECRET") && !error.contains("hidden"),
            "{error}"
        );
    }
}
