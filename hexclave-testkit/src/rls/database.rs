use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hexclave_core::User;
use hexclave_supabase::{ClaimsPolicy, SupabaseClaims};
use postgres::{Client, NoTls};

use super::Actor;
use super::run::{Failure, Who, with_causes};
use super::user::{Identity, sealed::Identity as _};
use crate::postgres::{Database, Migrations, Postgres, PostgresError, apart};

/// A database of one test, and the people it is asked as. Dropped with this value.
///
/// Everything here blocks for a moment, and may be called from ordinary tests and from inside async ones.
pub struct TestDatabase {
    database: Database,
    policy: ClaimsPolicy,
    /// Dropping the database ends the connections, and faster than they would end by themselves; so they come after it.
    authenticator: Connection,
    owner: Connection,
    statements: AtomicU64,
}

impl TestDatabase {
    /// A database in which the migrations of a folder have been run, on the server that all tests of the process share.
    ///
    /// ```no_run
    /// # use hexclave_testkit::rls::TestDatabase;
    /// # fn main() -> Result<(), hexclave_testkit::postgres::PostgresError> {
    /// let db = TestDatabase::from_folder("supabase/migrations")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Migrations::folder`] and [`Postgres::database_with`].
    pub fn from_folder(path: impl AsRef<Path>) -> Result<Self, PostgresError> {
        Self::new(&Migrations::new().folder(path)?)
    }

    /// A database in which this text has been run.
    ///
    /// # Errors
    /// As [`Postgres::database_with`].
    pub fn from_sql(sql: impl Into<String>) -> Result<Self, PostgresError> {
        Self::new(&Migrations::new().sql(sql))
    }

    /// A database in which these migrations have been run.
    ///
    /// # Errors
    /// As [`Postgres::database_with`].
    pub fn new(migrations: &Migrations) -> Result<Self, PostgresError> {
        Ok(Self::of(Postgres::shared()?.database_with(migrations)?))
    }

    /// A database that is there already.
    #[must_use]
    pub fn of(database: Database) -> Self {
        Self {
            database,
            policy: ClaimsPolicy::new(),
            authenticator: Connection::default(),
            owner: Connection::default(),
            statements: AtomicU64::default(),
        }
    }

    /// Makes claims by this policy: give the one that the application has.
    ///
    /// Without this it is [`ClaimsPolicy::new`]: normal users only, and no claims but `sub`, `role`, `aud` and
    /// `is_anonymous`. So no test can pass because of a claim that the application's tokens do not carry.
    #[must_use]
    pub fn claims_policy(mut self, policy: ClaimsPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The database as this user.
    ///
    /// # Panics
    /// If the user gets no claims: by the [policy](Self::claims_policy), or because a claim is not allowed.
    #[track_caller]
    pub fn as_user(&self, user: &impl Identity) -> Actor<'_> {
        match user.claims(&self.policy) {
            Ok(claims) => Actor::new(self, Who::Claims(claims), user.shown()),
            Err(error) => super::fail(&no_claims(&user.shown(), &*error)),
        }
    }

    /// The database as this user, where Supabase accepts Hexclave's own tokens (third-party authentication): the claims
    /// are the whole payload of the token, and users of every kind get in whose keys Supabase was given.
    pub fn as_token_of(&self, user: &User) -> Actor<'_> {
        let who = Who::Settings {
            role: "authenticated".to_owned(),
            claims: user.payload().to_owned(),
        };
        Actor::new(self, who, format!("{} with Hexclave's own token", user.shown()))
    }

    /// The database as somebody who is signed out.
    pub fn as_anon(&self) -> Actor<'_> {
        Actor::new(self, Who::Claims(SupabaseClaims::signed_out()), "anon".to_owned())
    }

    /// The database as a server with a secret key: Row Level Security does not bind it, grants do.
    pub fn as_service_role(&self) -> Actor<'_> {
        let who = Who::Settings {
            role: "service_role".to_owned(),
            claims: r#"{"role":"service_role"}"#.to_owned(),
        };
        Actor::new(self, who, "service_role".to_owned())
    }

    /// The database as the one who has run the migrations and owns the tables: neither Row Level Security nor grants bind
    /// it. For the rows that a test begins with, and to look at what came of it.
    pub fn as_owner(&self) -> Actor<'_> {
        Actor::new(self, Who::Owner, "the owner".to_owned())
    }

    /// Runs statements as the [owner](Self::as_owner), one or more in one text.
    ///
    /// # Errors
    /// As [`Database::execute`].
    pub fn execute(&self, sql: &str) -> Result<(), PostgresError> {
        self.database.execute(sql)
    }

    /// What there is besides, such as connections.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Works over the connection of `authenticator`.
    pub(super) fn over_authenticator<T: Send>(
        &self,
        work: impl FnOnce(&mut Client, u64) -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        self.over(&self.authenticator, self.database.authenticator_config(), work)
    }

    /// Works over the connection of the owner.
    pub(super) fn over_owner<T: Send>(
        &self,
        work: impl FnOnce(&mut Client, u64) -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        self.over(&self.owner, self.database.config(), work)
    }

    fn over<T: Send>(
        &self,
        kept: &Connection,
        config: tokio_postgres::Config,
        work: impl FnOnce(&mut Client, u64) -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        let number = self.statements.fetch_add(1, Ordering::Relaxed);
        let worked = apart(|| {
            let mut kept = kept.lock();
            let client = match kept.take() {
                Some(client) if !client.is_closed() => Ok(client),
                _ => postgres::Config::from(config).connect(NoTls),
            };
            Ok(match client {
                Ok(client) => work(kept.insert(client), number),
                Err(error) => Err(Failure::NotRun(format!(
                    "no connection to the database: {}",
                    with_causes(&error)
                ))),
            })
        });
        worked.unwrap_or_else(|error| Err(Failure::NotRun(with_causes(&error))))
    }
}

impl fmt::Debug for TestDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestDatabase").field(&self.database).finish()
    }
}

/// A connection that is opened when it is needed.
#[derive(Default)]
struct Connection(Mutex<Option<Client>>);

impl Connection {
    fn lock(&self) -> MutexGuard<'_, Option<Client>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let client = self.lock().take();
        // It has to end where blocking is allowed. Nobody is left to hear of a failure.
        let _ = apart(|| {
            drop(client);
            Ok(())
        });
    }
}

fn no_claims(user: &str, error: &(dyn Error + 'static)) -> String {
    format!(
        "{user} gets no claims: {}\n  hint: the database makes claims by ClaimsPolicy::new() until it is given the \
         application's policy with claims_policy()",
        with_causes(error)
    )
}
