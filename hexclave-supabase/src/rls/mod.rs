//! Transactions in which Row Level Security applies to somebody, as PostgREST opens them.
//!
//! The role and the setting `request.jwt.claims`, which `auth.uid()` and `auth.jwt()` read, are set inside the
//! transaction and for it alone. However it ends, the connection is afterwards as it was before, so it can go back
//! to a pool. (After the first such transaction `request.jwt.claims` is an empty text there rather than unset:
//! Postgres keeps a setting that it has once seen. And a setting `hexclave.under_rls_…` says that a role was looked
//! at.)
//!
//! `begin_as` takes claims, or a [`Request`] that says more: read only, an isolation level, the HTTP request. Whatever
//! it says, that is one message to the database and one answer.
//!
//! | feature | module | client | `begin_as` gives | one statement in one round trip |
//! |---|---|---|---|---|
//! | `tokio-postgres` | [`tokio_postgres`] | `tokio_postgres::Client` | [a type of its own](tokio_postgres::Transaction) | `query_as`, `execute_as` |
//! | `deadpool-postgres` | [`deadpool_postgres`] | `deadpool_postgres::Client` | [a type of its own](deadpool_postgres::Transaction) | `query_as`, `execute_as` |
//! | `postgres` | [`postgres`] | `postgres::Client`, blocking | [a type of its own](postgres::Transaction) | |
//! | `sqlx` | [`sqlx`] | `sqlx::PgPool` | `sqlx::Transaction` | |
//!
//! The types are our own where the library's can only be had for one more round trip.
//!
//! # What is refused
//! - A role that is not `anon` or `authenticated`, unless [the application says so](Request::roles).
//! - A role above Row Level Security (a superuser, or one with `BYPASSRLS`), whoever allows it; looked up once per
//!   connection. A role that is raised above it later is noticed by new connections only. What the connection logged in as may be above it, since switching the role drops that. A table's
//!   owner is above the table's policies, so do not let these roles own tables.
//! - A connection that is in a transaction already. That transaction is left unusable, for its end to roll back.
//!
//! # What a statement in the transaction can do
//! SQL can leave its role: `RESET ROLE`, `SET ROLE` to whatever the role of the log-in may become, `set_config` with
//! other claims, `COMMIT` with something behind it. It can also leave a setting `hexclave.under_rls_…` behind, for a
//! connection to believe that a role has been looked up. PostgreSQL has no way to forbid that, so never run SQL text that
//! a user has written, and bind values as parameters. What such text could reach at most is what the log-in may do:
//! log in as a role that is `NOINHERIT`, owns nothing, and may become `anon` and `authenticated` alone. (Supabase's
//! `authenticator` may become `service_role` too; `postgres` is above Row Level Security.)

#[cfg(feature = "deadpool-postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "deadpool-postgres")))]
pub mod deadpool_postgres;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub mod postgres;
mod refusal;
mod request;
#[cfg(feature = "sqlx")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlx")))]
pub mod sqlx;
mod statement;
#[cfg(feature = "tokio-postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio-postgres")))]
pub mod tokio_postgres;

#[cfg(feature = "tokio-postgres")]
pub(crate) use refusal::{in_transaction, of_postgres::not_begun};
pub use request::{Isolation, Request};
#[cfg(feature = "tokio-postgres")]
pub(crate) use statement::literal;
