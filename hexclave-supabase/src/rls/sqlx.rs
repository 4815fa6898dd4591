//! For the pool of the crate `sqlx`.

use std::borrow::Cow;

use ::sqlx::{Error as DriverError, PgPool, Postgres, Transaction};
use tokio::runtime::Handle;

use super::{Request, refusal};
use crate::{Error, ErrorKind};

/// Begins a transaction that sees and may do what Row Level Security lets these claims see and do. One round trip
/// after the pool has given a connection.
///
/// It rolls back unless it is committed, also when it or this very future is dropped half-way. That is why this takes
/// a pool and no connection: where somebody stops waiting for a transaction to begin, sqlx (0.8) forgets the message
/// that it has sent, and gives the connection, with the transaction in it, to the next caller. Here a task of the
/// tokio runtime goes on waiting, and rolls back.
///
/// ```no_run
/// # async fn run(pool: &sqlx::PgPool, user: &hexclave_core::User) -> Result<(), Box<dyn std::error::Error>> {
/// use hexclave_core::AcceptedKinds;
/// use hexclave_supabase::{SupabaseClaims, rls::sqlx::begin_as};
///
/// let claims = SupabaseClaims::of(user, AcceptedKinds::default())?;
/// let mut transaction = begin_as(pool, &claims).await?;
/// let rows = sqlx::query("select id, text from data order by id").fetch_all(&mut *transaction).await?;
/// transaction.commit().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// - [`ErrorKind::RoleNotAllowed`], [`ErrorKind::BypassesRls`], [`ErrorKind::InTransaction`]: [what is
///   refused](super#what-is-refused);
/// - [`ErrorKind::Database`] when the database refuses otherwise, the pool has no connection to give, or no tokio
///   runtime is there.
pub async fn begin_as<'r>(
    pool: &PgPool,
    who: impl Into<Request<'r>>,
) -> Result<Transaction<'static, Postgres>, Error> {
    let begin = who.into().statement()?.begin();
    let runtime = Handle::try_current()
        .map_err(|error| database("a transaction as a user needs a tokio runtime around it", error))?;
    let pool = pool.clone();
    runtime
        .spawn(async move { pool.begin_with(Cow::Owned(begin)).await })
        .await
        .map_err(|error| database("the tokio runtime ended before the transaction began", error))?
        .map_err(not_begun)
}

fn not_begun(error: DriverError) -> Error {
    if matches!(error, DriverError::PoolTimedOut | DriverError::PoolClosed) {
        return database("the pool has no connection to give", error);
    }
    let (code, message) = match error.as_database_error() {
        Some(error) => (
            error.code().map(Cow::into_owned),
            Some(error.message().to_owned()),
        ),
        None => (None, None),
    };
    refusal::not_begun(code.as_deref(), message.as_deref(), error)
}

fn database(problem: &str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Database, problem).with_source(source)
}
