//! The access matrix: what is tried, and what is left of it.

mod cells;
mod identities;
mod pages;
mod snapshots;
mod undone;

use hexclave_supabase::{
    Role,
    inspect::matrix::{AccessMatrix, AccessMatrixBuilder, Command, Identity, TableName},
};
use hexclave_testkit::postgres::Database;
use serde_json::{Map, json};

pub(crate) const ADA: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
pub(crate) const GRACE: &str = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";

/// Somebody signed in by this id.
fn signed_in(name: &str, id: &str) -> Identity {
    let claims = Map::from_iter([
        ("sub".to_owned(), json!(id)),
        ("is_anonymous".to_owned(), json!(name == "guest")),
    ]);
    Identity::supposed(name, Role::Authenticated, claims).expect("an identity")
}

fn service_role() -> Identity {
    let role = Role::dangerously_privileged("service_role").expect("a role");
    Identity::dangerously_privileged(role)
}

fn name(text: &str) -> TableName {
    text.parse().expect("a name")
}

/// Everybody of these tests, on the tables of `public`.
fn everybody<'a>() -> AccessMatrixBuilder<'a> {
    AccessMatrix::builder()
        .schema("public")
        .identity(Identity::signed_out())
        .identity(signed_in("Ada", ADA))
        .identity(signed_in("Grace", GRACE))
}

/// What the owner of the database finds out.
async fn run(database: &Database, builder: AccessMatrixBuilder<'_>) -> AccessMatrix {
    let mut client = database.connect_as_owner().await.expect("a connection");
    builder.run(&mut client).await.expect("a matrix")
}

/// The line of an identity: one part for each command, as `select/insert/update/delete`.
///
/// The parts are keys; `no grant`; or what else it came to.
fn line(matrix: &AccessMatrix, table: &str, identity: &str) -> String {
    let parts = Command::ALL.map(|command| {
        let cell = matrix.cell(table, identity, command).expect("a cell");
        part(cell)
    });
    parts.join(" / ")
}

fn part(cell: &hexclave_supabase::inspect::matrix::Cell) -> String {
    use hexclave_supabase::inspect::matrix::Outcome;
    match cell.outcome() {
        Outcome::Rows(reach) => {
            let mut part = match reach.keys() {
                Some([]) => "none".to_owned(),
                Some(keys) => keys.join(","),
                None => format!("{} rows", reach.count()),
            };
            if reach.unseen() > 0 {
                part.push_str(&format!(" ({} unseen)", reach.unseen()));
            }
            for error in reach.errors() {
                part.push_str(&format!(" {}x{}", error.rows(), error.sql_state()));
            }
            part
        }
        Outcome::NoGrant => "no grant".to_owned(),
        Outcome::Failed { sql_state, .. } => sql_state.clone(),
        Outcome::TimedOut => "timed out".to_owned(),
        Outcome::Locked => "locked".to_owned(),
        Outcome::Untried(reason) => format!("{reason:?}"),
        other => format!("{other:?}"),
    }
}
