//! What the catalogue says about the tables: what they are, their columns, and what is granted on them.

use super::{
    Command, RowSecurity, TableKind, TableName,
    session::{Done, Eyes, Session},
};
use crate::{Error, ErrorKind, error::quoted, rls::literal};

pub(super) struct Relation {
    oid: String,
    /// As SQL writes it.
    pub(super) name: String,
    pub(super) kind: TableKind,
    pub(super) row_security: RowSecurity,
    pub(super) has_triggers: bool,
    /// It is a foreign table, has one for a partition, or is a view of one.
    pub(super) is_foreign: bool,
    pub(super) columns: Vec<Column>,
    /// The primary key's columns in its order; where there is none, those of the narrowest other key.
    pub(super) key: Vec<String>,
}

pub(super) struct Column {
    pub(super) name: String,
    /// Neither generated nor, in a view, an expression.
    pub(super) takes_values: bool,
    /// An identity that an `UPDATE` may not set.
    pub(super) is_fixed: bool,
    /// A key, a unique index or a policy looks at it.
    pub(super) is_looked_at: bool,
}

/// What one role may do with one table by its grants.
pub(super) struct Grants {
    tables: [bool; 4],
    columns: [Vec<String>; 4],
    any: [bool; 4],
}

/// What can be tried, by name.
pub(super) async fn relations(
    session: &Session<'_>,
    schemas: &[String],
    tables: &[TableName],
) -> Result<Vec<Relation>, Error> {
    let in_schemas: Vec<String> = schemas.iter().map(|schema| literal(schema)).collect();
    let names: Vec<String> = tables
        .iter()
        .map(|name| format!("({}, {})", literal(name.schema()), literal(name.table())))
        .collect();
    let mut wanted = Vec::new();
    if !in_schemas.is_empty() {
        wanted.push(format!(
            "n.nspname IN ({}) AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d \
             WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')",
            in_schemas.join(", ")
        ));
    }
    if !names.is_empty() {
        wanted.push(format!("(n.nspname, c.relname) IN ({})", names.join(", ")));
    }
    let sql = format!(
        "SELECT c.oid, n.nspname, c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relkind, \
         CASE WHEN c.relkind NOT IN ('r', 'p') THEN 'none' WHEN NOT c.relrowsecurity THEN 'off' \
              WHEN c.relforcerowsecurity THEN 'forced' ELSE 'on' END \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ({}) \
         ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"",
        wanted.join(" OR ")
    );
    let found = session.catalogue(&sql).await?;
    let missing = tables.iter().find(|name| {
        let is_it = |row: &Vec<Option<String>>| text(row, 1) == name.schema() && text(row, 2) == name.table();
        !found.rows.iter().any(is_it)
    });
    if let Some(missing) = missing {
        return Err(Error::new(
            ErrorKind::InvalidConfig,
            format!("there is no table or view {missing} in this database"),
        ));
    }
    no_schema_is_missing(session, schemas).await?;
    let mut relations = Vec::with_capacity(found.rows.len());
    for row in &found.rows {
        relations.push(relation(session, row).await?);
    }
    Ok(relations)
}

async fn no_schema_is_missing(session: &Session<'_>, schemas: &[String]) -> Result<(), Error> {
    for schema in schemas {
        let sql = format!(
            "SELECT FROM pg_catalog.pg_namespace WHERE nspname = {}",
            literal(schema)
        );
        if session.catalogue(&sql).await?.rows.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                format!("there is no schema {} in this database", quoted(schema)),
            ));
        }
    }
    Ok(())
}

async fn relation(session: &Session<'_>, row: &[Option<String>]) -> Result<Relation, Error> {
    let oid = text(row, 0).to_owned();
    let key = session.catalogue(&key_sql(&oid)).await?;
    let about = session.catalogue(&about_sql(&oid)).await?;
    let is_foreign = about.text(0, 1) == Some("t");
    let columns = columns(session, &oid, text(row, 4) == "v" && !is_foreign).await?;
    Ok(Relation {
        name: text(row, 3).to_owned(),
        kind: match text(row, 4) {
            "r" => TableKind::Table,
            "p" => TableKind::PartitionedTable,
            "v" => TableKind::View,
            "m" => TableKind::MaterializedView,
            _ => TableKind::ForeignTable,
        },
        row_security: match text(row, 5) {
            "none" => RowSecurity::None,
            "off" => RowSecurity::Off,
            "forced" => RowSecurity::Forced,
            _ => RowSecurity::On,
        },
        has_triggers: about.text(0, 0) == Some("t"),
        is_foreign,
        columns: columns
            .rows
            .iter()
            .map(|row| Column {
                name: text(row, 0).to_owned(),
                takes_values: text(row, 1) == "t",
                is_fixed: text(row, 2) == "t",
                is_looked_at: text(row, 3) == "t",
            })
            .collect(),
        key: names(&key),
        oid,
    })
}

/// The columns. Which of them a view lets through, the database says only after it has locked what the view reads; where
/// that is not to be had, they all count as such.
async fn columns(session: &Session<'_>, oid: &str, is_view: bool) -> Result<Done, Error> {
    if is_view {
        let sql = columns_sql(
            oid,
            "pg_catalog.pg_column_is_updatable(a.attrelid, a.attnum, true)",
        );
        if let Ok(columns) = session.look(Eyes::UnderPolicies, &sql).await? {
            return Ok(columns);
        }
    }
    session.catalogue(&columns_sql(oid, "true")).await
}

fn columns_sql(oid: &str, is_updatable: &str) -> String {
    format!(
        "SELECT a.attname, a.attgenerated = '' AND {is_updatable}, \
         a.attidentity = 'a', \
         EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique \
                 AND (a.attnum = ANY (i.indkey) OR i.indexprs IS NOT NULL)) \
         OR EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_policy'::regclass \
                 AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum) \
         FROM pg_catalog.pg_attribute a WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped \
         ORDER BY a.attnum"
    )
}

fn key_sql(oid: &str) -> String {
    format!(
        "SELECT a.attname FROM (SELECT i.indkey, i.indnkeyatts FROM pg_catalog.pg_index i WHERE i.indrelid = {oid} \
             AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL \
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute n WHERE n.attrelid = {oid} \
                 AND n.attnum = ANY (i.indkey) AND NOT n.attnotnull) \
             ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1) k, \
         pg_catalog.unnest(k.indkey::int2[]) WITH ORDINALITY u (attnum, place) \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = {oid} AND a.attnum = u.attnum \
         WHERE u.place <= k.indnkeyatts ORDER BY u.place"
    )
}

/// Whether it has triggers, its partitions' included, and whether it leads to another server.
fn about_sql(oid: &str) -> String {
    format!(
        "WITH RECURSIVE parts (oid) AS (SELECT {oid}::oid UNION \
             SELECT i.inhrelid FROM parts JOIN pg_catalog.pg_inherits i ON i.inhparent = parts.oid), \
         reached (oid) AS (SELECT {oid}::oid UNION SELECT further.oid FROM reached, LATERAL ( \
             SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = reached.oid UNION ALL \
             SELECT d.refobjid FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_depend d \
                 ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid \
                 AND d.refclassid = 'pg_catalog.pg_class'::regclass WHERE w.ev_class = reached.oid) further (oid)) \
         SELECT EXISTS (SELECT FROM parts JOIN pg_catalog.pg_trigger t ON t.tgrelid = parts.oid \
                 WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'), \
             EXISTS (SELECT FROM reached JOIN pg_catalog.pg_class c ON c.oid = reached.oid WHERE c.relkind = 'f')"
    )
}

/// What is granted to a role, with what it has through others.
pub(super) async fn grants(session: &Session<'_>, relation: &Relation, role: &str) -> Result<Grants, Error> {
    let (oid, role) = (&relation.oid, literal(role));
    let of_table = Command::ALL
        .map(|command| format!("pg_catalog.has_table_privilege(r.oid, c.oid, '{command}') AND s.usage"));
    let of_columns = Command::ALL.map(|command| match command {
        // Columns cannot be granted for it.
        Command::Delete => "false".to_owned(),
        _ => format!("pg_catalog.has_column_privilege(r.oid, c.oid, a.attnum, '{command}') AND s.usage"),
    });
    let sql = format!(
        "SELECT a.attname, {}, {} FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_roles r ON r.rolname = {role} \
         CROSS JOIN LATERAL (SELECT pg_catalog.has_schema_privilege(r.oid, c.relnamespace, 'USAGE') AS usage) s \
         LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         WHERE c.oid = {oid} ORDER BY a.attnum",
        of_table.join(", "),
        of_columns.join(", ")
    );
    let found = session.catalogue(&sql).await?;
    let tables = [1, 2, 3, 4].map(|column| found.text(0, column) == Some("t"));
    let columns = [5, 6, 7, 8].map(|column| {
        let granted = found.rows.iter().filter(|row| text(row, column) == "t");
        granted
            .filter(|row| row.first().is_some_and(Option::is_some))
            .map(|row| text(row, 0).to_owned())
            .collect::<Vec<_>>()
    });
    let any = [0, 1, 2, 3].map(|index| {
        tables.get(index).copied().unwrap_or_default()
            || columns.get(index).is_some_and(|columns| !columns.is_empty())
    });
    Ok(Grants { tables, columns, any })
}

impl Grants {
    /// The whole table, or a column at least.
    pub(super) fn any(&self, command: Command) -> bool {
        self.any.get(command as usize).copied().unwrap_or_default()
    }

    pub(super) fn table(&self, command: Command) -> bool {
        self.tables.get(command as usize).copied().unwrap_or_default()
    }

    pub(super) fn columns(&self, command: Command) -> &[String] {
        self.columns.get(command as usize).map_or(&[], Vec::as_slice)
    }

    pub(super) fn column(&self, command: Command, name: &str) -> bool {
        self.columns(command).iter().any(|column| column == name)
    }

    /// The columns, where it is only some.
    pub(super) fn limited_to(&self, command: Command) -> Option<Vec<String>> {
        let is_limited = !self.table(command) && self.any(command);
        is_limited.then(|| self.columns(command).to_vec())
    }
}

fn names(found: &Done) -> Vec<String> {
    found.rows.iter().map(|row| text(row, 0).to_owned()).collect()
}

fn text(row: &[Option<String>], column: usize) -> &str {
    row.get(column).and_then(Option::as_deref).unwrap_or_default()
}
