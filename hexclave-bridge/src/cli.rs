//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hexclave_core::{AcceptedKinds, ProjectConfig, ProjectId};

use crate::failure::Failure;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the token was refused
  2  wrong usage or configuration
  3  the token could not be checked (the project's keys cannot be reached)";

/// Take signed-in Hexclave users to Supabase and Convex.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See the whole way with a local Hexclave and a local Postgres: no account, no network
    Demo(DemoArgs),
    /// Prove who an access token's user is
    #[command(after_help = EXIT_CODES)]
    Verify(TokenArgs),
    /// Tokens for Supabase
    Supabase {
        #[command(subcommand)]
        command: SupabaseCommand,
    },
    /// Configuration and identities for Convex
    Convex {
        #[command(subcommand)]
        command: ConvexCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SupabaseCommand {
    /// Mint a Supabase token for an access token's user
    ///
    /// The secret comes from the variable SUPABASE_JWT_SECRET: the project's legacy JWT secret, not an API key.
    #[command(after_help = EXIT_CODES)]
    Token(TokenArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConvexCommand {
    /// Write the auth configuration with which Convex accepts the project's users
    AuthConfig(AuthConfigArgs),
    /// Print what ctx.auth.getUserIdentity() returns for an access token
    ///
    /// The token is checked as a Convex deployment with this configuration checks it. The identity is printed as
    /// JSON; so is a refusal, with Convex's code.
    #[command(after_help = EXIT_CODES)]
    Identity(IdentityArgs),
}

#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// Print one JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ProjectArgs {
    /// The Hexclave project [default: HEXCLAVE_PROJECT_ID and its other names in the environment]
    #[arg(long, value_name = "ID")]
    project_id: Option<ProjectId>,
    /// Where the Hexclave API is [default: HEXCLAVE_API_URL and its other names, else https://api.hexclave.com]
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
}

impl ProjectArgs {
    pub(crate) fn config(&self) -> Result<ProjectConfig, Failure> {
        let mut config = ProjectConfig::builder();
        if let Some(id) = &self.project_id {
            config = config.project_id(id.clone());
        }
        if let Some(url) = &self.api_url {
            // Not parsed by clap, whose errors repeat the value: a URL may hold a password.
            config = config.api_url(url.parse()?);
        }
        config
            .environment()
            .and_then(|config| config.build())
            .map_err(|error| {
                let hint = (self.project_id.is_none()
                    && error.to_string().starts_with("no Hexclave project"))
                .then_some("set HEXCLAVE_PROJECT_ID or give --project-id");
                Failure::from(error).hint(hint)
            })
    }
}

#[derive(Args, Debug)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// The kinds of users to let in: normal, restricted, anonymous
    #[arg(long, value_name = "KIND,…", default_value_t)]
    pub(crate) allow: AcceptedKinds,
    /// Print JSON, refusals included
    #[arg(long)]
    pub(crate) json: bool,
    /// The access token; - or nothing reads it from standard input, which other users of this machine cannot see
    pub(crate) token: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct AuthConfigArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// The kinds of users whom Convex shall accept: normal, restricted, anonymous
    #[arg(long, value_name = "KIND,…", default_value_t)]
    pub(crate) kinds: AcceptedKinds,
    /// The form to write
    #[arg(long, default_value = "ts")]
    pub(crate) format: Format,
    /// Write to this file, such as convex/auth.config.ts, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Overwrite the file even if it was written by somebody else
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// TypeScript, for convex/auth.config.ts
    Ts,
    /// JavaScript, for convex/auth.config.js
    Js,
    /// JSON, for other programs
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct IdentityArgs {
    /// The deployment's auth configuration as JSON, as `convex auth-config --format json` writes it
    #[arg(long, value_name = "FILE.json")]
    pub(crate) config: PathBuf,
    /// Check as if it were this time
    #[arg(long, value_name = "UNIX_SECONDS")]
    pub(crate) now: Option<u64>,
    /// The access token; - or nothing reads it from standard input, which other users of this machine cannot see
    pub(crate) token: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
