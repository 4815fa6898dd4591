//! Transactions in which Row Level Security applies to somebody, as PostgREST opens them.
//!
//! The role and the setting `request.jwt.claims`, which `auth.uid()` and `auth.jwt()` read, are set inside the
//! transaction and for it alone. However it ends, the connection is afterwards as it was before, so it can go back
//! to a pool. (After the first such transaction `request.jwt.claims` is an empty text there rather than unset:
//! Postgres keeps a setting that it has once seen.)
//!
//! Connect as a role that may switch to `anon` and `authenticated` and is neither a superuser nor has `BYPASSRLS`;
//! in Supabase that is `authenticator`. What the transaction runs is trusted to stay in its role: SQL can say
//! `RESET ROLE` and set the claims anew, so never run SQL text that a user has written.
//!
//! | feature | module | client |
//! |---|---|---|
//! | `tokio-postgres` | [`tokio_postgres`] | `tokio_postgres::Client` |
//! | `postgres` | [`postgres`] | `postgres::Client`, blocking |

#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub mod postgres;
#[cfg(feature = "tokio-postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio-postgres")))]
pub mod tokio_postgres;

use crate::{Error, ErrorKind};

/// `SET LOCAL ROLE` takes no parameter; `set_config` with `true` does the same and does.
const SETTINGS: &str = "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)";

fn not_begun(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(
        ErrorKind::Database,
        "the transaction could not begin as the user (may the connection's role switch to `anon` and \
         `authenticated`, as `authenticator` may?)",
    )
    .with_source(error)
}
