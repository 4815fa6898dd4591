//! For the blocking client of the crate `postgres`.

use std::fmt;

use ::postgres::{
    CancelToken, Client, CopyInWriter, CopyOutReader, Error as DriverError, Row, RowIter, SimpleQueryMessage,
    Statement, ToStatement,
    types::{BorrowToSql, ToSql, Type},
};

use super::{Request, refusal::of_postgres::not_begun};
use crate::Error;

/// Begins a transaction that sees and may do what Row Level Security lets these claims see and do. One round trip.
///
/// It rolls back unless it is committed, also when it is dropped half-way.
///
/// ```no_run
/// # fn run(client: &mut postgres::Client, user: &hexclave_core::User) -> Result<(), Box<dyn std::error::Error>> {
/// use hexclave_core::AcceptedKinds;
/// use hexclave_supabase::{SupabaseClaims, rls::postgres::begin_as};
///
/// let claims = SupabaseClaims::of(user, AcceptedKinds::default())?;
/// let mut transaction = begin_as(client, &claims)?;
/// let rows = transaction.query("select id, text from data order by id", &[])?;
/// transaction.commit()?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// - [`RoleNotAllowed`](crate::ErrorKind::RoleNotAllowed), [`BypassesRls`](crate::ErrorKind::BypassesRls),
///   [`InTransaction`](crate::ErrorKind::InTransaction): [what is refused](super#what-is-refused);
/// - [`Database`](crate::ErrorKind::Database) when the database refuses otherwise, or the connection is gone.
///
/// The connection is then in no transaction, unless it was before.
pub fn begin_as<'c, 'r>(
    client: &'c mut Client,
    who: impl Into<Request<'r>>,
) -> Result<Transaction<'c>, Error> {
    let begin = who.into().statement()?.begin();
    client.batch_execute(&begin).map_err(not_begun)?;
    Ok(Transaction { client, open: true })
}

/// A transaction as somebody. Dropping it rolls it back.
///
/// It runs what the [`Client`] runs, one method each. (`postgres::Transaction` cannot be made without one more round
/// trip, and the client itself would let a second transaction begin inside this one.)
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
    /// this rolls back and reports success, as `postgres::Transaction` does.
    pub fn commit(mut self) -> Result<(), DriverError> {
        self.open = false;
        self.client.batch_execute("COMMIT")
    }

    /// Undoes what was done. Dropping does the same and keeps a failure to itself.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn rollback(mut self) -> Result<(), DriverError> {
        self.open = false;
        self.client.batch_execute("ROLLBACK")
    }

    /// A handle with which another thread can cancel the statement that is running.
    #[must_use]
    pub fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open {
            let _ = self.client.batch_execute("ROLLBACK");
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

/// Methods that the client has too, under the same name and to the same effect.
macro_rules! as_the_client {
    ($($name:ident $([$($generics:tt)*])? ($($argument:ident: $type:ty),*) -> $returned:ty
        $(where { $($bounds:tt)* })?;)*) => {
        impl Transaction<'_> {
            $(
                #[doc = concat!("Like [`Client::", stringify!($name), "`], in the transaction.")]
                ///
                /// # Errors
                /// When the database refuses, or the connection is gone.
                pub fn $name $(<$($generics)*>)? (&mut self, $($argument: $type),*) -> Result<$returned, DriverError>
                $(where $($bounds)*)?
                {
                    self.client.$name($($argument),*)
                }
            )*
        }
    };
}

as_the_client! {
    batch_execute(query: &str) -> ();
    copy_in[T: ?Sized + ToStatement](query: &T) -> CopyInWriter<'_>;
    copy_out[T: ?Sized + ToStatement](query: &T) -> CopyOutReader<'_>;
    execute[T: ?Sized + ToStatement](query: &T, parameters: &[&(dyn ToSql + Sync)]) -> u64;
    execute_typed(query: &str, parameters: &[(&(dyn ToSql + Sync), Type)]) -> u64;
    prepare(query: &str) -> Statement;
    prepare_typed(query: &str, types: &[Type]) -> Statement;
    query[T: ?Sized + ToStatement](query: &T, parameters: &[&(dyn ToSql + Sync)]) -> Vec<Row>;
    query_one[T: ?Sized + ToStatement](query: &T, parameters: &[&(dyn ToSql + Sync)]) -> Row;
    query_opt[T: ?Sized + ToStatement](query: &T, parameters: &[&(dyn ToSql + Sync)]) -> Option<Row>;
    query_raw[T: ?Sized + ToStatement, P: BorrowToSql, I: IntoIterator<Item = P>](query: &T, parameters: I)
        -> RowIter<'_> where { I::IntoIter: ExactSizeIterator };
    query_typed(query: &str, parameters: &[(&(dyn ToSql + Sync), Type)]) -> Vec<Row>;
    query_typed_one(query: &str, parameters: &[(&(dyn ToSql + Sync), Type)]) -> Row;
    query_typed_opt(query: &str, parameters: &[(&(dyn ToSql + Sync), Type)]) -> Option<Row>;
    simple_query(query: &str) -> Vec<SimpleQueryMessage>;
}
