//! What can go wrong, in words for the person who runs the tests.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_postgres::error::SqlState;

use super::Source;
use super::migrations::Position;

/// So many last lines of a log go into an error.
const TAIL: usize = 20;

/// Why there is no PostgreSQL, no database or no connection for a test.
///
/// The text says what was tried and what to do about it. Because tests mostly unwrap, the `Debug` form is
/// that text too, followed by the causes. No text holds a password.
#[derive(Clone)]
pub struct PostgresError(Arc<Inner>);

struct Inner {
    kind: Kind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// One source that was looked at, and why it cannot be used.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) source: Source,
    pub(super) reason: String,
}

pub(super) enum Kind {
    /// No source of a server can be used.
    Unavailable(Vec<Attempt>),
    /// A setting has a value that means nothing.
    Setting { name: String, problem: String },
    /// A server does not answer or refuses the user.
    Reach(String),
    /// The programs on this machine do not give a running server.
    Cluster {
        programs: PathBuf,
        problem: String,
        output: String,
    },
    /// The container does not give a running server.
    #[cfg(feature = "docker")]
    Container {
        image: String,
        problem: String,
        output: String,
    },
    /// The server is older than what is needed here.
    Old(String),
    /// A statement that prepares the server or a database failed.
    Prepare { doing: &'static str },
    /// The SQL of the caller failed.
    Sql { database: String },
    /// A file or folder of migrations, and what is wrong with it.
    File(PathBuf, &'static str),
    /// A migration failed.
    Migration {
        name: String,
        position: Option<Position>,
    },
    /// A connection to a test database could not be opened.
    Connect {
        database: String,
        role: &'static str,
        source: Source,
    },
    /// The caller is not inside a tokio runtime.
    Runtime,
    /// The system gives no thread or runtime.
    Thread,
}

impl PostgresError {
    /// The code that the server gave the failure, if it was the server that failed.
    ///
    /// ```no_run
    /// # use hexclave_testkit::postgres::Postgres;
    /// # use tokio_postgres::error::SqlState;
    /// # fn main() -> Result<(), hexclave_testkit::postgres::PostgresError> {
    /// let database = Postgres::shared()?.database()?;
    /// let error = database.execute("select * from nowhere").unwrap_err();
    /// assert_eq!(error.sql_state(), Some(&SqlState::UNDEFINED_TABLE));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn sql_state(&self) -> Option<&SqlState> {
        let source = self.0.source.as_ref()?;
        source.downcast_ref::<tokio_postgres::Error>()?.code()
    }

    pub(super) fn new(kind: Kind) -> Self {
        Self(Arc::new(Inner { kind, source: None }))
    }

    pub(super) fn with_source(kind: Kind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = Some(source.into());
        Self(Arc::new(Inner { kind, source }))
    }

    pub(super) fn unavailable(attempts: Vec<Attempt>) -> Self {
        Self::new(Kind::Unavailable(attempts))
    }

    pub(super) fn setting(name: &str, problem: impl Into<String>) -> Self {
        Self::new(Kind::Setting {
            name: name.to_owned(),
            problem: problem.into(),
        })
    }

    pub(super) fn cluster(programs: &Path, problem: impl Into<String>, output: String) -> Self {
        Self::new(Kind::Cluster {
            programs: programs.to_owned(),
            problem: problem.into(),
            output,
        })
    }
}

impl fmt::Display for PostgresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            Kind::Unavailable(attempts) => unavailable(f, attempts),
            Kind::Setting { name, problem } => write!(f, "{name} {problem}"),
            Kind::Reach(server) => write!(
                f,
                "{server} cannot be used: is it running, does it accept this user and password, \
                 and does it accept connections without TLS?"
            ),
            Kind::Cluster {
                programs,
                problem,
                output,
            } => {
                write!(f, "the PostgreSQL programs in {} {problem}", programs.display())?;
                quote(f, output)
            }
            #[cfg(feature = "docker")]
            Kind::Container {
                image,
                problem,
                output,
            } => {
                write!(f, "the Docker image {image} {problem}")?;
                quote(f, output)
            }
            Kind::Old(version) => write!(
                f,
                "PostgreSQL {version} is too old for tests: 13 or newer is needed"
            ),
            Kind::Prepare { doing } if self.sql_state() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => write!(
                f,
                "{doing} was refused: the user needs to be a superuser, or to have CREATEDB and CREATEROLE \
                 (and BYPASSRLS, to create the role `service_role`)"
            ),
            Kind::Prepare { doing } => write!(f, "{doing} failed"),
            Kind::Sql { database } => write!(f, "the SQL failed in the database {database}"),
            Kind::File(path, problem) => write!(f, "{} {problem}", path.display()),
            Kind::Migration { name, position } => {
                write!(f, "the migration {name} failed")?;
                if let Some(position) = position {
                    quote_line(f, position)?;
                }
                if self.sql_state() == Some(&SqlState::DUPLICATE_OBJECT) && self.is_about_a_role() {
                    f.write_str(
                        "\n  roles belong to the server and are there for every database: create them only where \
                         pg_roles does not have them yet",
                    )?;
                }
                Ok(())
            }
            Kind::Connect {
                database,
                role,
                source,
            } => {
                write!(f, "no connection to the database {database} as {role}")?;
                if *source == Source::Url && *role == "authenticator" && self.is_refused() {
                    write!(
                        f,
                        ": this server had the role `authenticator` before; set HEXCLAVE_TEST_AUTHENTICATOR_PASSWORD \
                         to its password"
                    )?;
                }
                Ok(())
            }
            Kind::Runtime => f.write_str("an asynchronous connection needs a tokio runtime around it"),
            Kind::Thread => f.write_str("the system gave no thread for the work with PostgreSQL"),
        }
    }
}

impl fmt::Debug for PostgresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, "\n  caused by: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Error for PostgresError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}

impl PostgresError {
    fn is_about_a_role(&self) -> bool {
        let source = self.0.source.as_ref();
        source
            .and_then(|source| source.downcast_ref::<tokio_postgres::Error>()?.as_db_error())
            .is_some_and(|error| error.routine() == Some("CreateRole"))
    }

    fn is_refused(&self) -> bool {
        matches!(
            self.sql_state(),
            Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
        )
    }
}

fn unavailable(f: &mut fmt::Formatter<'_>, attempts: &[Attempt]) -> fmt::Result {
    f.write_str("no PostgreSQL for the tests was found")?;
    if let [attempt] = attempts {
        write!(f, ", and only {} was asked for", attempt.source)?;
    }
    for attempt in attempts {
        write!(f, "\n  {}: {}", attempt.source, attempt.reason)?;
    }
    f.write_str("\nwhat would help:")?;
    for attempt in attempts {
        f.write_str(match attempt.source {
            Source::Url => {
                "\n  set HEXCLAVE_TEST_DATABASE_URL to the URL of a server and of a user who may create databases and \
                 roles, like postgres://postgres:password@localhost:5432/postgres"
            }
            Source::Local => {
                "\n  install PostgreSQL: `apt-get install postgresql` on Debian and Ubuntu, \
                 `brew install postgresql@17` with Homebrew"
            }
            Source::Docker => "\n  install Docker and start it: https://docs.docker.com/get-docker/",
        })?;
    }
    Ok(())
}

/// The line in which something is wrong, and a mark below the place.
fn quote_line(f: &mut fmt::Formatter<'_>, position: &Position) -> fmt::Result {
    let Position { line, column, text } = position;
    let number = line.to_string();
    let before: String = text
        .chars()
        .take(column.saturating_sub(1))
        .map(|character| if character == '\t' { '\t' } else { ' ' })
        .collect();
    write!(f, " at line {line}, column {column}")?;
    write!(f, "\n  {number} | {text}\n  {:1$} | {before}^", "", number.len())
}

/// The output of somebody else's program, set off from our own words.
fn quote(f: &mut fmt::Formatter<'_>, output: &str) -> fmt::Result {
    for line in output.lines() {
        write!(f, "\n  | {line}")?;
    }
    Ok(())
}

/// The end of a log, short enough to be read.
#[cfg(any(unix, feature = "docker"))]
pub(super) fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    let skipped = lines.len().saturating_sub(TAIL);
    lines
        .into_iter()
        .skip(skipped)
        .map(|line| format!("{line}\n"))
        .collect()
}
