//! A configuration's keys beside the project's live ones.

use std::time::Duration;

use clap::Args;
use hexclave_convex::{AuthConfig, KeyFinding};
use hexclave_core::{AcceptedKinds, ProjectConfig, ProjectId, ProjectKeys, Verifier};

use crate::{failure::Failure, output};

/// How long a look at the keys may take that nobody has asked for.
const GLANCE: Duration = Duration::from_secs(2);

#[derive(Args, Debug)]
pub(super) struct LiveKeysArgs {
    /// Compare the keys in the configuration with the project's live ones, which are fetched from Hexclave
    #[arg(long)]
    live_keys: bool,
    /// The Hexclave project of the live keys [default: HEXCLAVE_PROJECT_ID and its other names in the environment]
    #[arg(long, value_name = "ID", requires = "live_keys")]
    project_id: Option<ProjectId>,
    /// Where the Hexclave API is [default: HEXCLAVE_API_URL and its other names, else https://api.hexclave.com]
    #[arg(long, value_name = "URL", requires = "live_keys")]
    api_url: Option<String>,
}

impl LiveKeysArgs {
    /// What is wrong with the keys, if that was asked for.
    pub(super) async fn review(&self, config: &AuthConfig) -> Result<Option<Vec<KeyFinding>>, Failure> {
        if !self.live_keys {
            return Ok(None);
        }
        let mut project = ProjectConfig::builder();
        if let Some(id) = &self.project_id {
            project = project.project_id(id.clone());
        }
        if let Some(url) = &self.api_url {
            project = project.api_url(url.parse()?);
        }
        let project = project.environment()?.build()?;
        let keys = fetch(&project, AcceptedKinds::ALL).await?;
        Ok(Some(config.review_keys(&project, &keys)))
    }
}

/// The project's keys for these kinds of users.
pub(super) async fn fetch(
    project: &ProjectConfig,
    kinds: AcceptedKinds,
) -> Result<ProjectKeys, hexclave_core::Error> {
    let verifier = Verifier::builder(project.clone()).accept(kinds).build()?;
    verifier.warm_up().await?;
    Ok(verifier.project_keys().unwrap_or_default())
}

/// Says on standard error which of the keys that Convex would fetch it cannot use. Whether that can be found out makes no
/// difference to the configuration.
pub(super) async fn warn_of_short_keys(project: &ProjectConfig, kinds: AcceptedKinds, config: &AuthConfig) {
    match tokio::time::timeout(GLANCE, fetch(project, kinds)).await {
        Ok(Ok(keys)) => {
            let mut findings = config.review_keys(project, &keys);
            // One for each name of the host says it all.
            findings.sort_by(|a, b| a.key_id.cmp(&b.key_id));
            findings.dedup_by(|a, b| a.key_id == b.key_id);
            for finding in findings {
                output::progress(format_args!("warning: {finding}"));
            }
        }
        Ok(Err(error)) => output::progress(format_args!(
            "whether Convex can use the project's keys is not known: {error} (--offline does not look)"
        )),
        Err(_) => output::progress(format_args!(
            "whether Convex can use the project's keys is not known: Hexclave has not answered within {} seconds (--offline \
             does not look)",
            GLANCE.as_secs()
        )),
    }
}
