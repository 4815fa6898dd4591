use std::{error::Error, fmt, str::FromStr};

/// What goes wrong with webhooks on their way, while they are
/// [delivered by themselves](super::super::LocalHexclave::keep_delivering_webhooks). Receivers have to bear all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WebhookFault {
    /// What happens within two seconds is told together, the newest first.
    Reversed,
    /// Each message comes twice, one right after the other.
    Doubled,
    /// The first attempt at each message is not made: it comes with the second, 5 seconds later, behind younger ones.
    Late,
    /// No message comes, and none is tried again.
    Lost,
}

impl WebhookFault {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Reversed, Self::Doubled, Self::Late, Self::Lost];

    /// A stable name, such as `reversed`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reversed => "reversed",
            Self::Doubled => "doubled",
            Self::Late => "late",
            Self::Lost => "lost",
        }
    }
}

impl fmt::Display for WebhookFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for WebhookFault {
    type Err = UnknownWebhookFault;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|fault| fault.name() == name);
        found.ok_or(UnknownWebhookFault(()))
    }
}

/// There is no [`WebhookFault`] of this name.
#[derive(Debug)]
pub struct UnknownWebhookFault(());

impl fmt::Display for UnknownWebhookFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = WebhookFault::ALL.map(WebhookFault::name).join(", ");
        write!(f, "what can go wrong with webhooks is one of {names}")
    }
}

impl Error for UnknownWebhookFault {}
