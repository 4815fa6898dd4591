//! One database of a test.

use std::fmt;
use std::sync::Arc;

use postgres::NoTls;
use tokio::runtime::Handle;
use tokio_postgres::{Client, Config};

use super::error::{Kind, PostgresError};
use super::server::Server;
use super::thread::apart;

pub(super) const AUTH: &str = include_str!("auth.sql");

/// A database of one test, dropped with this value.
///
/// Dropping waits until the database is gone, with all connections to it; that works in a panic and inside an async
/// test too. It keeps the server running for as long as it lives.
pub struct Database {
    server: Arc<Server>,
    name: String,
}

impl Database {
    /// The name, `hexclave_test_` and a random number.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How to connect as the owner: the user of the URL, otherwise the superuser.
    ///
    /// A superuser is above Row Level Security. Use this for migrations and to look at rows from outside, and
    /// [`authenticator_config`](Self::authenticator_config) for what is to be tested.
    ///
    /// Both work with the blocking client as well:
    /// ```no_run
    /// # use hexclave_testkit::postgres::Postgres;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let database = Postgres::shared()?.database()?;
    /// let mut client = postgres::Config::from(database.config()).connect(postgres::NoTls)?;
    /// client.batch_execute("create table notes (body text)")?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn config(&self) -> Config {
        self.server.owner(&self.name)
    }

    /// How to connect as `authenticator`, the role with which Supabase's API logs in.
    ///
    /// It is no superuser and has no rights of its own; it may become `anon`, `authenticated` or `service_role`. On a
    /// server that had this role before, the password comes from `HEXCLAVE_TEST_AUTHENTICATOR_PASSWORD` or the
    /// [builder](super::PostgresBuilder::authenticator_password).
    #[must_use]
    pub fn authenticator_config(&self) -> Config {
        self.server.authenticator(&self.name)
    }

    /// Runs statements as the owner, over a connection of their own: migrations, policies, rows.
    ///
    /// # Errors
    /// If there is no connection or the server refuses a statement;
    /// [`sql_state`](PostgresError::sql_state) then has its code.
    pub fn execute(&self, sql: &str) -> Result<(), PostgresError> {
        let database = self.name.clone();
        apart(|| self.run(sql, Kind::Sql { database }))
    }

    /// Connects as `authenticator`; a task of the current tokio runtime drives the connection.
    ///
    /// ```no_run
    /// # use hexclave_testkit::postgres::Postgres;
    /// # async fn test() -> Result<(), Box<dyn std::error::Error>> {
    /// let database = Postgres::shared()?.database()?;
    /// database.execute("create table notes (body text); grant select on notes to anon")?;
    ///
    /// let mut client = database.connect().await?;
    /// let transaction = client.transaction().await?;
    /// transaction.batch_execute("set local role anon").await?;
    /// assert!(transaction.query("select body from notes", &[]).await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the server refuses the connection, or outside a tokio runtime.
    pub async fn connect(&self) -> Result<Client, PostgresError> {
        self.open(self.authenticator_config(), "authenticator").await
    }

    /// Connects as the owner; see [`config`](Self::config) for who that is.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_as_owner(&self) -> Result<Client, PostgresError> {
        self.open(self.config(), "owner").await
    }

    /// Creates the database with what Supabase's policies expect in it.
    pub(super) fn create(server: &Arc<Server>) -> Result<Self, PostgresError> {
        apart(|| {
            let database = Self::named(server, server.create_database()?);
            let doing = "creating the schema `auth`";
            database.run(AUTH, Kind::Prepare { doing })?;
            Ok(database)
        })
    }

    /// The database of this name, which is ours.
    pub(super) fn named(server: &Arc<Server>, name: String) -> Self {
        Self {
            server: Arc::clone(server),
            name,
        }
    }

    fn run(&self, sql: &str, failure: Kind) -> Result<(), PostgresError> {
        postgres::Config::from(self.config())
            .connect(NoTls)
            .map_err(|error| self.no_connection("owner", error))?
            .batch_execute(sql)
            .map_err(|error| PostgresError::with_source(failure, error))
    }

    async fn open(&self, config: Config, role: &'static str) -> Result<Client, PostgresError> {
        let runtime =
            Handle::try_current().map_err(|error| PostgresError::with_source(Kind::Runtime, error))?;
        let (client, connection) = config
            .connect(NoTls)
            .await
            .map_err(|error| self.no_connection(role, error))?;
        // Whatever ends the connection, the client's next call says so.
        runtime.spawn(connection);
        Ok(client)
    }

    fn no_connection(&self, role: &'static str, error: tokio_postgres::Error) -> PostgresError {
        let kind = Kind::Connect {
            database: self.name.clone(),
            role,
            source: self.server.source(),
        };
        PostgresError::with_source(kind, error)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure. What stays on a server of ours ends with it; what stays on somebody
        // else's is removed by the next run.
        let _ = apart(|| self.server.drop_database(&self.name));
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("name", &self.name)
            .field("server", &self.server.description())
            .finish()
    }
}
