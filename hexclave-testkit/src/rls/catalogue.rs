//! What the database's catalogue says of the tables in a statement: Row Level Security, grants, policies.

use std::fmt;

use postgres::Client;
use serde::Deserialize;

use super::run::Failure;
use super::sql::{Command, Sql};

/// The relations that this transaction has locked, which are those of the statement that it has prepared and, behind
/// views, theirs. `$1` is the role.
const RELATIONS: &str = r"
    SELECT coalesce(json_agg(json_build_object(
        'name', format('%I.%I', n.nspname, c.relname),
        'is_table', c.relkind IN ('r', 'p'),
        'is_view', c.relkind = 'v',
        'is_invokers_view', c.relkind = 'v'
            AND coalesce(c.reloptions && ARRAY['security_invoker=true', 'security_invoker=on'], false),
        'has_rls', c.relrowsecurity,
        'owner', pg_get_userbyid(c.relowner),
        'schema_usage', has_schema_privilege($1, n.oid, 'USAGE'),
        'granted', ARRAY(
            SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) privilege
            WHERE has_table_privilege($1, c.oid, privilege)),
        'granted_on_columns', ARRAY(
            SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) privilege
            WHERE has_any_column_privilege($1, c.oid, privilege) AND NOT has_table_privilege($1, c.oid, privilege)),
        'policies', ARRAY(
            SELECT json_build_object(
                'name', quote_ident(p.polname),
                'is_permissive', p.polpermissive,
                'command', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                    WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                'roles', (SELECT string_agg(CASE role WHEN 0 THEN 'public' ELSE pg_get_userbyid(role) END, ', ')
                    FROM unnest(p.polroles) role),
                'applies', (SELECT bool_or(role = 0 OR pg_has_role($1, nullif(role, 0), 'USAGE'))
                    FROM unnest(p.polroles) role),
                'using', pg_get_expr(p.polqual, p.polrelid),
                'check', pg_get_expr(p.polwithcheck, p.polrelid))
            FROM pg_policy p WHERE p.polrelid = c.oid ORDER BY p.polname)
        ) ORDER BY n.nspname, c.relname), '[]')::text
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        AND c.oid IN (
            SELECT l.relation FROM pg_locks l
            WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation'
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))";

/// A table or view, seen with a role's eyes.
#[derive(Deserialize)]
pub(super) struct Relation {
    name: String,
    is_table: bool,
    is_view: bool,
    is_invokers_view: bool,
    has_rls: bool,
    owner: String,
    schema_usage: bool,
    granted: Vec<String>,
    granted_on_columns: Vec<String>,
    policies: Vec<Policy>,
}

#[derive(Deserialize)]
struct Policy {
    name: String,
    is_permissive: bool,
    command: String,
    roles: String,
    applies: bool,
    using: Option<String>,
    check: Option<String>,
}

/// The relations that a statement names, asked for as the owner.
///
/// # Errors
/// When the statement cannot be prepared.
pub(super) fn relations(client: &mut Client, sql: &Sql, role: &str) -> Result<Vec<Relation>, Failure> {
    let mut transaction = client.transaction()?;
    // It is not run.
    transaction.prepare(sql.text())?;
    let row = transaction.query_one(RELATIONS, &[&role])?;
    transaction.rollback()?;
    serde_json::from_str(row.try_get(0)?).map_err(|error| Failure::NotRun(error.to_string()))
}

impl Relation {
    /// What stands between this role and a command that was denied for want of a grant.
    pub(super) fn missing_grant(&self, role: &str, command: Command) -> Option<String> {
        if !self.schema_usage {
            let schema = self.name.split('.').next().unwrap_or_default();
            return Some(format!(
                "{role} lacks USAGE on the schema; if it shall have it: grant usage on schema {schema} to {role}"
            ));
        }
        let missing: Vec<_> = command
            .privileges()
            .iter()
            .filter(|privilege| !self.granted.iter().any(|granted| granted == *privilege))
            .copied()
            .collect();
        if missing.is_empty() {
            return None;
        }
        let missing = missing.join(", ");
        Some(format!(
            "{role} lacks {missing} on {}; if it shall have it: grant {} on {} to {role}",
            self.name,
            missing.to_lowercase(),
            self.name
        ))
    }

    /// Why a new row passes no policy.
    pub(super) fn why_refused(&self, role: &str, command: Command) -> Option<String> {
        if !self.has_rls {
            return None;
        }
        let checks: Vec<_> = self.applying(command).collect();
        Some(match checks.is_empty() {
            true => format!(
                "no permissive policy for {command} on {} applies to {role}, so every row is refused",
                self.name
            ),
            false => format!(
                "the row meets the conditions of none of these, or not those of a restrictive policy: {}",
                checks.join(", ")
            ),
        })
    }

    /// Why rows that are there were passed by.
    pub(super) fn why_filtered(&self, role: &str, command: Command) -> Option<String> {
        if !self.has_rls {
            return None;
        }
        let names = |command| self.applying(command).collect::<Vec<_>>().join(", ");
        if !command.privileges().is_empty() && names(command).is_empty() {
            return Some(format!(
                "Row Level Security is on for {}, and no permissive policy for {command} applies to {role}: \
                 every row is filtered",
                self.name
            ));
        }
        if command != Command::Select && names(Command::Select).is_empty() {
            return Some(format!(
                "no permissive policy for SELECT on {} applies to {role}: {command} finds no row without one",
                self.name
            ));
        }
        Some(format!(
            "no row of {} meets the conditions of {}",
            self.name,
            names(command)
        ))
    }

    /// Why nothing stood in the way.
    pub(super) fn why_allowed(&self, role: &str, command: Command) -> Option<String> {
        if self.is_view {
            return (!self.is_invokers_view).then(|| {
                format!(
                    "the view {} reads its tables as {}; with (security_invoker = true) it would as {role}",
                    self.name, self.owner
                )
            });
        }
        if !self.has_rls {
            return self.is_table.then(|| {
                format!(
                    "Row Level Security is off for {}, so a grant is for every row: \
                     alter table {} enable row level security",
                    self.name, self.name
                )
            });
        }
        let names: Vec<_> = self.applying(command).collect();
        (!names.is_empty()).then(|| format!("allowed by the policies of {}: {}", self.name, names.join(", ")))
    }

    /// The names of the permissive policies for a command that count for the role.
    fn applying(&self, command: Command) -> impl Iterator<Item = &str> {
        let privilege = command.privileges().first().copied();
        self.policies
            .iter()
            .filter(move |policy| {
                policy.applies
                    && policy.is_permissive
                    && (policy.command == "ALL" || privilege.is_none_or(|command| command == policy.command))
            })
            .map(|policy| policy.name.as_str())
    }

    /// Several lines for people.
    pub(super) fn describe(&self, f: &mut fmt::Formatter<'_>, role: &str) -> fmt::Result {
        write!(f, "\n  {}: ", self.name)?;
        match (self.is_view, self.has_rls) {
            (true, _) if self.is_invokers_view => write!(f, "a view with the rights of whoever asks")?,
            (true, _) => write!(f, "a view with the rights of its owner, {}", self.owner)?,
            (false, true) => f.write_str("Row Level Security is on")?,
            (false, false) => f.write_str("Row Level Security is OFF")?,
        }
        let mut granted = self.granted.clone();
        granted.extend(
            self.granted_on_columns
                .iter()
                .map(|privilege| format!("{privilege} on some columns")),
        );
        match granted.is_empty() {
            true => write!(f, "\n    no grants to {role}")?,
            false => write!(f, "\n    granted to {role}: {}", granted.join(", "))?,
        }
        if self.is_table && self.policies.is_empty() {
            f.write_str("\n    no policies")?;
        }
        for policy in &self.policies {
            write!(f, "\n    policy {policy}")?;
            if !policy.applies {
                write!(f, " (not for {role})")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.is_permissive {
            f.write_str(" as restrictive")?;
        }
        write!(f, " for {} to {}", self.command, self.roles)?;
        for (clause, condition) in [("using", &self.using), ("with check", &self.check)] {
            if let Some(condition) = condition {
                let condition = condition.split_whitespace().collect::<Vec<_>>().join(" ");
                match condition.starts_with('(') && condition.ends_with(')') {
                    true => write!(f, " {clause} {condition}")?,
                    false => write!(f, " {clause} ({condition})")?,
                }
            }
        }
        Ok(())
    }
}
