//! A configuration's keys beside the project's live ones.

use std::time::Duration;

use clap::Args;
use hexclave_convex::{AuthConfig, KeyFinding};
use hexclave_core::{AcceptedKinds, ProjectConfig, ProjectKeys, Verifier};

use crate::{
    failure::Failure,
    output,
    settings::{ProjectArgs, Settings},
};

/// How long a look at the keys may take that nobody has asked for.
const GLANCE: Duration = Duration::from_secs(2);

#[derive(Args, Debug)]
pub(super) struct LiveKeysArgs {
    /// Compare the keys in the configuration with the project's live ones, which are fetched from Hexclave
    #[arg(long)]
    live_keys: bool,
    #[command(flatten)]
    project: ProjectArgs,
}

impl LiveKeysArgs {
    /// Reads the settings of the command.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        self.project.settings()
    }

    /// What is wrong with the keys, if that was asked for.
    pub(super) async fn review(
        &self,
        config: &AuthConfig,
        settings: &Settings,
    ) -> Result<Option<Vec<KeyFinding>>, Failure> {
        if !self.live_keys {
            return Ok(None);
        }
        let project = self.project.config_of(settings)?;
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
