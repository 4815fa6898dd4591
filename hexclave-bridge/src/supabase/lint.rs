//! `hexclave-bridge supabase lint`

use std::{fmt, process::ExitCode, str::FromStr};

use anstyle::{AnsiColor, Style};
use clap::Args;
use hexclave_supabase::inspect::{self, Finding, Severity};
use serde_json::{Value, json};

use crate::{
    database::{self, DatabaseArgs, SchemaArgs},
    failure::Failure,
    output::{self, HEADING, QUIET, printable},
    settings::{self, Settings, SourceArgs},
};

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  nothing found that is as bad as --fail-on says
  1  something found that is
  2  wrong usage or configuration
  3  the database could not be looked at";

const SEVERITIES: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Info];

#[derive(Args, Debug)]
pub(crate) struct LintArgs {
    /// From which severity on findings make the exit code 1: error, warning, info, never [default: error]
    #[arg(long, value_name = "SEVERITY", help_heading = "Settings")]
    fail_on: Option<FailOn>,
    #[command(flatten)]
    schemas: SchemaArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    sources: SourceArgs,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// From which severity on there is a failure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FailOn {
    Findings(Severity),
    Never,
}

impl FailOn {
    fn includes(self, severity: Severity) -> bool {
        // The worst is the least.
        matches!(self, Self::Findings(least_bad) if severity <= least_bad)
    }
}

impl FromStr for FailOn {
    type Err = UnknownSeverity;

    fn from_str(text: &str) -> Result<Self, UnknownSeverity> {
        match text {
            "error" => Ok(Self::Findings(Severity::Error)),
            "warning" => Ok(Self::Findings(Severity::Warning)),
            "info" => Ok(Self::Findings(Severity::Info)),
            "never" => Ok(Self::Never),
            _ => Err(UnknownSeverity),
        }
    }
}

/// There is no severity of this name.
#[derive(Debug)]
pub(crate) struct UnknownSeverity;

impl fmt::Display for UnknownSeverity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected error, warning, info or never")
    }
}

impl std::error::Error for UnknownSeverity {}

/// Prints what is wrong with a database.
pub(super) async fn run(args: &LintArgs) -> Result<ExitCode, Failure> {
    let settings = Settings::read(&args.sources)?;
    let fail_on = settings
        .value(&settings::FAIL_ON, args.fail_on)?
        .unwrap_or(FailOn::Findings(Severity::Error));
    let schemas = args.schemas.names(&settings)?;
    let mut client = args.database.connect(&settings).await?;
    database::check_schemas(&client, &schemas).await?;
    let schemas: Vec<&str> = schemas.iter().map(String::as_str).collect();
    let findings = inspect::lint(&mut client, &schemas).await?;
    if args.json {
        let findings: Vec<_> = findings.iter().map(to_json).collect();
        output::line(json!({ "findings": findings }));
    } else {
        output::text(description(&findings, &schemas));
    }
    let fails = findings
        .iter()
        .any(|finding| fail_on.includes(finding.severity()));
    Ok(ExitCode::from(u8::from(fails)))
}

fn to_json(finding: &Finding) -> Value {
    json!({
        "severity": finding.severity().to_string(),
        "rule": finding.rule().code(),
        "object": finding.object(),
        "reason": finding.rule().reason(),
        "splinter": finding.rule().splinter(),
        "fix": finding.fix(),
    })
}

fn description(findings: &[Finding], schemas: &[&str]) -> String {
    let schemas = schemas.join(", ");
    if findings.is_empty() {
        return format!("nothing found in {schemas}\n");
    }
    let mut table = output::table(&["severity", "object", "what is wrong"]);
    for finding in findings {
        table.add_row([
            finding.severity().to_string(),
            printable(finding.object()),
            format!("{} ({})", finding.rule().reason(), finding.rule()),
        ]);
    }
    let mut text: String = output::lines_of(&table).lines().map(painted).collect();
    let fixes: Vec<_> = findings
        .iter()
        .filter_map(|finding| Some((finding, finding.fix()?)))
        .collect();
    if !fixes.is_empty() {
        text.push_str(&format!(
            "\n{HEADING}SQL that mends {} of them{HEADING:#}: read it before you run it\n\n",
            fixes.len()
        ));
        let mut above = None;
        for (finding, fix) in fixes {
            if above.replace(finding.rule()) != Some(finding.rule()) {
                text.push_str(&format!("{QUIET}-- {}{QUIET:#}\n", finding.rule()));
            }
            text.push_str(&format!("{}\n", printable(fix)));
        }
    }
    let count = |severity| {
        let count = findings
            .iter()
            .filter(|finding| finding.severity() == severity)
            .count();
        format!(
            "{count} {severity}{}",
            if count == 1 || severity == Severity::Info {
                ""
            } else {
                "s"
            }
        )
    };
    let counts = SEVERITIES.map(count);
    text.push_str(&format!(
        "\n{HEADING}{} in {schemas}{HEADING:#}\n",
        counts.join(", ")
    ));
    text
}

/// A line of the table with its severity, if it begins with one, in colour.
fn painted(line: &str) -> String {
    for severity in SEVERITIES {
        if let Some(rest) = line.trim_start().strip_prefix(&format!("{severity} ")) {
            let style = style(severity);
            return format!(" {style}{severity}{style:#} {rest}\n");
        }
    }
    format!("{line}\n")
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Error => AnsiColor::Red.on_default().bold(),
        Severity::Warning => AnsiColor::Yellow.on_default(),
        Severity::Info => QUIET,
    }
}
