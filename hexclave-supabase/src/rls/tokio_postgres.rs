//! For the asynchronous client of the crate `tokio-postgres`.

use std::{
    fmt,
    ops::Deref,
    pin::pin,
    task::{Context, Waker},
};

use ::tokio_postgres::{
    Client, Error as DriverError, Row,
    types::{ToSql, Type},
};

use super::{Request, refusal::of_postgres::not_begun};
use crate::{Error, ErrorKind};

/// Ends the connection if no transaction is open: `now()` is then the time of this very statement.
///
/// Whatever fails once `BEGIN` has been run spoils the transaction, and with it what was sent behind. A cancellation
/// meant for what the connection did before can strike earlier than that; the statement would then run as the role
/// of the log-in.
const NO_TRANSACTION_NO_CONNECTION: &str = "SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid()) \
     WHERE pg_catalog.now() = pg_catalog.statement_timestamp()";

/// Commits, unless a statement before it has failed: then `SELECT` fails too, and what is behind it is not run.
const COMMIT_IF_ALL_IS_WELL: &str = "SELECT; COMMIT";

/// Begins a transaction that sees and may do what Row Level Security lets these claims see and do. One round trip.
///
/// It rolls back unless it is committed, also when it or this very future is dropped half-way.
///
/// ```no_run
/// # async fn run(client: &mut tokio_postgres::Client, user: &hexclave_core::User)
/// #     -> Result<(), Box<dyn std::error::Error>> {
/// use hexclave_core::AcceptedKinds;
/// use hexclave_supabase::{SupabaseClaims, rls::tokio_postgres::begin_as};
///
/// let claims = SupabaseClaims::of(user, AcceptedKinds::default())?;
/// let transaction = begin_as(client, &claims).await?;
/// let rows = transaction.query("select id, text from data order by id", &[]).await?;
/// transaction.commit().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// - [`ErrorKind::RoleNotAllowed`], [`ErrorKind::BypassesRls`], [`ErrorKind::InTransaction`]: [what is
///   refused](super#what-is-refused);
/// - [`ErrorKind::Database`] when the database refuses otherwise, or the connection is gone.
///
/// The connection is then in no transaction, unless it was before.
pub async fn begin_as<'c, 'r>(
    client: &'c mut Client,
    who: impl Into<Request<'r>>,
) -> Result<Transaction<'c>, Error> {
    let begin = who.into().statement()?.begin();
    let mut transaction = Transaction { client, open: true };
    match transaction.client.batch_execute(&begin).await {
        Ok(()) => Ok(transaction),
        Err(error) => {
            transaction.open = false;
            Err(not_begun(error))
        }
    }
}

/// Runs one statement as somebody, in a transaction of its own, and gives the rows that it returns.
///
/// One round trip for all of it: the beginning, the statement and the commit are sent together. Where the database is a
/// network away, that takes about half the time of the statement in an ordinary transaction; on the same machine, where
/// round trips cost next to nothing, a little more than it. The parameters need their types, because asking the database
/// for them would be a second round trip.
///
/// ```no_run
/// # async fn run(client: &mut tokio_postgres::Client, claims: &hexclave_supabase::SupabaseClaims)
/// #     -> Result<(), Box<dyn std::error::Error>> {
/// use hexclave_supabase::rls::tokio_postgres::query_as;
/// use tokio_postgres::types::Type;
///
/// let rows = query_as(client, claims, "select text from data where id = $1", &[(&3_i64, Type::INT8)]).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of [`begin_as`], and [`ErrorKind::Statement`] when the statement fails or cannot be committed. In each case
/// nothing has been done. When the connection is lost on the way, the commit may have been.
pub async fn query_as<'r>(
    client: &mut Client,
    who: impl Into<Request<'r>>,
    statement: &str,
    parameters: &[(&(dyn ToSql + Sync), Type)],
) -> Result<Vec<Row>, Error> {
    let begin = who.into().statement()?.begin_for_what_follows();
    let transaction = Transaction { client, open: true };
    let sent = tokio::join!(
        biased;
        transaction.client.batch_execute(&begin),
        transaction.client.batch_execute(NO_TRANSACTION_NO_CONNECTION),
        transaction.client.query_typed(statement, parameters),
        transaction.client.batch_execute(COMMIT_IF_ALL_IS_WELL),
    );
    transaction.settle(sent)
}

/// Runs one statement as somebody, in a transaction of its own, and gives the number of rows that it touched.
///
/// As [`query_as`], for `INSERT`, `UPDATE` and `DELETE` without `RETURNING`. Row Level Security lets an `UPDATE` or
/// `DELETE` pass by the rows that it hides, so a refusal there is the number 0 and no error.
///
/// # Errors
/// As [`query_as`].
pub async fn execute_as<'r>(
    client: &mut Client,
    who: impl Into<Request<'r>>,
    statement: &str,
    parameters: &[(&(dyn ToSql + Sync), Type)],
) -> Result<u64, Error> {
    let begin = who.into().statement()?.begin_for_what_follows();
    let transaction = Transaction { client, open: true };
    let sent = tokio::join!(
        biased;
        transaction.client.batch_execute(&begin),
        transaction.client.batch_execute(NO_TRANSACTION_NO_CONNECTION),
        transaction.client.execute_typed(statement, parameters),
        transaction.client.batch_execute(COMMIT_IF_ALL_IS_WELL),
    );
    transaction.settle(sent)
}

/// A transaction as somebody. Dropping it rolls it back.
///
/// It gives the [`Client`] for everything that can be run in it; where a function wants a `GenericClient`, that is
/// `&*transaction`. (`tokio_postgres::Transaction` cannot be made without one more round trip.)
#[must_use = "it is rolled back where it is dropped"]
pub struct Transaction<'c> {
    client: &'c mut Client,
    open: bool,
}

impl Transaction<'_> {
    /// Keeps what was done.
    ///
    /// # Errors
    /// When the connection is gone, or a check that was put off until now fails. If an earlier statement had failed,
    /// this rolls back and reports success, as `tokio_postgres::Transaction` does.
    pub async fn commit(mut self) -> Result<(), DriverError> {
        self.end("COMMIT").await
    }

    /// Undoes what was done and waits until it is undone. Dropping does the same without waiting.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn rollback(mut self) -> Result<(), DriverError> {
        self.end("ROLLBACK").await
    }

    async fn end(&mut self, sql: &str) -> Result<(), DriverError> {
        let ended = self.client.batch_execute(sql);
        // What is behind it on this connection waits for it, whether or not this future is still there.
        self.open = false;
        ended.await
    }

    /// What the answers mean together.
    fn settle<T>(mut self, (begun, is_open, done, committed): Answers<T>) -> Result<T, Error> {
        if let Err(error) = begun.and(is_open) {
            let error = not_begun(error);
            // The transaction that was there is not ours to end.
            self.open = error.kind() != ErrorKind::InTransaction;
            return Err(error);
        }
        let done = done.map_err(|error| failed("the statement failed", error));
        match (done, committed) {
            (Ok(done), Ok(())) => {
                self.open = false;
                Ok(done)
            }
            (Ok(_), Err(error)) => Err(failed("what the statement did could not be committed", error)),
            // The statement never reached the database, and nothing was committed.
            (Err(error), Ok(())) => {
                self.open = false;
                Err(error)
            }
            (Err(error), Err(_)) => Err(error),
        }
    }
}

impl Deref for Transaction<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open {
            // tokio-postgres sends a request when its future is first polled, and answers need no reader.
            let rollback = pin!(self.client.batch_execute("ROLLBACK"));
            let _ = rollback.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

/// To the beginning, to the look whether a transaction is open, to the statement, and to the commit.
type Answers<T> = (
    Result<(), DriverError>,
    Result<(), DriverError>,
    Result<T, DriverError>,
    Result<(), DriverError>,
);

fn failed(what: &str, error: DriverError) -> Error {
    let code = error.code().map(|code| code.code().to_owned());
    Error::new(ErrorKind::Statement, what)
        .with_sql_state(code.as_deref())
        .with_source(error)
}
