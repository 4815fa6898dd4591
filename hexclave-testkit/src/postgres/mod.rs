//! A throw-away PostgreSQL with the roles and functions of Supabase.
//!
//! ```no_run
//! use hexclave_testkit::postgres::Postgres;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let database = Postgres::shared()?.database()?;
//! database.execute(
//!     "create table notes (owner uuid not null, body text not null);
//!      alter table notes enable row level security;
//!      create policy own on notes for select to authenticated using (owner = (select auth.uid()));
//!      grant select on notes to authenticated",
//! )?;
//!
//! let mut client = postgres::Config::from(database.authenticator_config()).connect(postgres::NoTls)?;
//! let mut transaction = client.transaction()?;
//! transaction.batch_execute(
//!     r#"set local role authenticated;
//!        set local request.jwt.claims = '{"sub": "11111111-1111-4111-8111-111111111111"}'"#,
//! )?;
//! assert!(transaction.query("select body from notes", &[])?.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # Where the server comes from
//! The first of these that is there is used:
//! 1. a running server that `HEXCLAVE_TEST_DATABASE_URL` names;
//! 2. the programs `initdb` and `postgres` on this machine: in a folder of `PATH`, in `/usr/lib/postgresql/*/bin`
//!    (the newest first), where Homebrew puts them, or where `pg_config` says. A server is started in a temporary
//!    folder and listens on a Unix socket in there, nowhere else. When root runs the tests, it runs as `postgres` or
//!    else `nobody`;
//! 3. Docker, with the Cargo feature `docker`. The engine alone is enough, without the command `docker`; the image needs
//!    an `sh`.
//!
//! If none is there, the error says what was tried and what to install. If one is there and does not work, that is an
//! error as well, and the next one is not tried. PostgreSQL 13 is the oldest that will do.
//!
//! | variable | meaning |
//! |---|---|
//! | `HEXCLAVE_TEST_DATABASE_URL` | the URL of a server, without TLS, not through a pooler. The user has to be a superuser, or needs `CREATEDB`, `CREATEROLE` to create the roles where they are missing, and `pg_signal_backend` to drop a database while `authenticator` is connected to it |
//! | `HEXCLAVE_TEST_POSTGRES` | `url`, `local` or `docker`: use this source and no other |
//! | `HEXCLAVE_TEST_POSTGRES_IMAGE` | the Docker image as `name:tag`, `postgres:17` if unset |
//! | `HEXCLAVE_TEST_AUTHENTICATOR_PASSWORD` | the password of the role `authenticator`, [`AUTHENTICATOR_PASSWORD`] if unset |
//!
//! An empty variable counts as unset. [`Postgres::builder`] says the same in code.
//!
//! # What is in a database
//! - The roles `anon`, `authenticated`, `service_role` (which is above Row Level Security) and `authenticator` (which
//!   logs in and may become the other three), with Supabase's attributes and time limits. Roles belong to the server:
//!   they are created where they are missing, never changed, and they stay on a server that was there before.
//! - The schema `auth` with `auth.uid()`, `auth.role()`, `auth.email()` and `auth.jwt()`, which read the claims from
//!   `request.jwt.claims` (as PostgREST sets it) or from `request.jwt.claim.sub` and its like (as Storage and Realtime
//!   do). A `sub` that is no UUID, an empty one included, fails with the code 22P02.
//! - `USAGE` on `public` for the three roles of the API, and nothing else: as in a new Supabase project, a table is
//!   not reachable before something is granted on it.
//!
//! [`Postgres::database_with`] puts [`Migrations`] into it too, which run once for all tests.
//!
//! # Blocking, async, panics, signals
//! Everything but [`Database::connect`] and [`Database::connect_as_owner`] blocks, and may be called from ordinary
//! tests and from inside async ones.
//!
//! Nothing stays behind. A [`Database`] is dropped with its value, and a server that was started here ends with the
//! last [`Postgres`] and [`Database`] of it, before that drop returns; [`Postgres::shared`] ends with the process. The
//! same holds when the process exits early, is interrupted with Ctrl-C or killed with SIGKILL: a started server is
//! tied to a pipe (in Docker: to a connection) that ends with the process, and then ends itself and removes its
//! folder or container, a moment later. What nobody can clean up after:
//! - a SIGKILL that hits the server's supervisor, an `sh`, as well as the tests leaves the server or its folder;
//! - a SIGKILL in the moment between the start of a container and the connection to it leaves the container for a
//!   minute;
//! - a killed process leaves its databases on a server that was there before. The next test process that uses the
//!   server through `HEXCLAVE_TEST_DATABASE_URL` drops them: databases whose name is `hexclave_test_` and 32
//!   hexadecimal digits, and whose maker is no longer connected.
//!
//! On such a server, what migrations have made stays on purpose, as a database whose name is `hexclave_template_` and 32
//! hexadecimal digits: the next process copies it. The first process to come that finds it unused for an hour drops it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use self::find::{Environment, Wish};
use self::server::Server;
pub(crate) use self::thread::apart;

#[cfg(unix)]
mod cluster;
#[cfg(feature = "docker")]
mod container;
mod database;
mod error;
mod find;
#[cfg(feature = "docker")]
mod guard;
mod migrations;
#[cfg(unix)]
mod programs;
mod server;
mod template;
mod thread;

pub use self::database::Database;
pub use self::error::PostgresError;
pub use self::migrations::Migrations;

/// The password of the role `authenticator` where it is created here and nothing else is asked for.
pub const AUTHENTICATOR_PASSWORD: &str = "hexclave-test-authenticator";

/// A PostgreSQL server for tests.
///
/// This is a handle: clones share the server, and there is no need for an [`Arc`] around it.
#[derive(Clone)]
pub struct Postgres {
    server: Arc<Server>,
}

impl Postgres {
    /// The one server that all tests of this process share. The first call starts it.
    ///
    /// It runs until the process ends. Starting takes a second or so and a database a fraction of that, so this is
    /// what tests want, unless they change the server itself.
    ///
    /// # Errors
    /// If there is no usable server. The search is not repeated: later calls give the same error.
    pub fn shared() -> Result<Self, PostgresError> {
        static SHARED: OnceLock<Result<Postgres, PostgresError>> = OnceLock::new();
        SHARED.get_or_init(Self::start).clone()
    }

    /// A server of the caller's own, stopped when the last handle to it and the last database on it are dropped.
    ///
    /// From a URL there is only ever the one server, so this differs from [`shared`](Self::shared) for the other two
    /// sources only.
    ///
    /// # Errors
    /// If there is no usable server.
    pub fn start() -> Result<Self, PostgresError> {
        Self::builder().start()
    }

    /// A server with choices made in code instead of in the environment.
    pub fn builder() -> PostgresBuilder {
        PostgresBuilder {
            wish: Wish::default(),
        }
    }

    /// Where the server comes from.
    #[must_use]
    pub fn source(&self) -> Source {
        self.server.source()
    }

    /// What the server is, for people: `PostgreSQL 15.18 from /usr/lib/postgresql/15/bin`.
    #[must_use]
    pub fn description(&self) -> &str {
        self.server.description()
    }

    /// A new database with the roles' rights and the schema `auth`, and nothing else in it.
    ///
    /// # Errors
    /// If the server does not answer or does not let this user create databases.
    pub fn database(&self) -> Result<Database, PostgresError> {
        Database::create(&self.server)
    }

    /// A new database in which these migrations have been run, beside what [every](Self::database) one has.
    ///
    /// Only the first call runs them, in a template: a database that the others are copied from, which costs the same
    /// whatever they do. The template is known by their text, and shared by all that use this server, other processes
    /// too. A server that was started here takes it with it when it ends; on one that was there before it stays, for
    /// the next process to copy, until a process comes that finds it unused for an hour and drops it.
    ///
    /// # Errors
    /// As [`database`](Self::database), and if a migration fails: the error says which one, and shows the line.
    pub fn database_with(&self, migrations: &Migrations) -> Result<Database, PostgresError> {
        template::copy(&self.server, migrations)
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("source", &self.source())
            .field("description", &self.description())
            .finish()
    }
}

/// The kinds of places a server can come from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Source {
    /// A server that was there before, named by a URL.
    Url,
    /// Programs on this machine.
    Local,
    /// A Docker container.
    Docker,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url => "url",
            Self::Local => "local",
            Self::Docker => "docker",
        })
    }
}

/// Choices for [`Postgres::builder`]. What is not chosen comes from the environment.
///
/// ```no_run
/// use hexclave_testkit::postgres::{Postgres, Source};
///
/// # fn main() -> Result<(), hexclave_testkit::postgres::PostgresError> {
/// let postgres = Postgres::builder().source(Source::Docker).image("postgres:15").start()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct PostgresBuilder {
    wish: Wish,
}

impl PostgresBuilder {
    /// Use this source and no other.
    pub fn source(mut self, source: Source) -> Self {
        self.wish.source = Some(source);
        self
    }

    /// Use the server with this URL, `postgres://user:password@host:5432/database`, and no other.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.wish.url = Some(url.into());
        self.source(Source::Url)
    }

    /// The Docker image as `name:tag`, should Docker be used.
    pub fn image(mut self, image: impl Into<String>) -> Self {
        self.wish.image = Some(image.into());
        self
    }

    /// The password of the role `authenticator`: the one it has, or the one it gets where it is created.
    pub fn authenticator_password(mut self, password: impl Into<String>) -> Self {
        self.wish.authenticator_password = Some(password.into());
        self
    }

    /// Starts or reaches the server.
    ///
    /// # Errors
    /// If there is no usable server among those that may be used.
    pub fn start(self) -> Result<Postgres, PostgresError> {
        apart(|| {
            let environment = Environment::of_process();
            let password = find::authenticator_password(&self.wish, &environment)?;
            let server = Server::open(find::find(&self.wish, &environment)?, password)?;
            Ok(Postgres {
                server: Arc::new(server),
            })
        })
    }
}

impl fmt::Debug for PostgresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBuilder")
            .field("source", &self.wish.source)
            .field("image", &self.wish.image)
            .finish_non_exhaustive()
    }
}
