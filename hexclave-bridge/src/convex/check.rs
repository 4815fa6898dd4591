//! `hexclave-bridge convex check`

use std::process::ExitCode;

use clap::Args;
use hexclave_convex::KeyFinding;
use serde_json::json;

use super::{JudgeArgs, live_keys::LiveKeysArgs, read_config};
use crate::{
    failure::Failure,
    output::{self, HEADING},
    token,
};

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  Convex accepts the token
  1  Convex refuses the token or the configuration
  2  wrong usage, or a file that cannot be read
  3  the token could not be checked (the provider's keys cannot be reached)";

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    live_keys: LiveKeysArgs,
    /// Print JSON, refusals included
    #[arg(long)]
    pub(super) json: bool,
    /// The access token; - or nothing reads it from standard input, which other users of this machine cannot see
    token: Option<String>,
}

/// Prints the report.
pub(super) async fn run(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let settings = args.live_keys.settings()?;
    let config = read_config(args.judge.convex_config.as_deref(), &settings)?;
    let verifier = args.judge.verifier(config.clone())?;
    let token = token::read(args.token.as_deref())?;
    let explanation = verifier.explain(&token).await;
    let findings = args.live_keys.review(&config, &settings).await?;

    if args.json {
        let mut report = explanation.to_json();
        if let (Some(findings), Some(report)) = (&findings, report.as_object_mut()) {
            report.insert("keys".to_owned(), findings.iter().map(to_json).collect());
        }
        output::line(report);
    } else {
        output::text(&explanation);
        if let Some(findings) = &findings {
            output::line(format_args!("\n{HEADING}Keys in the configuration{HEADING:#}"));
            if findings.is_empty() {
                output::line("  They are the project's.");
            }
            for finding in findings {
                output::line(format_args!("  * {finding}"));
            }
        }
    }
    Ok(match explanation.error() {
        None => ExitCode::SUCCESS,
        Some(error) if error.is_unreachable() => ExitCode::from(3),
        Some(_) => ExitCode::from(1),
    })
}

fn to_json(finding: &KeyFinding) -> serde_json::Value {
    json!({
        "code": finding.problem.code(),
        "issuer": finding.issuer,
        "kind": finding.kind.as_str(),
        "keyId": finding.key_id,
        "message": finding.to_string(),
    })
}
