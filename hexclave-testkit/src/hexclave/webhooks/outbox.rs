use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use url::Url;

use super::{
    super::{HexclaveError, random_key},
    WebhookSecret,
};

/// After how many seconds a delivery that has failed is tried again, one after the other. They are those that Svix
/// documents as its own; what Hexclave has set is not known.
const RETRY_AFTER_SECONDS: [u64; 7] = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600];

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
pub(crate) struct Outbox(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    messages: Vec<WebhookMessage>,
    endpoints: Vec<Endpoint>,
    /// In the order in which they came about.
    deliveries: Vec<Delivery>,
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
    endpoint: Endpoint,
    message: WebhookMessage,
    attempts: usize,
    /// `None` when it has arrived or has been given up.
    due_seconds: Option<u64>,
}

/// A delivery to be tried now.
#[derive(Clone, Debug)]
pub(super) struct Due {
    pub(super) number: usize,
    pub(super) endpoint: Endpoint,
    pub(super) message: WebhookMessage,
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
        let endpoints = state.endpoints.clone();
        for endpoint in endpoints {
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
        Ok(())
    }

    pub(super) fn messages(&self) -> Vec<WebhookMessage> {
        self.state().messages.clone()
    }

    pub(super) fn add_endpoint(&self, endpoint: Endpoint) {
        self.state().endpoints.push(endpoint);
    }

    /// Has a message delivered once more, also where it has arrived; says whether there is such a message.
    pub(super) fn send_again(&self, id: &str, unix_seconds: u64) -> bool {
        let mut state = self.state();
        let deliveries = state.deliveries.iter_mut();
        for delivery in deliveries.filter(|delivery| delivery.message.id == id) {
            delivery.due_seconds = Some(unix_seconds);
        }
        state.messages.iter().any(|message| message.id == id)
    }

    pub(super) fn due(&self, unix_seconds: u64) -> Vec<Due> {
        self.state()
            .deliveries
            .iter()
            .filter(|delivery| delivery.due_seconds.is_some_and(|due| due <= unix_seconds))
            .map(|delivery| Due {
                number: delivery.number,
                endpoint: delivery.endpoint.clone(),
                message: delivery.message.clone(),
            })
            .collect()
    }

    /// Notes how an attempt ended; which of its kind it was, from 1.
    pub(super) fn attempted(&self, number: usize, arrived: bool, unix_seconds: u64) -> usize {
        let mut state = self.state();
        let Some(delivery) = state.deliveries.get_mut(number) else {
            return 0;
        };
        let retry = RETRY_AFTER_SECONDS.get(delivery.attempts);
        delivery.attempts += 1;
        delivery.due_seconds = match (arrived, retry) {
            (false, Some(seconds)) => Some(unix_seconds.saturating_add(*seconds)),
            _ => None,
        };
        delivery.attempts
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
