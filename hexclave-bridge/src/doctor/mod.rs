//! `hexclave-bridge doctor`

mod check;
mod convex;
mod hexclave;
mod supabase;

use std::{path::PathBuf, process::ExitCode};

use anstyle::{AnsiColor, Style};
use clap::Args;
use serde_json::json;

use self::check::{Check, Status};
use crate::{
    database::{DatabaseArgs, SchemaArgs},
    failure::Failure,
    output::{self, HEADING, QUIET, printable},
    settings::ProjectArgs,
};

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  nothing failed; there may be warnings
  1  something is wrong, and its line says how to mend it
  2  wrong usage, or the settings file cannot be read
  3  nothing was found to be wrong, but somebody could not be reached";

#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// The project's publishable client key, where the project demands one; it is no secret
    #[arg(long, value_name = "KEY", help_heading = "Settings")]
    publishable_client_key: Option<String>,
    /// A file with the project's secret server key; - is standard input [default: the variable
    /// HEXCLAVE_SECRET_SERVER_KEY]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    secret_server_key_file: Option<PathBuf>,
    /// A file with Supabase's legacy JWT secret; - is standard input [default: the variable SUPABASE_JWT_SECRET]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    jwt_secret_file: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    schemas: SchemaArgs,
    /// Convex's auth configuration [default: convex/auth.config.ts, .js or .json, if it is there]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    convex_config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Looks at everything that the settings name, and says of each how it stands.
pub(crate) async fn run(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let settings = args.project.settings()?;
    let (mut checks, hexclave) = hexclave::checks(args, &settings).await;
    checks.extend(supabase::checks(args, &settings).await);
    checks.push(convex::check(args, &settings, hexclave.as_ref()));
    if args.json {
        let list: Vec<_> = checks.iter().map(Check::to_json).collect();
        output::line(json!({ "status": worst(&checks).as_str(), "checks": list }));
    } else {
        output::text(description(&checks));
    }
    Ok(ExitCode::from(match worst(&checks) {
        Status::Fail => 1,
        Status::Unreached => 3,
        Status::Pass | Status::Warn | Status::Skip => 0,
    }))
}

fn worst(checks: &[Check]) -> Status {
    let order = [Status::Fail, Status::Unreached, Status::Warn];
    let has = |status: &Status| checks.iter().any(|check| check.status() == *status);
    order.into_iter().find(has).unwrap_or(Status::Pass)
}

fn description(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let style = style(check.status());
        let status = check.status().as_str();
        let line = format!("{status}  {:<17}  {}", check.name(), printable(check.message()));
        let line = output::fitted(&line, "                         ");
        let rest = line.strip_prefix(status).unwrap_or(&line);
        text.push_str(&format!("{style}{status}{style:#}{rest}\n"));
        if let Some(fix) = check.what_to_do() {
            let fix = format!("                         fix: {}", printable(fix));
            text.push_str(&format!(
                "{}\n",
                output::fitted(&fix, "                              ")
            ));
        }
    }
    let count = |word: &str| {
        checks
            .iter()
            .filter(|check| check.status().as_str() == word)
            .count()
    };
    text.push_str(&format!(
        "\n{HEADING}{} passed, {} warned, {} failed, {} skipped{HEADING:#}\n",
        count("pass"),
        count("warn"),
        count("fail"),
        count("skip")
    ));
    text
}

fn style(status: Status) -> Style {
    match status {
        Status::Pass => AnsiColor::Green.on_default(),
        Status::Warn => AnsiColor::Yellow.on_default(),
        Status::Fail | Status::Unreached => AnsiColor::Red.on_default().bold(),
        Status::Skip => QUIET,
    }
}
