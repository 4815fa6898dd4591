use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{Event, seal::Seal};
use crate::{Error, ErrorKind};

/// A webhook delivery whose signature has been verified. There is no other way to get one.
#[derive(Clone, PartialEq)]
pub struct Delivery {
    id: String,
    sent_at: SystemTime,
    event: Event,
    payload: String,
}

impl Delivery {
    pub(super) fn read(seal: &Seal, body: &[u8]) -> Result<Self, Error> {
        let payload = str::from_utf8(body).map_err(|_| not_an_event("it is not UTF-8".to_owned()))?;
        Ok(Self {
            id: seal.id().to_owned(),
            sent_at: UNIX_EPOCH + Duration::from_secs(seal.timestamp()),
            event: Event::from_json(payload).map_err(not_an_event)?,
            payload: payload.to_owned(),
        })
    }

    /// The message's id, the same each time that it is sent: what to remember, to do nothing twice.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When this attempt was made, in whole seconds. It does not say when the event happened; nothing does.
    #[must_use]
    pub fn sent_at(&self) -> SystemTime {
        self.sent_at
    }

    /// What has happened.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// What has happened, to keep.
    #[must_use]
    pub fn into_event(self) -> Event {
        self.event
    }

    /// The body as it was signed: a JSON object.
    #[must_use]
    pub fn payload(&self) -> &str {
        &self.payload
    }
}

impl fmt::Debug for Delivery {
    /// Shows the id and the type of event; personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

fn not_an_event(why: String) -> Error {
    Error::new(
        ErrorKind::WebhookMalformed,
        format!("the delivery's body is not an event of Hexclave: {why}"),
    )
}
