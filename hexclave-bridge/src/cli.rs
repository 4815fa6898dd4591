//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hexclave_core::AcceptedKinds;

use crate::{
    doctor::{self, DoctorArgs},
    session::{self, LoginArgs, LogoutArgs, WhoamiArgs},
    settings::ProjectArgs,
    shell::{self, CompletionsArgs, ManArgs},
    supabase::SupabaseCommand,
    verify::VerifyArgs,
};

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the token was refused
  2  wrong usage or configuration
  3  the token could not be checked (the project's keys cannot be reached)";

const SETTINGS: &str = "\
Settings:
  Each setting is an option, a variable, and a line of a settings file. The
  first of these that has it counts:
    1. the option                 --project-id 11111111-…
    2. the environment            HEXCLAVE_PROJECT_ID=11111111-…
    3. .env.local, with --dotenv  HEXCLAVE_PROJECT_ID=11111111-…
    4. .env, with --dotenv        HEXCLAVE_PROJECT_ID=11111111-…
    5. the file of --config       project-id = \"11111111-…\"
    6. the default
  No option takes a secret, because others on this machine can see arguments.
  A secret comes from its variable, from a file that an option, a variable or
  the settings file names, or from standard input (the option's file -).
  The README of this program has the table of all settings.";

fn after_long_help() -> String {
    format!("{SETTINGS}\n\n{EXIT_CODES}")
}

/// Take signed-in Hexclave users to Supabase and Convex.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, after_long_help = after_long_help(), max_term_width = 100)]
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
    Verify(VerifyArgs),
    /// Look at everything that is set up, and say what is wrong and how to mend it
    ///
    /// Settings, the project and its keys, this machine's clock, the keys to the project, Supabase's secret, database and
    /// policies, Convex's configuration. What is not set up is skipped.
    #[command(after_help = doctor::EXIT_CODES)]
    Doctor(Box<DoctorArgs>),
    /// Tokens, policies and keys for Supabase
    Supabase {
        #[command(subcommand)]
        command: SupabaseCommand,
    },
    /// Configuration and identities for Convex
    Convex {
        #[command(subcommand)]
        command: ConvexCommand,
    },
    /// Log in by way of a browser, for `whoami` and to get access tokens
    #[command(after_help = session::EXIT_CODES)]
    Login(LoginArgs),
    /// End the session of `login`
    #[command(after_help = session::EXIT_CODES)]
    Logout(LogoutArgs),
    /// Say who is logged in, or print an access token of theirs
    #[command(after_help = session::EXIT_CODES)]
    Whoami(WhoamiArgs),
    /// Write a script that completes this program's commands in a shell
    #[command(after_help = shell::HOW_TO_COMPLETE)]
    Completions(CompletionsArgs),
    /// Write the manual pages
    Man(ManArgs),
}

impl Command {
    /// Whether failures are to be reported as JSON on standard output.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Demo(args) => args.json,
            Self::Verify(args) => args.json,
            Self::Doctor(args) => args.json,
            Self::Supabase { command } => command.wants_json(),
            Self::Convex { command } => matches!(command, ConvexCommand::Identity(_)),
            Self::Login(args) => args.session.json,
            Self::Logout(args) => args.session.json,
            Self::Whoami(args) => args.session.json,
            Self::Completions(_) | Self::Man(_) => false,
        }
    }
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
