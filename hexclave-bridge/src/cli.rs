//! What can be typed.

use std::ffi::OsString;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{
    convex::ConvexCommand,
    doctor::{self, DoctorArgs},
    local::LocalArgs,
    serve::{self, ServeArgs},
    session::{self, LoginArgs, LogoutArgs, WhoamiArgs},
    settings::with_switches,
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

const ALL_EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused, or something was found that is wrong
  2  wrong usage or configuration
  3  could not be checked: somebody who had to be asked does not answer";

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
    format!("{SETTINGS}\n\n{ALL_EXIT_CODES}")
}

/// Take signed-in Hexclave users to Supabase and Convex.
#[derive(Debug, Parser)]
#[command(version, after_help = ALL_EXIT_CODES, after_long_help = after_long_help(), max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// As `CommandFactory` and `Parser` have it, but for switches.
    pub(crate) fn command() -> clap::Command {
        with_switches(<Self as CommandFactory>::command())
    }

    pub(crate) fn try_parse_from<T: Into<OsString> + Clone>(
        args: impl IntoIterator<Item = T>,
    ) -> Result<Self, clap::Error> {
        Self::from_arg_matches(&Self::command().try_get_matches_from(args)?)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See the whole way with a local Hexclave and a local Postgres: no account, no network
    Demo(DemoArgs),
    /// Run a local Hexclave for development: users, sessions, teams and tokens, without an account or a network
    ///
    /// Hexclave's JavaScript SDK works against it, and so do the other commands. It protects nothing and nobody.
    Local(LocalArgs),
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
    /// Serve verified identities and tokens over HTTP, to stacks that have no Rust
    ///
    /// Proxies ask at /verify whether a request may pass. Applications exchange access tokens at /oauth/token
    /// (RFC 8693), browsers at /supabase/token. /openapi.json describes the rest. SIGTERM ends it when the requests that
    /// are under way have been answered.
    #[command(after_help = serve::EXIT_CODES)]
    Serve(Box<ServeArgs>),
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
            Self::Local(args) => args.json,
            Self::Verify(args) => args.json,
            Self::Doctor(args) => args.json,
            Self::Supabase { command } => command.wants_json(),
            Self::Serve(args) => args.json,
            Self::Login(args) => args.session.json,
            Self::Logout(args) => args.session.json,
            Self::Whoami(args) => args.session.json,
            Self::Convex { command } => command.wants_json(),
            Self::Completions(_) | Self::Man(_) => false,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// Print one JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
