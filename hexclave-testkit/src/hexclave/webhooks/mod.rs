//! Telling other servers what has happened in the project.

mod delivery;
mod fault;
mod outbox;
mod secret;

use std::time::{Duration, SystemTime};

pub use fault::{UnknownWebhookFault, WebhookFault};
pub(crate) use outbox::Outbox;
pub use outbox::WebhookMessage;
pub use secret::WebhookSecret;

use outbox::Endpoint;
use url::Url;

use super::{HexclaveError, LocalHexclave};

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
    /// Where it was to go.
    pub url: String,
    /// When it was made, by the server's clock.
    pub attempted_at: SystemTime,
    /// Which attempt to deliver this message to this endpoint it was, from 1.
    pub number: usize,
    /// The status of the answer, or `None` if there was none. From 200 to 299 the message has arrived; otherwise it
    /// is tried again, 5 s later, then 5 min, 30 min, 2 h, 5 h, 10 h and 10 h.
    pub status: Option<u16>,
    /// What has kept the message from being sent, if it was something asked for.
    pub withheld: Option<WebhookFault>,
    /// After which time it is tried again; `None` if it has arrived, or has been given up.
    pub retry_after: Option<Duration>,
}

/// Webhooks wait until the test has them delivered, so that it decides when and in which order they come; or until
/// somebody asks for [deliveries as things happen](Self::keep_delivering_webhooks).
impl LocalHexclave {
    /// What there has been to tell so far, as it happened, whether or not somebody was to be told.
    #[must_use]
    pub fn webhooks(&self) -> Vec<WebhookMessage> {
        self.app().outbox().messages()
    }

    /// What has been tried so far, the oldest attempt first; of the newest 10 000 only.
    #[must_use]
    pub fn webhook_attempts(&self) -> Vec<WebhookAttempt> {
        self.app().outbox().attempts()
    }

    /// Has everything that happens from now on told to this URL, signed with the secret.
    ///
    /// # Errors
    /// When that is no URL of HTTP, or holds a name or a password, which would be shown.
    pub fn add_webhook_endpoint(&self, url: &str, secret: WebhookSecret) -> Result<(), HexclaveError> {
        const RIGHT: &str = "a webhook endpoint is a URL such as http://127.0.0.1:3000/webhooks";
        let url = Url::parse(url).map_err(|error| HexclaveError::with_source(RIGHT, error))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(HexclaveError::new(RIGHT));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(HexclaveError::new(format!(
                "{RIGHT}, without a name and a password"
            )));
        }
        self.app().outbox().add_endpoint(Endpoint { url, secret });
        Ok(())
    }

    /// A secret for webhooks that belongs to the project: the same after each start with the same
    /// [folder](super::LocalHexclaveBuilder::data) or [server secret](super::LocalHexclaveBuilder::server_secret).
    #[must_use]
    pub fn webhook_secret(&self) -> &WebhookSecret {
        &self.webhook_secret
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

    /// Has exactly this go wrong with [deliveries as things happen](Self::keep_delivering_webhooks) from now on.
    pub fn set_webhook_faults(&self, faults: impl IntoIterator<Item = WebhookFault>) {
        self.app().outbox().set_faults(faults.into_iter().collect());
    }
}
