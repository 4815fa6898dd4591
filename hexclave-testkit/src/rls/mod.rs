//! Tests of Row Level Security, in plain functions: who sees which rows, who is denied, whose statements are filtered.
//!
//! ```no_run
//! use hexclave_testkit::rls::{DeniedBy, Sql, TestDatabase, TestUser};
//!
//! // #[test]
//! fn notes_belong_to_their_owners() -> Result<(), Box<dyn std::error::Error>> {
//!     let db = TestDatabase::from_folder("supabase/migrations")?;
//!     let (ada, bob) = (TestUser::new("ada@example.com"), TestUser::new("bob@example.com"));
//!     let note = Sql::new("insert into notes (id, owner, body) values (1, $1, 'Hers')").bind(ada.id());
//!     db.as_owner().execute(&note);
//!
//!     db.as_user(&ada).assert_visible("select id, body from notes", [(1, "Hers")]);
//!     db.as_user(&ada).assert_allowed("update notes set body = 'Changed' where id = 1");
//!     db.as_user(&bob).assert_filtered("select id from notes");
//!     db.as_user(&bob).assert_filtered("update notes set body = 'Bob was here' where id = 1");
//!     assert_eq!(db.as_user(&bob).assert_denied(&note), DeniedBy::Policy);
//!     db.as_anon().assert_denied("select from notes");
//!     Ok(())
//! }
//! # notes_belong_to_their_owners().unwrap();
//! ```
//!
//! No attribute, no macro, and no `await` that could be forgotten: each call blocks for a millisecond or so, in ordinary
//! tests and in those of an async runtime. A [`TestDatabase`] belongs to one test. It is a copy of a template in which
//! the migrations have been run once, so tests run in parallel and cost the same however long the migrations are.
//!
//! # Denied and filtered
//! Row Level Security has two ways to say no, and mixing them up is how tests of it go wrong.
//!
//! | what somebody tries | what it does | assertion |
//! |---|---|---|
//! | a command, or a column, that was not granted to the role | error 42501 | [`assert_denied`](Actor::assert_denied), [`DeniedBy::Grant`] |
//! | `INSERT` of a row, or `UPDATE` to one, that passes no `WITH CHECK` | error 42501 | [`assert_denied`](Actor::assert_denied), [`DeniedBy::Policy`] |
//! | `SELECT`, `UPDATE`, `DELETE` of rows that pass no `USING` | no error, no row | [`assert_filtered`](Actor::assert_filtered) |
//!
//! Tests that pass for the wrong reason are the usual trouble, so
//! - any other error, as of a misspelt name or a broken constraint, fails every assertion;
//! - [`assert_filtered`](Actor::assert_filtered) runs the statement once more above Row Level Security, with the same
//!   claims, and fails if it has no row there either;
//! - nothing is run as a superuser but what is run [as the owner](TestDatabase::as_owner): people come through
//!   `authenticator`, as through Supabase's API, and in the very [transaction](hexclave_supabase::rls) that an
//!   application opens for them;
//! - claims are those of the application's own [policy](TestDatabase::claims_policy), not of whatever a test makes up.
//!
//! # Who asks
//! | | role | claims |
//! |---|---|---|
//! | [`as_user`](TestDatabase::as_user) | `authenticated`, or the user's | those of a [`TestUser`], of a proven `User` (as the [local Hexclave](crate::hexclave::LocalHexclave::user) gives), or the `SupabaseClaims` that the application's own code has made |
//! | [`as_token_of`](TestDatabase::as_token_of) | `authenticated` | Hexclave's own, for third-party authentication |
//! | [`as_anon`](TestDatabase::as_anon) | `anon` | `role` alone |
//! | [`as_service_role`](TestDatabase::as_service_role) | `service_role`, above Row Level Security | `role` alone |
//! | [`as_owner`](TestDatabase::as_owner) | the owner of the tables | none |
//!
//! # What stays
//! Each statement is a transaction. What is asserted is rolled back, so that the order of assertions does not matter;
//! what is [executed](Actor::execute) or [queried](Actor::query) stays, until the test ends and the database with it.
//!
//! # When a test fails
//! It fails at its own line and says who tried what, what happened, and what the database's catalogue knows of it:
//!
//! ```text
//! ada@example.com should be allowed to do this, with at least one row
//!   statement: delete from notes where id = 1
//!   happened: no error, 0 row(s)
//!   role: authenticated
//!   claims: {"sub":"3f0e…","role":"authenticated","aud":"authenticated","is_anonymous":false}
//!   public.notes: Row Level Security is on
//!     granted to authenticated: SELECT, INSERT, UPDATE, DELETE
//!     policy own_read for SELECT to authenticated using (owner = ( SELECT auth.uid() AS uid))
//!   hint: Row Level Security is on for public.notes, and no permissive policy for DELETE applies to authenticated: every row is filtered
//! ```
//!
//! # Speed
//! The first test of a process starts a server, if none is given, and makes the template. What each further test pays is a
//! copy, its connections, its statements, and to drop the copy. Copying makes some three hundred files, so what counts is
//! where they are: with `TMPDIR=/dev/shm`, or another folder in memory, the server's are there.
//!
//! `cargo run --example rls_tests` measures it where you are. Measured with PostgreSQL 15, two idle cores and a debug build,
//! medians of 30 rounds: with the folder in memory 21 ms for a database alone and 74 to 93 ms for whole tests of ten
//! statements (18 and 62 to 80 ms at best); on a disk 68 ms and 145 to 158 ms.

use std::fmt;

mod actor;
mod answer;
mod catalogue;
mod database;
mod report;
mod run;
mod sql;
mod user;

pub use actor::Actor;
pub use database::TestDatabase;
pub use run::DeniedBy;
pub use sql::Sql;
pub use user::{Identity, TestUser};

/// Fails the test at the line of the caller.
#[track_caller]
#[expect(clippy::panic, reason = "this is how a test fails")]
fn fail(why: &(impl fmt::Display + ?Sized)) -> ! {
    panic!("{why}")
}
