//! Policies for the common shapes of tables, as SQL for a migration.
//!
//! ```
//! use hexclave_supabase::policies::{Access, Column, Policies};
//!
//! # fn main() -> Result<(), hexclave_supabase::Error> {
//! let sql = Policies::on("public", "notes")
//!     .public_read()
//!     .owner_rows(Column::uuid("owner"), Access::ReadWrite)
//!     .refuse_anonymous()
//!     .to_sql()?;
//! assert!(sql.contains(r#"FOR UPDATE TO authenticated USING ("owner" = (SELECT auth.uid()))"#));
//! # Ok(())
//! # }
//! ```
//!
//! What comes out holds to what Supabase's advisor asks for, and to what it does not see:
//! - each policy says its command (without `FOR` it would be for all of them) and its roles, and there is one for each
//!   command and role: the shapes are joined with `OR`;
//! - `auth.uid()` and `auth.jwt()` stand in a `SELECT`, so that they are called once and not for each row;
//! - what is granted is what the policies are for. Everything else is withdrawn, `TRUNCATE` with it, which Row Level
//!   Security does not cover;
//! - the columns that policies compare have an index;
//! - an `UPDATE` cannot give a row away: what it makes of the row is checked as well.
//!
//! The role `service_role` may read and write everything. A table whose ids come from a sequence needs
//! `GRANT USAGE ON SEQUENCE` besides, and rows that users add need their owner: give the column
//! `DEFAULT auth.uid()`.

mod condition;

use std::fmt::Write as _;

pub use condition::{Column, Team};
use condition::{NOT_ANONYMOUS, SECOND_FACTOR};

#[cfg(doc)]
use crate::ErrorKind;
use crate::{
    Error,
    identifier::{check, quoted},
};

/// The table of Hexclave's guide "Supabase Setup" with policies that allow what the guide says and nothing else; its
/// comments say what the guide's own text allows.
pub const GUIDE: &str = include_str!("guide.sql");

/// What a shape lets its users do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// `SELECT`.
    Read,
    /// `SELECT`, `INSERT`, `UPDATE` and `DELETE`.
    ReadWrite,
}

/// The policies of one table.
///
/// Without any shape nobody but `service_role` has access.
#[derive(Clone, Debug)]
#[must_use]
pub struct Policies {
    schema: String,
    table: String,
    public_read: bool,
    /// A condition, the column it compares, and what it is for.
    rows: Vec<(String, String, Access)>,
    /// Conditions that every request of a user has to meet.
    demands: Vec<(&'static str, &'static str)>,
}

impl Policies {
    /// For a table that exists and has no policies yet.
    pub fn on(schema: impl Into<String>, table: impl Into<String>) -> Self {
        Self {
            schema: schema.into(),
            table: table.into(),
            public_read: false,
            rows: Vec::new(),
            demands: Vec::new(),
        }
    }

    /// Everybody reads all rows, signed in or not.
    pub fn public_read(mut self) -> Self {
        self.public_read = true;
        self
    }

    /// Users have access to the rows whose column holds their id.
    pub fn owner_rows(mut self, owner: Column, access: Access) -> Self {
        self.rows.push((condition::owner(&owner), owner.name, access));
        self
    }

    /// Users have access to the rows whose column holds the id of a team of theirs, as their token has it: who leaves
    /// a team keeps the access until the token expires.
    pub fn team_rows(mut self, team: Column, of: Team, access: Access) -> Self {
        self.rows.push((condition::team(&team, of), team.name, access));
        self
    }

    /// Users who are anonymous, or whose token does not say that they are not, are refused whatever else allows them.
    /// Where the table is for [everybody to read](Self::public_read), they see less than who is signed out.
    pub fn refuse_anonymous(self) -> Self {
        self.demand("not anonymous", NOT_ANONYMOUS)
    }

    /// Users who have not shown a second factor (`aal` is not `aal2`) are refused whatever else allows them.
    pub fn require_mfa(self) -> Self {
        self.demand("second factor", SECOND_FACTOR)
    }

    /// The SQL: statements to run once, as the table's owner.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a name that no table or column can have: empty, longer than 63 bytes, or with
    /// U+0000.
    pub fn to_sql(&self) -> Result<String, Error> {
        let columns = self.rows.iter().map(|(_, column, _)| ("column", column));
        for (what, name) in [("schema", &self.schema), ("table", &self.table)]
            .into_iter()
            .chain(columns)
        {
            check(what, name)?;
        }
        let table = format!("{}.{}", quoted(&self.schema), quoted(&self.table));
        let mut sql = format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;\n");
        self.grants(&mut sql, &table);
        self.indexes(&mut sql, &table);
        if self.public_read {
            policy(
                &mut sql,
                &table,
                "everybody reads",
                "FOR SELECT TO anon, authenticated USING (true)",
            );
        } else {
            self.policy(&mut sql, &table, "SELECT");
        }
        for command in ["INSERT", "UPDATE", "DELETE"] {
            self.policy(&mut sql, &table, command);
        }
        for (name, condition) in &self.demands {
            let rule = format!(
                "AS RESTRICTIVE FOR ALL TO authenticated USING ({condition}) WITH CHECK ({condition})"
            );
            policy(&mut sql, &table, name, &rule);
        }
        Ok(sql)
    }

    fn demand(mut self, name: &'static str, condition: &'static str) -> Self {
        if !self.demands.contains(&(name, condition)) {
            self.demands.push((name, condition));
        }
        self
    }

    fn grants(&self, sql: &mut String, table: &str) {
        if self.schema != "public" {
            let schema = quoted(&self.schema);
            line(
                sql,
                format_args!("GRANT USAGE ON SCHEMA {schema} TO anon, authenticated, service_role;"),
            );
        }
        line(
            sql,
            format_args!("REVOKE ALL ON TABLE {table} FROM PUBLIC, anon, authenticated;"),
        );
        if self.public_read {
            line(sql, format_args!("GRANT SELECT ON TABLE {table} TO anon;"));
        }
        let writes = self
            .rows
            .iter()
            .any(|(_, _, access)| *access == Access::ReadWrite);
        if self.public_read || !self.rows.is_empty() {
            let commands = if writes {
                "SELECT, INSERT, UPDATE, DELETE"
            } else {
                "SELECT"
            };
            line(
                sql,
                format_args!("GRANT {commands} ON TABLE {table} TO authenticated;"),
            );
        }
        line(
            sql,
            format_args!("GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE {table} TO service_role;"),
        );
    }

    fn indexes(&self, sql: &mut String, table: &str) {
        let mut indexed: Vec<&str> = Vec::new();
        for (_, column, _) in &self.rows {
            if !indexed.contains(&column.as_str()) {
                indexed.push(column);
                line(sql, format_args!("CREATE INDEX ON {table} ({});", quoted(column)));
            }
        }
    }

    /// The policy of signed-in users for one command, if any shape is for it.
    fn policy(&self, sql: &mut String, table: &str, command: &str) {
        let conditions: Vec<&str> = self
            .rows
            .iter()
            .filter(|(_, _, access)| command == "SELECT" || *access == Access::ReadWrite)
            .map(|(condition, _, _)| condition.as_str())
            .collect();
        if conditions.is_empty() {
            return;
        }
        let condition = conditions.join(" OR ");
        let rule = match command {
            "INSERT" => format!("WITH CHECK ({condition})"),
            "UPDATE" => format!("USING ({condition}) WITH CHECK ({condition})"),
            _ => format!("USING ({condition})"),
        };
        let name = format!("{} own rows", command.to_ascii_lowercase());
        policy(
            sql,
            table,
            &name,
            &format!("FOR {command} TO authenticated {rule}"),
        );
    }
}

fn policy(sql: &mut String, table: &str, name: &str, rule: &str) {
    line(
        sql,
        format_args!("CREATE POLICY {} ON {table} {rule};", quoted(name)),
    );
}

fn line(sql: &mut String, statement: std::fmt::Arguments<'_>) {
    // Writing to a text does not fail.
    let _ = writeln!(sql, "{statement}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_table_for_everybody_has_one_policy_and_no_more_grants_than_that() {
        let sql = Policies::on("public", "news")
            .public_read()
            .to_sql()
            .expect("SQL");
        assert_eq!(
            sql,
            r#"ALTER TABLE "public"."news" ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE "public"."news" FROM PUBLIC, anon, authenticated;
GRANT SELECT ON TABLE "public"."news" TO anon;
GRANT SELECT ON TABLE "public"."news" TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE "public"."news" TO service_role;
CREATE POLICY "everybody reads" ON "public"."news" FOR SELECT TO anon, authenticated USING (true);
"#
        );
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        let long = "ä".repeat(32);
        for name in ["", "a\0", &long] {
            let column = Column::uuid(name);
            for policies in [
                Policies::on(name, "t"),
                Policies::on("s", name),
                Policies::on("s", "t").owner_rows(column.clone(), Access::Read),
                Policies::on("s", "t").team_rows(column.clone(), Team::Any, Access::Read),
            ] {
                let error = policies.to_sql().expect_err(name);
                assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            }
        }
        assert!(Policies::on("s", "ä".repeat(31)).to_sql().is_ok());
    }
}
