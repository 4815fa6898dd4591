//! What makes a database what the application expects.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use postgres::NoTls;
use tokio_postgres::Config;
use tokio_postgres::error::{DbError, ErrorPosition};

use super::error::{Kind, PostgresError};

/// SQL that makes an application's schema, in the order in which it is run.
///
/// ```no_run
/// use hexclave_testkit::postgres::{Migrations, Postgres};
///
/// # fn main() -> Result<(), hexclave_testkit::postgres::PostgresError> {
/// let migrations = Migrations::new()
///     .sql("create schema extensions; create extension pgcrypto schema extensions")
///     .folder("supabase/migrations")?
///     .file("supabase/seed.sql")?;
/// let database = Postgres::shared()?.database_with(&migrations)?;
/// # Ok(())
/// # }
/// ```
///
/// Paths are relative to the working directory; Cargo runs the tests of a package in the folder of its `Cargo.toml`.
///
/// Each file, and each text, is sent to the server as one: either all of it takes effect or nothing, unless it has
/// `BEGIN` and `COMMIT` of its own. What cannot run inside a transaction, such as `CREATE INDEX CONCURRENTLY`, works as
/// the only statement of a file. The commands of `psql`, which begin with a backslash, are no SQL.
///
/// They run as the owner, over one connection, in a database whose schema `auth` has the functions of Supabase and no
/// tables. Where migrations expect more (the schema `extensions`, a table `auth.users`), put SQL before them that makes
/// it. Roles belong to the server, not to the database: `CREATE ROLE` fails where another database has made the same
/// one, so ask whether it is there first, as migrations for a hosted project have to.
#[derive(Clone, Default)]
#[must_use]
pub struct Migrations {
    steps: Vec<Step>,
}

#[derive(Clone)]
struct Step {
    /// The file's path, or the text's number.
    name: String,
    sql: String,
}

impl Migrations {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs this text next.
    pub fn sql(mut self, sql: impl Into<String>) -> Self {
        let name = format!("SQL text (number {} of the migrations)", self.steps.len() + 1);
        self.steps.push(Step {
            name,
            sql: sql.into(),
        });
        self
    }

    /// Runs this file next.
    ///
    /// # Errors
    /// If it cannot be read, or is not UTF-8.
    pub fn file(mut self, path: impl AsRef<Path>) -> Result<Self, PostgresError> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|error| unreadable(path, error))?;
        let sql = String::from_utf8(bytes).map_err(|error| {
            PostgresError::with_source(Kind::File(absolute(path), "is not UTF-8"), error.utf8_error())
        })?;
        // As `psql` does.
        let sql = sql.strip_prefix('\u{feff}').unwrap_or(&sql).to_owned();
        let name = path.display().to_string();
        self.steps.push(Step { name, sql });
        Ok(self)
    }

    /// Runs the files of this folder next, in the order of their names, as Supabase's command line does.
    ///
    /// Files that do not end in `.sql` are passed over, and so are those that begin with a dot, `….down.sql`, which
    /// would undo a migration, and folders in the folder.
    ///
    /// # Errors
    /// If the folder or a file in it cannot be read, or no file is left: a test without a schema would be a mistake.
    pub fn folder(mut self, path: impl AsRef<Path>) -> Result<Self, PostgresError> {
        let path = path.as_ref();
        let mut files: Vec<PathBuf> = fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
            .map_err(|error| unreadable(path, error))?;
        files.retain(|file| is_migration(file));
        if files.is_empty() {
            return Err(PostgresError::new(Kind::File(
                absolute(path),
                "has no file that ends in .sql",
            )));
        }
        files.sort_by(|one, other| one.file_name().cmp(&other.file_name()));
        for file in files {
            self = self.file(file)?;
        }
        Ok(self)
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.sql.as_str())
    }

    /// Runs all of it. May only be called where blocking is allowed.
    pub(super) fn run(&self, owner: &Config) -> Result<(), PostgresError> {
        let doing = "connecting to a new database";
        let mut client = postgres::Config::from(owner.clone())
            .connect(NoTls)
            .map_err(|error| PostgresError::with_source(Kind::Prepare { doing }, error))?;
        for step in &self.steps {
            client
                .batch_execute(&step.sql)
                .map_err(|error| step.failed(error))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Migrations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.steps.iter().map(|step| &step.name))
            .finish()
    }
}

impl Step {
    fn failed(&self, error: postgres::Error) -> PostgresError {
        let position = error.as_db_error().and_then(|error| position(error, &self.sql));
        let kind = Kind::Migration {
            name: self.name.clone(),
            position,
        };
        PostgresError::with_source(kind, error)
    }
}

/// A place in a text, for people.
pub(super) struct Position {
    /// From 1.
    pub(super) line: usize,
    /// In characters, from 1.
    pub(super) column: usize,
    pub(super) text: String,
}

fn position(error: &DbError, sql: &str) -> Option<Position> {
    let Some(ErrorPosition::Original(character)) = error.position() else {
        return None;
    };
    let before = usize::try_from(*character).ok()?.checked_sub(1)?;
    let (mut line, mut column) = (1, 1);
    for character in sql.chars().take(before) {
        match character {
            '\n' => (line, column) = (line + 1, 1),
            _ => column += 1,
        }
    }
    let text = sql.lines().nth(line - 1)?.to_owned();
    Some(Position { line, column, text })
}

fn is_migration(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().as_encoded_bytes();
    name.ends_with(b".sql") && !name.ends_with(b".down.sql") && !name.starts_with(b".") && !file.is_dir()
}

fn unreadable(path: &Path, error: std::io::Error) -> PostgresError {
    PostgresError::with_source(Kind::File(absolute(path), "cannot be read"), error)
}

/// What a relative path has turned out to mean.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
