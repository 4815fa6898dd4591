//! Telling other servers what has happened in the project.

mod outbox;
mod secret;

use std::time::Duration;

pub(crate) use outbox::Outbox;
pub use outbox::WebhookMessage;
pub use secret::WebhookSecret;

use outbox::{Due, Endpoint};
use reqwest::header::CONTENT_TYPE;
use url::Url;

use super::{HexclaveError, LocalHexclave};

/// How long an endpoint may take for its answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// In which order the webhooks that are due are delivered. Hexclave promises none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryOrder {
    /// As things happened.
    #[default]
    AsHappened,
    /// The newest first.
    Reversed,
    /// As things happened, and each one twice.
    Doubled,
}

/// One attempt to deliver a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookAttempt {
    /// Which message it was.
    pub id: String,
    /// What the message tells, such as `user.created`.
    pub event_type: String,
    /// Which attempt to deliver this message to this endpoint it was, from 1.
    pub number: usize,
    /// The status of the answer, or `None` if there was none. From 200 to 299 the message has arrived; otherwise it
    /// is tried again, 5 s later, then 5 min, 30 min, 2 h, 5 h, 10 h and 10 h.
    pub status: Option<u16>,
}

/// Webhooks wait until the test has them delivered, so that it decides when and in which order they come.
impl LocalHexclave {
    /// What there has been to tell so far, as it happened, whether or not somebody was to be told.
    #[must_use]
    pub fn webhooks(&self) -> Vec<WebhookMessage> {
        self.app().outbox().messages()
    }

    /// Has everything that happens from now on told to this URL, signed with the secret.
    ///
    /// # Errors
    /// When that is no URL.
    pub fn add_webhook_endpoint(&self, url: &str, secret: WebhookSecret) -> Result<(), HexclaveError> {
        let url = Url::parse(url).map_err(|error| {
            HexclaveError::with_source(
                "a webhook endpoint is a URL such as http://127.0.0.1:3000/webhooks",
                error,
            )
        })?;
        self.app().outbox().add_endpoint(Endpoint { url, secret });
        Ok(())
    }

    /// Has a message delivered once more, under the same id, although it may have arrived.
    ///
    /// # Errors
    /// When there is no message with this id.
    pub fn send_webhook_again(&self, id: &str) -> Result<(), HexclaveError> {
        match self.app().outbox().send_again(id, self.app().now_seconds()) {
            true => Ok(()),
            false => Err(HexclaveError::new(format!(
                "there is no webhook with the id {id}"
            ))),
        }
    }

    /// Delivers what is due by the server's clock, one after the other: what is new, and what is to be tried again.
    pub async fn deliver_webhooks(&self, order: DeliveryOrder) -> Vec<WebhookAttempt> {
        let mut due = self.app().outbox().due(self.app().now_seconds());
        match order {
            DeliveryOrder::AsHappened => {}
            DeliveryOrder::Reversed => due.reverse(),
            DeliveryOrder::Doubled => due = due.into_iter().flat_map(|due| [due.clone(), due]).collect(),
        }
        let mut attempts = Vec::new();
        for due in due {
            attempts.push(self.attempt(due).await);
        }
        attempts
    }

    async fn attempt(&self, due: Due) -> WebhookAttempt {
        let Due {
            number,
            endpoint,
            message,
        } = due;
        let now = self.app().now_seconds();
        let sent = self
            .client()
            .post(endpoint.url)
            .timeout(PATIENCE)
            .header(CONTENT_TYPE, "application/json")
            .header("svix-id", &message.id)
            .header("svix-timestamp", now)
            .header(
                "svix-signature",
                endpoint.secret.sign(&message.id, now, &message.body),
            )
            .body(message.body)
            .send()
            .await;
        let status = sent.ok().map(|answer| answer.status());
        let arrived = status.is_some_and(|status| status.is_success());
        WebhookAttempt {
            id: message.id,
            event_type: message.event_type,
            number: self.app().outbox().attempted(number, arrived, now),
            status: status.map(|status| status.as_u16()),
        }
    }
}
