//! Databases, claims, and how a connection looks that nobody is on.

use hexclave_core::{AcceptedKinds, User};
use hexclave_supabase::SupabaseClaims;
use hexclave_testkit::postgres::{Database, Postgres};

/// The role in force and the claims, in one text. After the first transaction the claims are an empty text, before
/// it they are unset; to `auth.uid()` that is the same.
pub(crate) const STATE: &str = "select concat_ws('/', session_user, current_user, current_setting('role'),
    nullif(current_setting('request.jwt.claims', true), ''))";
pub(crate) const AT_REST: &str = "authenticator/authenticator/none";

/// Rows that everybody may add in their own name and read if they are their own.
pub(crate) const NOTES: &str = "
    create table notes (id bigserial primary key, owner uuid not null default auth.uid(), body text not null);
    alter table notes enable row level security;
    create policy own_read on notes for select to authenticated using (owner = (select auth.uid()));
    create policy own_add on notes for insert to authenticated with check (owner = (select auth.uid()));
    grant select, insert on notes to authenticated;
    grant select on notes to anon;
    grant usage on sequence notes_id_seq to authenticated;";

pub(crate) fn claims(user: &User) -> SupabaseClaims {
    SupabaseClaims::of(user, AcceptedKinds::ALL).expect("claims")
}

pub(crate) fn database(sql: &str) -> Database {
    let database = Postgres::shared().and_then(|postgres| postgres.database());
    let database = database.expect("a database");
    database.execute(sql).expect("a schema");
    database
}

/// A role of this database's own, as roles belong to the server; gone with this value.
pub(crate) struct OwnRole<'d> {
    database: &'d Database,
    pub(crate) name: String,
}

impl<'d> OwnRole<'d> {
    pub(crate) fn new(database: &'d Database, name: &str, options: &str) -> Self {
        let name = format!("{}_{name}", database.name());
        database
            .execute(&format!("create role {name} {options}"))
            .expect("a role");
        Self { database, name }
    }
}

impl Drop for OwnRole<'_> {
    fn drop(&mut self) {
        let name = &self.name;
        let _ = self
            .database
            .execute(&format!("drop owned by {name}; drop role {name}"));
    }
}
