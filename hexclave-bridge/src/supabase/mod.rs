//! `hexclave-bridge supabase`

mod jwks;
mod lint;
mod matrix;
mod policies;
mod sync;
mod token;

use std::process::ExitCode;

use clap::Subcommand;

use crate::{cli::EXIT_CODES, failure::Failure};

#[derive(Debug, Subcommand)]
pub(crate) enum SupabaseCommand {
    /// Mint a Supabase token for an access token's user
    ///
    /// The secret comes from the variable SUPABASE_JWT_SECRET or from a file: the project's legacy JWT secret, not an
    /// API key.
    #[command(after_help = EXIT_CODES)]
    Token(token::TokenArgs),
    /// Find what is wrong with a database's policies
    ///
    /// Looks at the catalogue in a read-only transaction, and at no table. The database's URL comes from the variable
    /// SUPABASE_DB_URL or from a file. Look through the role that the application uses: what that role is counts too.
    #[command(after_help = lint::EXIT_CODES)]
    Lint(lint::LintArgs),
    /// Find out by trying who can see, add, change and delete which rows
    ///
    /// Each command is tried as each identity on the rows that are there, in one transaction that is never committed.
    /// Sequences go on, and what triggers do outside the database stays: use a copy of a database that is busy.
    #[command(after_help = matrix::EXIT_CODES)]
    Matrix(Box<matrix::MatrixArgs>),
    /// Write the SQL of a table's policies
    ///
    /// Prints SQL for a migration: grants, indexes, and a policy for each command. The shapes are joined: who meets one
    /// of them comes in. Without any, nobody but service_role has access.
    Policies(policies::PoliciesArgs),
    /// Bring a table of Hexclave's users in step with Hexclave
    ///
    /// Reads all users and writes those that have changed; a user who is gone is marked as deleted. Broken off, it goes
    /// on where it was. Run it when the table is new, and now and then beside the webhooks.
    #[command(after_help = sync::EXIT_CODES)]
    Sync(Box<sync::SyncArgs>),
    /// Print Hexclave's public keys as Supabase takes them
    ///
    /// With them, Supabase accepts Hexclave's own access tokens, and none have to be minted. The document is as of now:
    /// make it anew when Hexclave's keys change.
    #[command(after_help = EXIT_CODES)]
    Jwks(jwks::JwksArgs),
}

impl SupabaseCommand {
    /// Whether failures are to be reported as JSON.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Token(args) => args.verify.json,
            Self::Lint(args) => args.json,
            Self::Matrix(args) => args.wants_json(),
            Self::Policies(args) => args.json,
            Self::Sync(args) => args.json,
            Self::Jwks(_) => true,
        }
    }
}

pub(crate) async fn run(command: &SupabaseCommand) -> Result<ExitCode, Failure> {
    match command {
        SupabaseCommand::Token(args) => token::run(args).await?,
        SupabaseCommand::Lint(args) => return lint::run(args).await,
        SupabaseCommand::Matrix(args) => return matrix::run(args).await,
        SupabaseCommand::Sync(args) => sync::run(args).await?,
        SupabaseCommand::Policies(args) => policies::run(args)?,
        SupabaseCommand::Jwks(args) => jwks::run(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}
