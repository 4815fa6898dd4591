//! Who is told what happens, and how that goes wrong.

use std::{convert::Infallible, path::PathBuf, str::FromStr};

use clap::Args;
use hexclave_testkit::hexclave::{
    HexclaveError, LocalHexclave, UnknownWebhookFault, WebhookFault, WebhookSecret,
};

use crate::{
    failure::Failure,
    settings::{self, Settings},
};

#[derive(Args, Debug)]
pub(super) struct WebhookArgs {
    /// Tell this URL what happens to users, teams and permissions; once for each, or with commas between them
    #[arg(long, value_name = "URL,…", value_delimiter = ',', help_heading = "Settings")]
    webhook: Vec<String>,
    /// A file with the secret that webhooks are signed with [default: the variable HEXCLAVE_WEBHOOK_SECRET, or else one of
    /// the project's, which is printed]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    webhook_secret_file: Option<PathBuf>,
    /// What goes wrong with webhooks: reversed, doubled, late, lost. The page switches it, too [default: nothing]
    #[arg(long, value_name = "FAULT,…", help_heading = "Settings")]
    webhook_faults: Option<Faults>,
}

/// Who is told, and with which secret.
pub(super) struct Webhooks {
    pub(super) urls: Vec<String>,
    /// The project's secret; `None` where another one was given, which is not repeated.
    pub(super) secret: Option<WebhookSecret>,
}

impl WebhookArgs {
    /// Has whom the settings name told; `None` where they name nobody.
    pub(super) fn set_up(
        &self,
        hexclave: &LocalHexclave,
        settings: &Settings,
    ) -> Result<Option<Webhooks>, Failure> {
        let flag = (!self.webhook.is_empty()).then(|| Urls(self.webhook.clone()));
        let Some(Urls(urls)) = settings.value(&settings::LOCAL_WEBHOOK, flag)? else {
            return Ok(None);
        };
        let given = settings.secret(&settings::WEBHOOK_SECRET, self.webhook_secret_file.as_deref())?;
        let (secret, own) = match given {
            Some(given) => {
                let secret = WebhookSecret::new(given.expose());
                (
                    secret.map_err(|error| unusable(&error).within(given.origin()))?,
                    None,
                )
            }
            None => {
                let secret = hexclave.webhook_secret();
                (secret.clone(), Some(secret.clone()))
            }
        };
        for url in &urls {
            let added = hexclave.add_webhook_endpoint(url, secret.clone());
            added.map_err(|error| {
                unusable(&error).hint(Some(
                    "it comes from --webhook, HEXCLAVE_BRIDGE_LOCAL_WEBHOOK or `local.webhook`",
                ))
            })?;
        }
        let faults = settings.value(&settings::LOCAL_WEBHOOK_FAULTS, self.webhook_faults.clone())?;
        hexclave.set_webhook_faults(faults.unwrap_or_default().0);
        Ok(Some(Webhooks { urls, secret: own }))
    }
}

fn unusable(error: &HexclaveError) -> Failure {
    Failure::usage("invalid_config", error)
}

/// URLs with commas between them.
struct Urls(Vec<String>);

impl FromStr for Urls {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(entries(text).map(str::to_owned).collect()))
    }
}

/// Faults with commas between them.
#[derive(Clone, Debug, Default)]
struct Faults(Vec<WebhookFault>);

impl FromStr for Faults {
    type Err = UnknownWebhookFault;

    fn from_str(text: &str) -> Result<Self, UnknownWebhookFault> {
        entries(text).map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}
