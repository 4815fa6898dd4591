//! For the blocking client of the crate `postgres`.

use ::postgres::{Client, Transaction, types::Type};

use super::{SETTINGS, not_begun};
use crate::{Error, SupabaseClaims};

/// Begins a transaction that sees and may do what Row Level Security lets these claims see and do.
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
/// [`ErrorKind::Database`](crate::ErrorKind::Database) when the database refuses or the connection is gone. The
/// connection is then in no transaction.
pub fn begin_as<'a>(client: &'a mut Client, claims: &SupabaseClaims) -> Result<Transaction<'a>, Error> {
    let mut transaction = client.transaction().map_err(not_begun)?;
    transaction
        .query_typed(
            SETTINGS,
            &[
                (&claims.role().as_str(), Type::TEXT),
                (&claims.to_json(), Type::TEXT),
            ],
        )
        .map_err(not_begun)?;
    Ok(transaction)
}
