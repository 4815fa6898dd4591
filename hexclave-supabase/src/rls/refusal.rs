//! What the database's answer to the first message means.

use super::statement::{BYPASSES_RLS, IN_TRANSACTION};
use crate::{Error, ErrorKind};

/// A statement came into a transaction that had failed before.
const IN_FAILED_TRANSACTION: &str = "25P02";
/// Among other things: there is no such role.
const INVALID_PARAMETER_VALUE: &str = "22023";

/// The error for a transaction that did not begin; `code` and `message` are the database's, if it was the database.
pub(super) fn not_begun(
    code: Option<&str>,
    message: Option<&str>,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    let names =
        |marker| code == Some(INVALID_PARAMETER_VALUE) && message.is_some_and(|text| text.contains(marker));
    let error = if code == Some(IN_FAILED_TRANSACTION) || names(IN_TRANSACTION) {
        in_transaction()
    } else if names(BYPASSES_RLS) {
        Error::new(
            ErrorKind::BypassesRls,
            "the role of the claims is a superuser or has BYPASSRLS, so Row Level Security would not apply to it",
        )
    } else {
        Error::new(
            ErrorKind::Database,
            "the transaction could not begin as the user (may the connection's role switch to the role of the \
             claims, as `authenticator` may to `anon` and `authenticated`?)",
        )
    };
    error.with_sql_state(code).with_source(source)
}

pub(crate) fn in_transaction() -> Error {
    Error::new(
        ErrorKind::InTransaction,
        "the connection is in a transaction already; end it before one begins as a user",
    )
}

#[cfg(any(feature = "postgres", feature = "tokio-postgres"))]
pub(super) mod of_postgres {
    #[cfg(all(feature = "postgres", not(feature = "tokio-postgres")))]
    use ::postgres::Error as DriverError;
    #[cfg(feature = "tokio-postgres")]
    use ::tokio_postgres::Error as DriverError;

    use crate::Error;

    /// As [`super::not_begun`], for the two clients that share one type of error.
    pub(crate) fn not_begun(error: DriverError) -> Error {
        let code = error.code().map(|code| code.code().to_owned());
        let message = error.as_db_error().map(|error| error.message().to_owned());
        super::not_begun(code.as_deref(), message.as_deref(), error)
    }
}
