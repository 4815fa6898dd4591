//! `hexclave-bridge supabase matrix`

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use hexclave_core::UserId;
use hexclave_supabase::{
    Role,
    inspect::matrix::{AccessMatrix, AccessMatrixBuilder, Allowed, Identity, TableName},
};
use serde_json::{Map, Value, json};

use crate::{
    database::{self, DatabaseArgs, SchemaArgs},
    failure::Failure,
    output,
    progress::Progress,
    settings::{self, Settings, SourceArgs},
};

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done; with --compare, nothing has changed
  1  with --compare: access has changed
  2  wrong usage or configuration
  3  the database could not be looked at";

/// A signed-in user who owns nothing, and a guest who does not.
const NOBODY: &str = "00000000-0000-4000-8000-000000000001";
const GUEST: &str = "00000000-0000-4000-8000-000000000002";
/// The columns of a matrix that goes to no terminal.
const WIDTH: u16 = 120;

#[derive(Args, Debug)]
pub(crate) struct MatrixArgs {
    /// Only this table; without it, everything in the schemas. Can be given several times
    #[arg(long, value_name = "[SCHEMA.]TABLE")]
    table: Vec<String>,
    /// Somebody signed in, by a name to show and the user's id. Can be given several times [default: a signed-in user
    /// and a guest who own nothing; somebody signed out is always there]
    #[arg(long, value_name = "NAME=USER_ID", value_parser = named_user)]
    user: Vec<(String, UserId)>,
    /// An anonymous user
    #[arg(long, value_name = "NAME=USER_ID", value_parser = named_user)]
    guest: Vec<(String, UserId)>,
    /// Somebody with the claims in a JSON file, `sub` and whatever policies ask for
    #[arg(long, value_name = "NAME=FILE", value_parser = named_file)]
    claims: Vec<(String, PathBuf)>,
    /// The role that sees which rows there are, such as service_role, where the connection's own does not see all
    #[arg(long, value_name = "ROLE", help_heading = "Settings")]
    look_as: Option<String>,
    /// SQL to run first, such as rows to try things on; it is undone with everything else
    #[arg(long, value_name = "FILE.sql")]
    prepare: Option<PathBuf>,
    /// Do not write to tables that have triggers
    #[arg(long, help_heading = "Settings")]
    leave_triggers_alone: Option<bool>,
    /// How many rows a table may have at most for all of them to be written [default: 1000]
    #[arg(long, value_name = "ROWS", help_heading = "Settings")]
    largest_table: Option<u32>,
    /// How many rows are tried one by one, and how many keys are shown; with 0 no value of a row is shown [default: 100]
    #[arg(long, value_name = "ROWS", help_heading = "Settings")]
    sample: Option<u32>,
    /// Compare with a matrix that was saved as JSON; the exit code says whether access has changed
    #[arg(long, value_name = "FILE.json")]
    compare: Option<PathBuf>,
    /// Narrower access is no change
    #[arg(long, requires = "compare")]
    allow_narrower: bool,
    /// The form to write
    #[arg(long, default_value = "text")]
    format: Format,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print JSON: the same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    #[command(flatten)]
    schemas: SchemaArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    sources: SourceArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Format {
    /// For the terminal
    Text,
    /// To be compared with later
    Json,
    /// For a pull request
    Markdown,
    /// A page for a browser
    Html,
}

impl MatrixArgs {
    /// Whether failures are to be reported as JSON.
    pub(super) fn wants_json(&self) -> bool {
        self.json || self.format == Format::Json
    }
}

/// Tries everything and prints what came out.
pub(super) async fn run(args: &MatrixArgs) -> Result<ExitCode, Failure> {
    let settings = Settings::read(&args.sources)?;
    let saved = match &args.compare {
        Some(file) => {
            let saved = AccessMatrix::from_json(&read(file)?);
            Some(saved.map_err(|error| Failure::from(error).within(file.display()))?)
        }
        None => None,
    };
    let mut client = args.database.connect(&settings).await?;
    let mut builder = args.builder(&settings)?;
    if args.table.is_empty() {
        let schemas = args.schemas.names(&settings)?;
        database::check_schemas(&client, &schemas).await?;
        builder = schemas.into_iter().fold(builder, AccessMatrixBuilder::schema);
    }
    let mut progress = Progress::new();
    let result = builder
        .on_progress(move |now| progress.of(now.done(), now.total(), now.table()))
        .run(&mut client)
        .await;
    let matrix = result?;
    args.write(&matrix, saved.as_ref())?;
    let allowed = match args.allow_narrower {
        true => Allowed::Narrower,
        false => Allowed::Nothing,
    };
    match saved.map(|saved| matrix.expect_unchanged(&saved, allowed)) {
        Some(Err(error)) => {
            output::notice(error);
            Ok(ExitCode::from(1))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

impl MatrixArgs {
    fn builder<'a>(&self, settings: &Settings) -> Result<AccessMatrixBuilder<'a>, Failure> {
        let mut builder = AccessMatrix::builder();
        for table in &self.table {
            let (schema, table) = table.split_once('.').unwrap_or(("public", table));
            builder = builder.table(TableName::new(schema, table)?);
        }
        for identity in self.identities()? {
            builder = builder.identity(identity);
        }
        if let Some(role) = settings.value(&settings::LOOK_AS, self.look_as.clone())? {
            builder = builder.dangerously_look_as(Role::dangerously_privileged(&role)?);
        }
        if let Some(file) = &self.prepare {
            builder = builder.prepare(read(file)?);
        }
        if settings
            .value(&settings::LEAVE_TRIGGERS_ALONE, self.leave_triggers_alone)?
            .unwrap_or(false)
        {
            builder = builder.leave_triggers_alone();
        }
        if let Some(rows) = settings.value(&settings::LARGEST_TABLE, self.largest_table)? {
            builder = builder.largest_table(rows);
        }
        if let Some(rows) = settings.value(&settings::SAMPLE, self.sample)? {
            builder = builder.sample(rows);
        }
        Ok(builder)
    }

    fn identities(&self) -> Result<Vec<Identity>, Failure> {
        let mut identities = vec![Identity::signed_out()];
        for (name, id) in &self.user {
            identities.push(user(name, &id.to_string(), false)?);
        }
        for (name, id) in &self.guest {
            identities.push(user(name, &id.to_string(), true)?);
        }
        for (name, file) in &self.claims {
            let claims: Map<String, Value> = serde_json::from_str(&read(file)?).map_err(|_| {
                Failure::usage("invalid_config", "expected a JSON object of claims").within(file.display())
            })?;
            identities.push(Identity::supposed(name, Role::Authenticated, claims)?);
        }
        if identities.len() == 1 {
            identities.push(user("signed in", NOBODY, false)?);
            identities.push(user("guest", GUEST, true)?);
        }
        Ok(identities)
    }

    fn write(&self, matrix: &AccessMatrix, saved: Option<&AccessMatrix>) -> Result<(), Failure> {
        let mut report = matrix.report();
        if let Some(saved) = saved {
            report = report.since(saved);
        }
        let format = if self.json { Format::Json } else { self.format };
        let text = match format {
            Format::Text => report.to_text(output::width().unwrap_or(WIDTH), self.out.is_none()),
            Format::Json => matrix.to_json(),
            Format::Markdown => report.to_markdown(),
            Format::Html => report.to_html(),
        };
        let Some(file) = &self.out else {
            output::text(text);
            return Ok(());
        };
        fs::write(file, text).map_err(|error| {
            Failure::usage(
                "file_not_written",
                format!("{} cannot be written", file.display()),
            )
            .caused_by(&error)
        })?;
        output::progress(format_args!("wrote {}", file.display()));
        Ok(())
    }
}

/// Somebody with the claims that a minted token has at least.
fn user(name: &str, id: &str, is_anonymous: bool) -> Result<Identity, Failure> {
    let claims = Map::from_iter([
        ("sub".to_owned(), json!(id)),
        ("aud".to_owned(), json!("authenticated")),
        ("is_anonymous".to_owned(), json!(is_anonymous)),
    ]);
    Ok(Identity::supposed(name, Role::Authenticated, claims)?)
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| {
        Failure::usage("file_not_read", format!("{} cannot be read", file.display())).caused_by(&error)
    })
}

fn named_user(text: &str) -> Result<(String, UserId), String> {
    let (name, id) = text
        .split_once('=')
        .ok_or("expected a name and a user's id: ada=11111111-…")?;
    let id = id
        .parse()
        .map_err(|error: hexclave_core::Error| error.to_string())?;
    Ok((name.to_owned(), id))
}

fn named_file(text: &str) -> Result<(String, PathBuf), &'static str> {
    let (name, file) = text
        .split_once('=')
        .ok_or("expected a name and a file: ada=claims.json")?;
    Ok((name.to_owned(), PathBuf::from(file)))
}
