//! Users of Hexclave in a table of the database, kept in step.
//!
//! Row Level Security says who asks; it does not bring users into the database. A [`UserMirror`] does, for policies,
//! queries and foreign keys: each of Hexclave's webhooks has one user read and written, and now and then a
//! [reconciliation](UserMirror::reconcile) goes through all of them.
//!
//! # The table
//! [`UserTable`] says how it looks. Put [its SQL](UserTable::to_sql) into a migration, or have it
//! [made](UserTable::create) at the start of the program; add columns, indexes and policies as you like, but no constraint
//! that Hexclave's users may break: two can have the same address. Nobody but the owner and `service_role` may read it
//! at first. For users to read their own row:
//!
//! ```sql
//! GRANT SELECT ON TABLE public.users TO authenticated;
//! CREATE POLICY "own row" ON public.users FOR SELECT TO authenticated USING (id = (SELECT auth.uid()));
//! ```
//!
//! The connection's role has to own the tables or have `BYPASSRLS`, as Supabase's `postgres` does. A pooler between it
//! and the database may be in transaction mode.
//!
//! - Users of every kind are there; `is_anonymous` and `is_restricted` tell them apart.
//! - **A deleted user's row stays**, with the id, `deleted_at` and nothing else that is personal, so that foreign keys
//!   hold and nothing brings the user back by mistake. Look for `deleted_at IS NULL`.
//! - A row is written only when something in it changes, so that triggers and Realtime do not fire without cause.
//! - PostgreSQL cannot store U+0000. In texts and metadata U+FFFD takes its place, so that nobody stops the sync with
//!   it.
//! - A table is for one project: the first that is written into it. Others are refused, whose reconciliation would
//!   mark every user as deleted.
//!
//! # Webhooks
//! Give every [`Delivery`](hexclave_core::webhooks::Delivery) to [`UserMirror::handle`]; there is no other way to get one
//! than [verification](hexclave_core::webhooks). Answer 2xx for `Ok`, and 503 for any error: Svix sends it again later.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use axum::{Router, extract::{FromRef, State}, http::StatusCode, routing::post};
//! use hexclave_core::{ProjectConfig, api, webhooks::{Delivery, Verifier}};
//! use hexclave_supabase::sync::{UserMirror, UserTable};
//! use tokio_postgres::{Client, NoTls};
//!
//! #[derive(Clone)]
//! struct App {
//!     webhooks: Verifier,
//!     users: UserMirror<api::Server>,
//!     database: Arc<Client>, // or a pool
//! }
//!
//! impl FromRef<App> for Verifier {
//!     fn from_ref(app: &App) -> Self {
//!         app.webhooks.clone()
//!     }
//! }
//!
//! async fn receive(State(app): State<App>, delivery: Delivery) -> StatusCode {
//!     match app.users.handle(&app.database, &delivery).await {
//!         Ok(_) => StatusCode::NO_CONTENT,
//!         Err(error) => {
//!             eprintln!("{}: {error}", delivery.id());
//!             StatusCode::SERVICE_UNAVAILABLE
//!         }
//!     }
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut database, connection) = tokio_postgres::connect("host=localhost user=postgres", NoTls).await?;
//! tokio::spawn(connection);
//! let table = UserTable::new("public", "users")?;
//! table.create(&mut database).await?;
//!
//! let app = App {
//!     webhooks: Verifier::from_env()?, // HEXCLAVE_WEBHOOK_SECRET
//!     users: UserMirror::new(table, api::Client::server(ProjectConfig::from_env()?)?),
//!     database: Arc::new(database),
//! };
//! let app: Router = Router::new().route("/webhooks", post(receive)).with_state(app);
//! # Ok(())
//! # }
//! ```
//!
//! A user who signs in for the first time may be faster than the webhook: [`UserMirror::refresh`] does not wait for it.
//!
//! # Why it converges
//! Deliveries come twice, late, in any order, or never, and several processes handle them.
//!
//! - **What a delivery says is a hint.** The user is read by the API, so it does not matter how old the delivery is.
//!   Only that a user was deleted is taken as said; ids are not used twice. A delivery's id is written down in the very
//!   statement that writes the user, and kept for a week.
//! - **An older reading never replaces a newer one.** A number is drawn from a sequence before each reading and one
//!   after it. A reading is written if it was begun after the one in the table had ended. If it was begun before that
//!   one *began*, that one is new enough. If they overlap, nobody can tell, and the user is read again. No lock is
//!   held while the API is asked.
//! - **A deletion stays.** What was read before it is older; and since a copy of Hexclave's own database may lag behind,
//!   no answer to a later delivery brings the user back either. A reconciliation does that, if the API lists the user:
//!   then the project was restored from a backup, say.
//! - **A reconciliation marks nobody as deleted for not being listed.** Lists shift while they are read. It asks for each
//!   such user, and the API has to say that there is none. Whoever was read since it began, by a webhook too, is not
//!   even asked for.
//!
//! What it rests on: the API says what is true at some time after it was asked. Where it lags behind, a row does, until the
//! next delivery or reconciliation.
//!
//! A database that was restored without the sequence would take every reading for an old one; a reconciliation sets it
//! right. An API whose list contradicts what it says of single users ends a reconciliation, and marks nobody.
//!
//! # How stale a row can be
//! A lost delivery, and what sends none (verifying an address by its link, a change of the project's settings that
//! restricts users), are made good by the next reconciliation. Run one when the table is new, and then each night, or
//! each hour. It asks for a hundred users at a time and writes rows that differ, and a small one for each that does not.
//! For decisions about who gets in, ask the token, not the table.

mod mirror;
mod reading;
mod reconciliation;
mod shape;
mod statements;
mod table;

use std::fmt;

use ::tokio_postgres::Error as DriverError;

pub use mirror::{Outcome, UserMirror};
pub use reconciliation::{Phase, Progress, Reconciliation};
pub use table::UserTable;

use crate::{Error, ErrorKind};

/// No such column, function, schema, key or table: PostgreSQL, appendix "Error Codes".
const NOT_THERE: [&str; 5] = ["42703", "42883", "3F000", "42P10", "42P01"];

/// The error for a statement that failed.
fn failed(what: &str, error: DriverError) -> Error {
    let code = error.code().map(|code| code.code().to_owned());
    let is_missing = code.as_deref().is_some_and(|code| NOT_THERE.contains(&code));
    let failure = match is_missing {
        true => Error::new(
            ErrorKind::TableMismatch,
            format!("{what}: a table or column is missing; `UserTable::to_sql` has the SQL that makes them"),
        ),
        false => Error::new(ErrorKind::Database, what),
    };
    let failure = failure.with_sql_state(code.as_deref());
    match error.as_db_error().filter(|error| error.detail().is_some()) {
        Some(error) => failure.with_source(Refusal(format!("{}: {}", error.severity(), error.message()))),
        None => failure.with_source(error),
    }
}

/// What the database said, without its `DETAIL`: for a row that breaks a constraint that is the row, with names and
/// addresses.
#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}
