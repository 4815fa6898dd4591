use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use serde::Serialize;
use tokio::sync::{Notify, futures::Notified};
use url::Url;

use super::{
    super::{HexclaveError, random_key},
    WebhookAttempt, WebhookFault, WebhookSecret,
};

/// After how many seconds a delivery that has failed is tried again, one after the other. They are those that Svix
/// documents as its own; what Hexclave has set is not known.
const RETRY_AFTER_SECONDS: [u64; 7] = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600];
/// How long messages are gathered that are to come in reversed order.
const GATHER_SECONDS: u64 = 2;
/// How many attempts are remembered.
const CAPACITY: usize = 10_000;

/// Something that has happened in the project, as its webhook tells it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookMessage {
    /// What `svix-id` says, in every delivery of this message.
    pub id: String,
    /// What has happened, such as `user.created`.
    pub event_type: String,
    /// The JSON that is sent.
    pub body: String,
}

/// Without the body, which has addresses and names.
impl fmt::Debug for WebhookMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookMessage({} {})", self.event_type, self.id)
    }
}

/// What there is to tell, to whom, and what has been told.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    /// Told when there is something to deliver.
    news: Notify,
}

#[derive(Debug, Default)]
struct State {
    messages: Vec<WebhookMessage>,
    endpoints: Vec<Endpoint>,
    /// In the order in which they came about.
    deliveries: Vec<Delivery>,
    attempts: VecDeque<WebhookAttempt>,
    faults: BTreeSet<WebhookFault>,
}

#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) url: Url,
    pub(super) secret: WebhookSecret,
}

/// A message on its way to an endpoint.
#[derive(Debug)]
struct Delivery {
    number: usize,
    endpoint: usize,
    message: WebhookMessage,
    attempts: usize,
    /// `None` when it has arrived or has been given up.
    due_seconds: Option<u64>,
}

/// A delivery to be tried now.
#[derive(Clone, Debug)]
pub(super) struct Due {
    number: usize,
    pub(super) endpoint: Endpoint,
    pub(super) message: WebhookMessage,
    /// How many attempts there have been.
    pub(super) attempts: usize,
}

/// What an endpoint is to be told now, and what goes wrong with that.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) endpoint: usize,
    pub(super) due: Vec<Due>,
    pub(super) faults: BTreeSet<WebhookFault>,
}

#[derive(Serialize)]
struct Body<'a, T> {
    #[serde(rename = "type")]
    event_type: &'a str,
    data: &'a T,
}

impl Outbox {
    pub(crate) fn publish(
        &self,
        event_type: &str,
        data: &impl Serialize,
        unix_seconds: u64,
    ) -> Result<(), HexclaveError> {
        let body = serde_json::to_string(&Body { event_type, data })
            .map_err(|error| HexclaveError::with_source("a webhook has no JSON text", error))?;
        let message = WebhookMessage {
            // Svix's ids are 27 characters after the prefix.
            id: format!("msg_{}", random_key()?.chars().take(27).collect::<String>()),
            event_type: event_type.to_owned(),
            body,
        };
        let mut state = self.state();
        for endpoint in 0..state.endpoints.len() {
            let delivery = Delivery {
                number: state.deliveries.len(),
                endpoint,
                message: message.clone(),
                attempts: 0,
                due_seconds: Some(unix_seconds),
            };
            state.deliveries.push(delivery);
        }
        state.messages.push(message);
        drop(state);
        self.news.notify_waiters();
        Ok(())
    }

    /// Ends when there is something new to deliver.
    pub(super) fn news(&self) -> Notified<'_> {
        self.news.notified()
    }

    pub(super) fn messages(&self) -> Vec<WebhookMessage> {
        self.state().messages.clone()
    }

    pub(crate) fn attempts(&self) -> Vec<WebhookAttempt> {
        self.state().attempts.iter().cloned().collect()
    }

    pub(super) fn add_endpoint(&self, endpoint: Endpoint) {
        self.state().endpoints.push(endpoint);
    }

    /// Who is told.
    pub(crate) fn urls(&self) -> Vec<Url> {
        let state = self.state();
        state
            .endpoints
            .iter()
            .map(|endpoint| endpoint.url.clone())
            .collect()
    }

    pub(crate) fn faults(&self) -> BTreeSet<WebhookFault> {
        self.state().faults.clone()
    }

    pub(crate) fn set_faults(&self, faults: BTreeSet<WebhookFault>) {
        self.state().faults = faults;
    }

    /// Has a message delivered once more, also where it has arrived; says whether there is such a message.
    pub(crate) fn send_again(&self, id: &str, unix_seconds: u64) -> bool {
        let mut state = self.state();
        let deliveries = state.deliveries.iter_mut();
        for delivery in deliveries.filter(|delivery| delivery.message.id == id) {
            delivery.due_seconds = Some(unix_seconds);
        }
        let is_known = state.messages.iter().any(|message| message.id == id);
        drop(state);
        self.news.notify_waiters();
        is_known
    }

    pub(super) fn due(&self, unix_seconds: u64) -> Vec<Due> {
        let state = self.state();
        let due = state
            .deliveries
            .iter()
            .filter(|delivery| delivery.is_due(unix_seconds));
        due.filter_map(|delivery| state.to_try(delivery)).collect()
    }

    /// Whether anything is due, or will be.
    pub(super) fn has_waiting(&self) -> bool {
        let state = self.state();
        state
            .deliveries
            .iter()
            .any(|delivery| delivery.due_seconds.is_some())
    }

    /// What is due, by endpoint, but not to those that are being told something.
    pub(super) fn batches(&self, unix_seconds: u64, busy: &BTreeSet<usize>) -> Vec<Batch> {
        let state = self.state();
        let mut due = BTreeMap::<usize, Vec<&Delivery>>::new();
        for delivery in &state.deliveries {
            if delivery.is_due(unix_seconds) && !busy.contains(&delivery.endpoint) {
                due.entry(delivery.endpoint).or_default().push(delivery);
            }
        }
        let is_reversed = state.faults.contains(&WebhookFault::Reversed);
        if is_reversed {
            // Until the oldest has waited long enough for younger ones to come with it.
            let gathered = unix_seconds.saturating_sub(GATHER_SECONDS);
            due.retain(|_, due| due.iter().any(|delivery| delivery.is_due(gathered)));
        }
        due.into_iter()
            .map(|(endpoint, mut due)| {
                if is_reversed {
                    due.reverse();
                }
                Batch {
                    endpoint,
                    due: due
                        .into_iter()
                        .filter_map(|delivery| state.to_try(delivery))
                        .collect(),
                    faults: state.faults.clone(),
                }
            })
            .collect()
    }

    /// Notes how an attempt ended.
    pub(super) fn attempted(
        &self,
        due: &Due,
        status: Option<u16>,
        unix_seconds: u64,
        attempted_at: SystemTime,
    ) -> WebhookAttempt {
        let arrived = status.is_some_and(|status| (200..300).contains(&status));
        let (number, retry_after) = self.state().tried(due.number, !arrived, unix_seconds);
        self.noted(WebhookAttempt {
            status,
            ..due.attempt(number, attempted_at, retry_after)
        })
    }

    /// Notes that a fault has kept a message from being sent.
    pub(super) fn withheld(
        &self,
        due: &Due,
        fault: WebhookFault,
        unix_seconds: u64,
        attempted_at: SystemTime,
    ) -> WebhookAttempt {
        let comes_again = fault != WebhookFault::Lost;
        let (number, retry_after) = self.state().tried(due.number, comes_again, unix_seconds);
        self.noted(WebhookAttempt {
            withheld: Some(fault),
            ..due.attempt(number, attempted_at, retry_after)
        })
    }

    fn noted(&self, attempt: WebhookAttempt) -> WebhookAttempt {
        let mut state = self.state();
        if state.attempts.len() >= CAPACITY {
            state.attempts.pop_front();
        }
        state.attempts.push_back(attempt.clone());
        attempt
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn to_try(&self, delivery: &Delivery) -> Option<Due> {
        Some(Due {
            number: delivery.number,
            endpoint: self.endpoints.get(delivery.endpoint)?.clone(),
            message: delivery.message.clone(),
            attempts: delivery.attempts,
        })
    }

    /// Counts an attempt: which of its kind it was, from 1, and when the next one is due.
    fn tried(&mut self, number: usize, again: bool, unix_seconds: u64) -> (usize, Option<Duration>) {
        let Some(delivery) = self.deliveries.get_mut(number) else {
            return (0, None);
        };
        let retry = RETRY_AFTER_SECONDS.get(delivery.attempts).filter(|_| again);
        delivery.attempts += 1;
        delivery.due_seconds = retry.map(|seconds| unix_seconds.saturating_add(*seconds));
        (
            delivery.attempts,
            retry.map(|seconds| Duration::from_secs(*seconds)),
        )
    }
}

impl Delivery {
    fn is_due(&self, unix_seconds: u64) -> bool {
        self.due_seconds.is_some_and(|due| due <= unix_seconds)
    }
}

impl Due {
    /// An attempt at it that nobody has answered.
    fn attempt(
        &self,
        number: usize,
        attempted_at: SystemTime,
        retry_after: Option<Duration>,
    ) -> WebhookAttempt {
        WebhookAttempt {
            id: self.message.id.clone(),
            event_type: self.message.event_type.clone(),
            url: self.endpoint.url.to_string(),
            attempted_at,
            number,
            status: None,
            withheld: None,
            retry_after,
        }
    }
}
