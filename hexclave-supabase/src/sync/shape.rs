//! Whether tables are as they are expected.

use std::collections::BTreeMap;

use ::tokio_postgres::{Client, Error as DriverError, types::Type};

use super::failed;
use crate::{Error, ErrorKind, identifier::quoted};

/// A table that is expected, or a sequence if it has no columns.
pub(super) struct Relation {
    pub(super) name: String,
    /// The column that tells rows apart.
    pub(super) key: &'static str,
    pub(super) columns: Vec<(&'static str, &'static str)>,
}

/// What the catalogue knows of the relations `$2` in the schema `$1`, a row for each column.
const CATALOGUE: &str = r"
SELECT c.relname::text, c.relkind = 'S',
    CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT') AND has_sequence_privilege(c.oid, 'UPDATE')
        ELSE has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
            AND has_table_privilege(c.oid, 'UPDATE')
            AND (c.relname NOT LIKE '%\_deliveries' OR has_table_privilege(c.oid, 'DELETE')) END,
    CASE c.relkind WHEN 'S' THEN false ELSE row_security_active(c.oid) END,
    a.attname::text, a.atttypid::regtype::text,
    a.attnotnull AND NOT a.atthasdef AND a.attidentity = '',
    EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
        AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum AND i.indpred IS NULL)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind IN ('r', 'p', 'S')";

#[derive(Default)]
struct Found {
    is_sequence: bool,
    may_be_used: bool,
    hides_rows: bool,
    columns: BTreeMap<String, Column>,
}

struct Column {
    column_type: String,
    has_to_be_given: bool,
    is_unique: bool,
}

pub(super) async fn check(client: &Client, schema: &str, expected: &[Relation]) -> Result<(), Error> {
    let found = look(client, schema, expected)
        .await
        .map_err(|error| failed("the database's catalogue could not be read", error))?;
    let mut faults = Vec::new();
    for relation in expected {
        let name = format!("{}.{}", quoted(schema), quoted(&relation.name));
        let faults_of_it = match found.get(&relation.name) {
            Some(found) => faults_of(relation, found),
            None => vec!["it is missing".to_owned()],
        };
        faults.extend(faults_of_it.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TableMismatch,
        format!(
            "the table of users is not as it has to be ({}); `UserTable::to_sql` has the SQL that makes it",
            faults.join("; ")
        ),
    ))
}

async fn look(
    client: &Client,
    schema: &str,
    expected: &[Relation],
) -> Result<BTreeMap<String, Found>, DriverError> {
    let names: Vec<&str> = expected.iter().map(|relation| relation.name.as_str()).collect();
    let mut relations: BTreeMap<String, Found> = BTreeMap::new();
    let rows = client
        .query_typed(CATALOGUE, &[(&schema, Type::TEXT), (&names, Type::TEXT_ARRAY)])
        .await?;
    for row in rows {
        let found = relations.entry(row.try_get(0)?).or_default();
        found.is_sequence = row.try_get(1)?;
        found.may_be_used = row.try_get(2)?;
        found.hides_rows = row.try_get(3)?;
        if let Some(column) = row.try_get(4)? {
            let about = Column {
                column_type: row.try_get(5)?,
                has_to_be_given: row.try_get(6)?,
                is_unique: row.try_get(7)?,
            };
            found.columns.insert(column, about);
        }
    }
    Ok(relations)
}

fn faults_of(relation: &Relation, found: &Found) -> Vec<String> {
    let is_sequence = relation.columns.is_empty();
    if found.is_sequence != is_sequence {
        let expected = if is_sequence { "sequence" } else { "table" };
        return vec![format!("it is no {expected}")];
    }
    let mut faults = Vec::new();
    if !found.may_be_used {
        faults.push("this connection's role may not read and write it".to_owned());
    }
    if found.hides_rows {
        faults.push(
            "Row Level Security holds for this connection's role, which has to own it or have BYPASSRLS"
                .to_owned(),
        );
    }
    if is_sequence {
        return faults;
    }
    for (name, column_type) in &relation.columns {
        let expected = long_name(column_type);
        match found.columns.get(*name) {
            None => faults.push(format!("it has no column {name} ({expected})")),
            Some(column) if column.column_type != expected => {
                let is = &column.column_type;
                faults.push(format!("its column {name} is {is} and not {expected}"));
            }
            Some(column) if *name == relation.key && !column.is_unique => {
                faults.push(format!("its column {name} is no primary key"));
            }
            Some(_) => {}
        }
    }
    let is_expected = |name: &str| relation.columns.iter().any(|(expected, _)| *expected == name);
    for (name, column) in &found.columns {
        if column.has_to_be_given && !is_expected(name) {
            faults.push(format!(
                "its column {} is NOT NULL and has no default, so that no row can be added",
                quoted(name)
            ));
        }
    }
    faults
}

/// How the catalogue calls a type.
fn long_name(column_type: &str) -> &str {
    match column_type {
        "timestamptz" => "timestamp with time zone",
        other => other,
    }
}
