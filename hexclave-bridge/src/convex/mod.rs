//! `hexclave-bridge convex`

mod auth_config;
mod check;
mod check_config;
mod helper;
mod identity;
mod live_keys;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::{Args, Subcommand};
use hexclave_convex::{AuthConfig, ConvexVerifier};
use hexclave_core::Clock;

use crate::{
    failure::Failure,
    settings::{self, Settings},
};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused, as Convex would; in JSON {\"error\":{\"code\":…,\"message\":…,\"httpStatus\":…}}
  2  wrong usage, or a file that cannot be read";

/// No date that Convex knows is later, in seconds since 1970.
const LATEST_TIME: u64 = 8_200_000_000_000;

#[derive(Debug, Subcommand)]
pub(crate) enum ConvexCommand {
    /// Write the auth configuration with which Convex accepts the project's users
    ///
    /// Into a file that somebody else has written, --merge puts the providers between the lines
    /// `// hexclave-bridge: begin` and `// hexclave-bridge: end`, and touches nothing else.
    AuthConfig(auth_config::AuthConfigArgs),
    /// Print an auth configuration's providers in the order in which Convex tries them
    ///
    /// The file is read by Convex's rules for what is pushed. What they refuse is printed as JSON, with Convex's code.
    #[command(after_help = EXIT_CODES)]
    CheckConfig(check_config::CheckConfigArgs),
    /// Explain what Convex does with an access token, and what to do about it
    ///
    /// Tells what comes of each step, how the nearest provider differs from the token, and the cure. The report holds no
    /// part of the token.
    #[command(after_help = check::EXIT_CODES)]
    Check(check::CheckArgs),
    /// Write convex/hexclave.ts, with which a function asks who calls it
    ///
    /// It exports hexclaveUser(ctx), which gives the user or null, and requireHexclaveUser(ctx), which throws. Both let in
    /// normal users, and others when told so.
    Helper(helper::HelperArgs),
    /// Print what ctx.auth.getUserIdentity() returns for an access token
    ///
    /// The token is checked as a Convex deployment with this configuration checks it. The identity is printed as
    /// JSON; so is a refusal, with Convex's code.
    #[command(after_help = EXIT_CODES)]
    Identity(identity::IdentityArgs),
}

impl ConvexCommand {
    /// Whether failures are to be reported as JSON.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::AuthConfig(_) | Self::Helper(_) => false,
            Self::Check(args) => args.json,
            Self::CheckConfig(_) | Self::Identity(_) => true,
        }
    }
}

pub(crate) async fn run(command: &ConvexCommand) -> Result<ExitCode, Failure> {
    match command {
        ConvexCommand::AuthConfig(args) => return auth_config::run(args).await,
        ConvexCommand::Check(args) => return check::run(args).await,
        ConvexCommand::CheckConfig(args) => return check_config::run(args).await,
        ConvexCommand::Helper(args) => helper::run(args)?,
        ConvexCommand::Identity(args) => identity::run(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// How a token is judged.
#[derive(Args, Debug)]
struct JudgeArgs {
    /// The deployment's auth configuration as JSON, as `convex auth-config --format json` writes it
    #[arg(long, value_name = "FILE.json", help_heading = "Settings")]
    convex_config: Option<PathBuf>,
    /// Judge as if it were this time
    #[arg(long, value_name = "UNIX_SECONDS", value_parser = time)]
    now: Option<SystemTime>,
    /// Judge as Convex's WebSocket does, by which its React and Rust clients talk: what has expired is dropped without the
    /// 5 seconds of leeway
    #[arg(long)]
    websocket: bool,
}

impl JudgeArgs {
    fn verifier(&self, config: AuthConfig) -> Result<ConvexVerifier, Failure> {
        let mut verifier = ConvexVerifier::builder(config).on_websocket(self.websocket);
        if let Some(now) = self.now {
            verifier = verifier.clock(Arc::new(Frozen(now)));
        }
        Ok(verifier.build()?)
    }
}

/// The auth configuration in the JSON file that the command line names, or else the settings.
fn read_config(file: Option<&Path>, settings: &Settings) -> Result<AuthConfig, Failure> {
    let file = settings.path(&settings::CONVEX_CONFIG, file)?.ok_or_else(|| {
        Failure::usage("no_convex_config", "there is no auth configuration to look at").hint(Some(
            "give --convex-config FILE.json; `convex auth-config --format json` writes one",
        ))
    })?;
    let json = fs::read_to_string(&file).map_err(|error| {
        Failure::usage("file_not_read", format!("{} cannot be read", file.display())).caused_by(&error)
    })?;
    let is_script = file
        .extension()
        .is_some_and(|name| ["ts", "js", "mjs"].iter().any(|script| name == *script));
    AuthConfig::from_json(&json).map_err(|error| {
        Failure::convex_answer(&error).hint(is_script.then_some(
            "scripts are not run here: `convex auth-config --format json` writes the same as JSON",
        ))
    })
}

fn time(text: &str) -> Result<SystemTime, String> {
    let seconds = text.parse::<u64>().ok().filter(|seconds| *seconds <= LATEST_TIME);
    seconds
        .and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
        .ok_or_else(|| format!("not a time in whole seconds since 1970, {LATEST_TIME} at most"))
}

/// The time that the command line names.
#[derive(Debug)]
struct Frozen(SystemTime);

impl Clock for Frozen {
    fn now(&self) -> SystemTime {
        self.0
    }
}
