use serde_json::{Value, json};

use super::difference::{Difference, What, differences};
use crate::{AuthConfig, error::quoted};

/// A provider that does not match, and why not.
#[derive(Debug)]
pub(crate) struct Nearest {
    issuer: String,
    application_id: Option<String>,
    pub(crate) differences: Vec<Difference>,
}

impl Nearest {
    /// All providers, the nearest first.
    pub(crate) fn of(config: &AuthConfig, issuer: &str, audience: &[String]) -> Vec<Self> {
        let mut nearest: Vec<_> = config
            .providers()
            .iter()
            .map(|provider| Self {
                issuer: provider.issuer().to_owned(),
                application_id: provider.application_id().map(str::to_owned),
                differences: differences(provider, issuer, audience),
            })
            .collect();
        nearest.sort_by_key(Self::distance);
        nearest
    }

    pub(crate) fn name(&self) -> String {
        match &self.application_id {
            Some(id) => format!("{} for {}", quoted(&self.issuer), quoted(id)),
            None => quoted(&self.issuer),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let differences = self.differences.iter();
        json!({
            "issuer": self.issuer,
            "applicationID": self.application_id,
            "differences": differences
                .map(|difference| json!({ "what": difference.what.code(), "text": difference.text }))
                .collect::<Vec<_>>(),
        })
    }

    fn distance(&self) -> u32 {
        self.differences
            .iter()
            .map(|difference| difference.what.distance())
            .sum()
    }

    /// The largest difference, which is the first to see to.
    pub(crate) fn main_difference(&self) -> Option<What> {
        self.differences.iter().map(|difference| difference.what).max()
    }
}
