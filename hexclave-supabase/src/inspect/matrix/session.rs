//! The one transaction in which everything is tried, and which ends by rolling back.

use tokio_postgres::{
    Client, Error as DriverError, IsolationLevel, SimpleQueryMessage, Transaction, error::DbError,
};

use super::{Identity, limits::Limits};
use crate::{
    Error, ErrorKind, Role,
    error::quoted,
    rls::{in_transaction, literal, not_begun},
};

/// Everything in a transaction that has failed, or is not there.
const IN_FAILED_TRANSACTION: &str = "25P02";

/// How the role looks that looks at all rows.
#[derive(Clone, Copy)]
pub(super) enum Eyes {
    /// Fails rather than be shown a part of the rows.
    AllOrNothing,
    /// Sees what policies let through.
    UnderPolicies,
}

pub(super) struct Session<'c> {
    transaction: Transaction<'c>,
    limits: String,
    look_as: String,
}

/// The answer to a statement.
pub(super) struct Done {
    pub(super) rows: Vec<Vec<Option<String>>>,
    /// How many rows its command tag says.
    pub(super) touched: u64,
}

/// The database's refusal of a statement.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) sql_state: String,
    pub(super) message: String,
    /// The function of the server that refused, which does not depend on the server's language.
    pub(super) routine: String,
}

/// What was tried, and what was seen right after it, if that could be looked at.
pub(super) struct Attempt {
    pub(super) result: Result<Done, Failure>,
    pub(super) after: Option<Done>,
}

impl<'c> Session<'c> {
    /// `look_as` is the role that looks, where it is not the connection's own.
    pub(super) async fn begin(
        client: &'c mut Client,
        limits: Limits,
        look_as: Option<&Role>,
    ) -> Result<Self, Error> {
        let asked = client
            .simple_query(
                "SELECT pg_catalog.now() = pg_catalog.statement_timestamp(), pg_catalog.current_setting('role')",
            )
            .await;
        let answer = match asked {
            Ok(answer) => done(answer),
            Err(error)
                if error
                    .code()
                    .is_some_and(|code| code.code() == IN_FAILED_TRANSACTION) =>
            {
                return Err(in_transaction());
            }
            Err(error) => return Err(broken("the connection could not be used", error)),
        };
        if answer.text(0, 0) != Some("t") {
            return Err(in_transaction());
        }
        let own = answer.text(0, 1).unwrap_or("none");
        let look_as = look_as.map_or(own, Role::as_str).to_owned();
        let transaction = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(false)
            .start()
            .await
            .map_err(|error| broken("no transaction could begin to try things in", error))?;
        let session = Self {
            transaction,
            limits: limits.to_sql(),
            look_as,
        };
        session
            .must("the time limits could not be set", &session.limits)
            .await?;
        Ok(session)
    }

    /// Runs SQL of the caller's as the connection's role. It cannot end the transaction: PL/pgSQL's `EXECUTE` takes no
    /// command that would.
    pub(super) async fn prepare(&self, sql: &str) -> Result<(), Error> {
        let sql = format!(
            "DO LANGUAGE plpgsql $hexclave$BEGIN EXECUTE {}; END$hexclave$",
            literal(sql)
        );
        self.must("the SQL to prepare the database failed", &sql).await
    }

    /// From now on, what would be checked at the end of a transaction is checked at the end of each statement.
    pub(super) async fn check_at_once(&self) -> Result<(), Error> {
        let sql = "SET CONSTRAINTS ALL IMMEDIATE";
        self.must("a constraint does not hold before anything is tried", sql)
            .await
    }

    /// Runs a query that changes nothing, as the role that looks.
    pub(super) async fn look(&self, eyes: Eyes, sql: &str) -> Result<Result<Done, Failure>, Error> {
        let enter = format!("SAVEPOINT hexclave_look; {}", self.eyes(eyes));
        let (entered, asked, left) = tokio::join!(
            biased;
            self.transaction.batch_execute(&enter),
            self.transaction.simple_query(sql),
            self.transaction
                .batch_execute("ROLLBACK TO SAVEPOINT hexclave_look; RELEASE SAVEPOINT hexclave_look"),
        );
        entered.map_err(|error| broken("the role that is to look at all rows cannot be taken", error))?;
        left.map_err(lost)?;
        Ok(asked.map(done).map_err(failure))
    }

    /// As [`look`](Self::look), for the catalogue, which everybody can read.
    pub(super) async fn catalogue(&self, sql: &str) -> Result<Done, Error> {
        let asked = self.transaction.simple_query(sql).await;
        asked
            .map(done)
            .map_err(|error| broken("the database's catalogue could not be read", error))
    }

    /// Takes on an identity, until [`leave`](Self::leave).
    pub(super) async fn enter(&self, identity: &Identity) -> Result<(), Error> {
        let sql = format!(
            "SAVEPOINT hexclave_cell; SELECT pg_catalog.set_config('row_security', 'on', true); {}; {}; \
             SAVEPOINT hexclave_try",
            identity.settings(),
            self.limits
        );
        let entered = self.transaction.batch_execute(&sql).await;
        entered.map_err(|error| {
            let why = not_begun(error);
            let code = why.sql_state().map(str::to_owned);
            Error::new(
                why.kind(),
                format!("the identity {} cannot be tried", quoted(identity.name())),
            )
            .with_sql_state(code.as_deref())
            .with_source(why)
        })
    }

    /// Tries a statement, looks at what came of it if asked to, and undoes it, which gives back its locks.
    pub(super) async fn attempt(&self, sql: &str, look: Option<(Eyes, &str)>) -> Result<Attempt, Error> {
        const UNDO: &str = "ROLLBACK TO SAVEPOINT hexclave_try";
        let (tried, after, undone) = match look {
            None => {
                let (tried, undone) = tokio::join!(
                    biased;
                    self.transaction.simple_query(sql),
                    self.transaction.batch_execute(UNDO),
                );
                (tried, None, undone)
            }
            Some((eyes, look)) => {
                let look = format!("{}; {look}", self.eyes(eyes));
                let (tried, after, undone) = tokio::join!(
                    biased;
                    self.transaction.simple_query(sql),
                    self.transaction.simple_query(&look),
                    self.transaction.batch_execute(UNDO),
                );
                (tried, after.ok().map(done), undone)
            }
        };
        undone.map_err(lost)?;
        Ok(Attempt {
            result: tried.map(done).map_err(failure),
            after,
        })
    }

    /// Is the connection's own role again.
    pub(super) async fn leave(&self) -> Result<(), Error> {
        let sql = "ROLLBACK TO SAVEPOINT hexclave_cell; RELEASE SAVEPOINT hexclave_cell";
        self.transaction.batch_execute(sql).await.map_err(lost)
    }

    /// Undoes everything. Dropping does the same without waiting.
    pub(super) async fn end(self) -> Result<(), Error> {
        self.transaction.rollback().await.map_err(lost)
    }

    fn eyes(&self, eyes: Eyes) -> String {
        let row_security = match eyes {
            Eyes::AllOrNothing => "off",
            Eyes::UnderPolicies => "on",
        };
        format!(
            "SELECT pg_catalog.num_nulls(pg_catalog.set_config('role', {}, true), \
             pg_catalog.set_config('row_security', '{row_security}', true))",
            literal(&self.look_as)
        )
    }

    async fn must(&self, what: &str, sql: &str) -> Result<(), Error> {
        self.transaction
            .batch_execute(sql)
            .await
            .map_err(|error| broken(what, error))
    }
}

impl Done {
    pub(super) fn text(&self, row: usize, column: usize) -> Option<&str> {
        self.rows.get(row)?.get(column)?.as_deref()
    }
}

/// The rows of the last statement that gave any, and what the last command tag counts.
fn done(messages: Vec<SimpleQueryMessage>) -> Done {
    let mut answer = Done {
        rows: Vec::new(),
        touched: 0,
    };
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(_) => answer.rows.clear(),
            SimpleQueryMessage::Row(row) => answer.rows.push(
                (0..row.len())
                    .map(|column| row.get(column).map(str::to_owned))
                    .collect(),
            ),
            SimpleQueryMessage::CommandComplete(touched) => answer.touched = touched,
            _ => {}
        }
    }
    answer
}

fn failure(error: DriverError) -> Failure {
    let of = |text: fn(&DbError) -> Option<&str>| {
        let text = error.as_db_error().and_then(text);
        text.unwrap_or_default().to_owned()
    };
    Failure {
        sql_state: of(|error| Some(error.code().code())),
        message: of(|error| Some(error.message())),
        routine: of(DbError::routine),
    }
}

fn lost(error: DriverError) -> Error {
    broken(
        "the transaction in which everything is tried was lost; it is rolled back",
        error,
    )
}

fn broken(what: &str, error: DriverError) -> Error {
    let code = error.code().map(|code| code.code().to_owned());
    Error::new(ErrorKind::Database, what)
        .with_sql_state(code.as_deref())
        .with_source(error)
}
