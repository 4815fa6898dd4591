//! Who can see, add, change and delete which rows, found out by trying.
//!
//! Policies are read with difficulty and wrong policies fail silently. So each of four commands is tried as each of some
//! identities, on the rows that are there, and undone. What comes out is an [`AccessMatrix`]: a table for people, and a
//! document with which later ones are compared.
//!
//! ```no_run
//! # async fn run(client: &mut tokio_postgres::Client, claims_of_ada: hexclave_supabase::SupabaseClaims)
//! #     -> Result<(), Box<dyn std::error::Error>> {
//! use hexclave_supabase::inspect::matrix::{AccessMatrix, Command, Identity};
//!
//! let matrix = AccessMatrix::builder()
//!     .schema("public")
//!     .identity(Identity::signed_out())
//!     .identity(Identity::new("Ada", &claims_of_ada)?)
//!     .run(client)
//!     .await?;
//!
//! let cell = matrix.cell("public.data", "signed out", Command::Delete).ok_or("not tried")?;
//! println!("signed-out visitors may delete {} rows", cell.count());
//! std::fs::write("access.html", matrix.report().to_html())?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is tried
//! As the identity, with its role and claims set the way PostgREST sets them; each try in a savepoint that is rolled back
//! before the next, so that its locks are given back and no try sees another's work.
//!
//! - **SELECT**: how many rows it sees, and the keys of the first of them.
//! - **INSERT**: a copy of each row of the [sample](AccessMatrixBuilder::sample), its key included, into the columns that
//!   the role may fill. PostgreSQL asks policies before it looks into unique indexes, so a copy that is
//!   refused as a duplicate (23505, 23P01) is one that the policies let through. The cell therefore says: rows like
//!   these can be added.
//! - **UPDATE**: each row is written as it is, one of its columns with its own value, so that `USING` and `WITH CHECK` are
//!   asked about the same row. A policy that lets a row be changed into somebody else's is not found that way. That reads
//!   a column, so policies for `SELECT` count too, as they do for every request that has a condition. So it is tried a
//!   second time without reading: one value for all rows, in a column that no policy and no key looks at. Rows that are
//!   reached in that way alone are [unseen](Reach::unseen).
//! - **DELETE**: without a condition on columns, which policies for `SELECT` have no say in.
//!
//! `UPDATE` and `DELETE` are statements over all rows of a table; which rows they have reached is looked up right
//! afterwards by the role that looks. Where one row spoils the statement (a foreign key, `WITH CHECK`, a trigger), and in
//! tables that are [too large](AccessMatrixBuilder::largest_table), the rows of the sample are tried one by one,
//! found by their keys: then only rows are reached that are seen. The second `UPDATE` is left out where it fails.
//!
//! Where something cannot be tried, the cell says [why](Untried), and not that it is refused. A role without a right
//! to the command ([`Outcome::NoGrant`]) is told from policies that let no row through ([`Outcome::Rows`] with 0), and
//! both from everything else that fails ([`Outcome::Failed`]). Constraints that can be put off are checked at once, as
//! the end of a request would.
//!
//! Views, and tables without a key, have rows without names: the latter are numbered. Materialized views and foreign
//! tables are read only.
//!
//! # Who looks
//! The connection's own role has to be one that may become the identities' roles, as `postgres` and `authenticator` may on
//! Supabase, and reads what rows there are. It sees all of them if it is above Row Level Security, or owns the tables
//! and does not force policies on itself: `postgres` on Supabase does. Where it sees a part, the matrix
//! [says so](TableAccess::sees_all_rows). For another role to look, see
//! [`dangerously_look_as`](AccessMatrixBuilder::dangerously_look_as).
//!
//! To look at a view is to run its functions with the rights of the role that looks. So let that role be no stronger
//! than it has to be, and no superuser in a database whose objects others define.
//!
//! # A snapshot test
//! Take the database as the migrations leave it, put rows into it, and keep the matrix beside the migrations. Differences
//! are [wider](Change::Wider), narrower, or neither; a number of rows that nobody reaches is none.
//!
//! ```no_run
//! # async fn run(client: &mut tokio_postgres::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use hexclave_supabase::inspect::matrix::{AccessMatrix, Allowed, Identity};
//!
//! let matrix = AccessMatrix::builder()
//!     .schema("public")
//!     .identity(Identity::signed_out())
//!     .prepare("insert into notes (id, body) values (1, 'a'), (2, 'b')")
//!     .run(client)
//!     .await?;
//! if std::env::var_os("UPDATE_ACCESS").is_some() {
//!     std::fs::write("access.json", matrix.to_json())?;
//! }
//! let saved = AccessMatrix::from_json(&std::fs::read_to_string("access.json")?)?;
//! matrix.expect_unchanged(&saved, Allowed::Nothing)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it costs a database
//! One transaction with one snapshot, open until the last cell is done. Statements are bounded by a
//! [time limit](AccessMatrixBuilder::statement_timeout), and give up where somebody else holds a
//! [lock](AccessMatrixBuilder::lock_timeout). While a cell is tried, the rows that it writes are locked for others. Rolled
//! back rows are work for `VACUUM`. Use a copy of a database that is busy, or
//! [limits](AccessMatrixBuilder::largest_table) that suit it.
//!
//! # What is not undone
//! The transaction is never committed, and there is no way to have it committed. But PostgreSQL itself does not undo
//! everything:
//! - sequences go on: the defaults of columns that the role may not fill, and triggers, may have taken numbers;
//! - advisory locks of the session, should a trigger or a policy take them, are held until the connection ends;
//! - what a trigger, a policy or a view does outside the database stays: `dblink`, the extension `http`, a foreign
//!   server's functions, files. `NOTIFY`, `pg_net` and Supabase's database webhooks are undone, as they are sent after the
//!   commit. For tables with triggers of another kind there is
//!   [`leave_triggers_alone`](AccessMatrixBuilder::leave_triggers_alone).
//!
//! # What is in a matrix
//! Names of tables, columns and identities, roles, keys of rows and texts of errors: no claims, no other columns. Keys and
//! errors may hold what is personal where they are made of it; with a [sample](AccessMatrixBuilder::sample) of 0 no
//! keys are kept. Everything that comes from the database is escaped in each of the
//! [reports](Report).

mod access;
mod attempts;
mod builder;
mod catalogue;
mod cell;
mod difference;
mod html;
mod identity;
mod limits;
mod markdown;
mod meaning;
mod report;
mod rows;
mod saved;
mod session;
mod table_name;
#[cfg(feature = "terminal")]
mod text;
mod tries;

pub use access::{AccessMatrix, IdentityAccess, RowSecurity, TableAccess, TableKind};
pub use builder::{AccessMatrixBuilder, Progress};
pub use cell::{Cell, Command, Outcome, Reach, RowError, Untried};
pub use difference::{Allowed, Change, Difference};
pub use identity::Identity;
pub use report::Report;
pub use table_name::TableName;
