//! `hexclave-bridge supabase sync`

use std::{path::PathBuf, time::Duration};

use clap::Args;
use hexclave_core::{ProjectConfig, SecretKey, api::Client};
use hexclave_supabase::sync::{Phase, Progress as State, Reconciliation, UserMirror, UserTable};
use serde_json::json;

use crate::{
    database::DatabaseArgs,
    failure::Failure,
    output,
    progress::Progress,
    settings::{self, ProjectArgs, Settings},
};

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  the table is in step
  2  wrong usage or configuration, such as a table that is not as it has to be
  3  the Hexclave API or the database did not answer; run it again, and it goes on";

/// For how long one request is repeated while the API makes trouble.
const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Args, Debug)]
pub(crate) struct SyncArgs {
    /// The table, with its schema if that is not public [default: public.users]
    #[arg(long, value_name = "[SCHEMA.]TABLE", help_heading = "Settings")]
    users_table: Option<String>,
    /// Mirror the users' server_metadata too, which is for servers alone
    #[arg(long, help_heading = "Settings")]
    server_metadata: Option<bool>,
    /// Print the SQL that makes the table, for a migration, and do nothing else
    #[arg(long)]
    sql: bool,
    /// Make the table if it is not there
    #[arg(long, conflicts_with = "sql")]
    create: bool,
    /// Begin at the beginning, even if an earlier run was broken off
    #[arg(long, conflicts_with = "sql")]
    anew: bool,
    /// Take over from another process that is at it
    #[arg(long, conflicts_with = "sql")]
    take_over: bool,
    /// A file with the project's secret server key; - is standard input [default: the variable
    /// HEXCLAVE_SECRET_SERVER_KEY]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    secret_server_key_file: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    project: ProjectArgs,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Brings the table in step.
pub(super) async fn run(args: &SyncArgs) -> Result<(), Failure> {
    let settings = args.project.settings()?;
    let table = args.table(&settings)?;
    if args.sql {
        match args.json {
            true => output::line(json!({ "sql": table.to_sql() })),
            false => output::text(table.to_sql()),
        }
        return Ok(());
    }
    let api = Client::builder(args.config(&settings)?)
        .deadline(DEADLINE)
        .server()?;
    let mut client = args.database.connect(&settings).await?;
    if args.create {
        table.create(&mut client).await?;
    }
    let mut how = Reconciliation::default();
    if args.anew {
        how = how.anew();
    }
    if args.take_over {
        how = how.take_over();
    }
    let mut progress = Progress::new();
    let mirror = UserMirror::new(table, api);
    let result = mirror
        .reconcile(&client, how, |state| progress.reached(&so_far(state)))
        .await;
    drop(progress);
    let done = result?;
    if args.json {
        output::line(json!({
            "users": done.users,
            "added": done.added,
            "changed": done.changed,
            "removed": done.removed,
            "resumed": done.resumed,
        }));
    } else {
        output::line(format_args!(
            "{} users: {} added, {} changed, {} removed",
            done.users, done.added, done.changed, done.removed
        ));
    }
    Ok(())
}

impl SyncArgs {
    fn table(&self, settings: &Settings) -> Result<UserTable, Failure> {
        settings.users_table(self.users_table.as_ref(), self.server_metadata)
    }

    fn config(&self, settings: &Settings) -> Result<ProjectConfig, Failure> {
        let mut config = ProjectConfig::builder();
        let key = settings.secret(
            &settings::SECRET_SERVER_KEY,
            self.secret_server_key_file.as_deref(),
        )?;
        if let Some(secret) = key {
            let key = SecretKey::new(secret.expose());
            config =
                config.secret_server_key(key.map_err(|error| Failure::from(error).within(secret.origin()))?);
        }
        self.project.complete(config, settings)
    }
}

fn so_far(state: &State) -> String {
    match state.phase {
        Phase::Checking => format!(
            "{} users read, {} missing ones looked up",
            state.users, state.checked
        ),
        _ if state.resumed => format!("{} users read, going on where it was broken off", state.users),
        _ => format!("{} users read", state.users),
    }
}
