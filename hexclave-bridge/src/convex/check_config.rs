//! `hexclave-bridge convex check-config`

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::{live_keys::LiveKeysArgs, read_config};
use crate::{failure::Failure, output};

#[derive(Args, Debug)]
pub(crate) struct CheckConfigArgs {
    /// An auth configuration as JSON: an object with a list `providers`, or the bare list
    #[arg(long, value_name = "FILE.json", help_heading = "Settings")]
    convex_config: Option<PathBuf>,
    #[command(flatten)]
    live_keys: LiveKeysArgs,
}

/// Prints the providers. What is wrong with their keys goes to standard error, and makes the exit code 1.
pub(super) async fn run(args: &CheckConfigArgs) -> Result<ExitCode, Failure> {
    let settings = args.live_keys.settings()?;
    let config = read_config(args.convex_config.as_deref(), &settings)?;
    let list = serde_json::to_string_pretty(config.providers()).map_err(|error| {
        Failure::usage("file_not_read", "the providers cannot be written as JSON").caused_by(&error)
    })?;
    let findings = args
        .live_keys
        .review(&config, &settings)
        .await?
        .unwrap_or_default();
    output::line(list);
    for finding in &findings {
        output::progress(format_args!("{finding} ({})", finding.problem.code()));
    }
    Ok(ExitCode::from(u8::from(!findings.is_empty())))
}
