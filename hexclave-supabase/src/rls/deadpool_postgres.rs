//! For connections of the pool `deadpool-postgres`.
//!
//! [`query_as`] and [`execute_as`] are those of [`tokio_postgres`] and take a pool's
//! `&mut client` as it is.
//!
//! Any `RecyclingMethod` will do: nothing is left on a connection that a pool would have to clean.

use std::{fmt, ops::Deref, sync::Arc};

use ::deadpool_postgres::{ClientWrapper, StatementCache};
use ::tokio_postgres::{Error as DriverError, Statement, types::Type};

pub use super::tokio_postgres::{execute_as, query_as};
use super::{Request, tokio_postgres};
use crate::Error;

/// Begins a transaction that sees and may do what Row Level Security lets these claims see and do. One round trip.
///
/// It rolls back unless it is committed, also when it or this very future is dropped half-way.
///
/// ```no_run
/// # async fn run(pool: &deadpool_postgres::Pool, user: &hexclave_core::User)
/// #     -> Result<(), Box<dyn std::error::Error>> {
/// use hexclave_core::AcceptedKinds;
/// use hexclave_supabase::{SupabaseClaims, rls::deadpool_postgres::begin_as};
///
/// let claims = SupabaseClaims::of(user, AcceptedKinds::default())?;
/// let mut client = pool.get().await?;
/// let transaction = begin_as(&mut client, &claims).await?;
/// let statement = transaction.prepare_cached("select id, text from data order by id").await?;
/// let rows = transaction.query(&statement, &[]).await?;
/// transaction.commit().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`tokio_postgres::begin_as`].
pub async fn begin_as<'c, 'r>(
    client: &'c mut ClientWrapper,
    who: impl Into<Request<'r>>,
) -> Result<Transaction<'c>, Error> {
    let statement_cache = Arc::clone(&client.statement_cache);
    Ok(Transaction {
        transaction: tokio_postgres::begin_as(client, who).await?,
        statement_cache,
    })
}

/// A transaction as somebody, with the connection's cache of prepared statements. Dropping it rolls it back.
///
/// Everything else is that of [`tokio_postgres::Transaction`].
#[must_use = "it is rolled back where it is dropped"]
pub struct Transaction<'c> {
    transaction: tokio_postgres::Transaction<'c>,
    statement_cache: Arc<StatementCache>,
}

impl Transaction<'_> {
    /// Prepares a statement, once per connection.
    ///
    /// # Errors
    /// When the database does not accept the statement.
    pub async fn prepare_cached(&self, query: &str) -> Result<Statement, DriverError> {
        self.statement_cache.prepare(&self.transaction, query).await
    }

    /// Prepares a statement with the types of its parameters, once per connection.
    ///
    /// # Errors
    /// When the database does not accept the statement.
    pub async fn prepare_typed_cached(&self, query: &str, types: &[Type]) -> Result<Statement, DriverError> {
        self.statement_cache
            .prepare_typed(&self.transaction, query, types)
            .await
    }

    /// Keeps what was done.
    ///
    /// # Errors
    /// As [`tokio_postgres::Transaction::commit`].
    pub async fn commit(self) -> Result<(), DriverError> {
        self.transaction.commit().await
    }

    /// Undoes what was done and waits until it is undone.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn rollback(self) -> Result<(), DriverError> {
        self.transaction.rollback().await
    }
}

impl<'c> Deref for Transaction<'c> {
    type Target = tokio_postgres::Transaction<'c>;

    fn deref(&self) -> &Self::Target {
        &self.transaction
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.transaction.fmt(f)
    }
}
