//! Which rows there are, as the role sees them that looks at all.

use std::collections::HashSet;

use super::{
    access::TableKind,
    catalogue::Relation,
    limits::Limits,
    session::{Done, Eyes, Failure, Session},
};
use crate::{Error, identifier::quoted, rls::literal};

pub(super) struct KnownRows {
    /// In the order of their keys; all of them where `whole`.
    pub(super) rows: Vec<KnownRow>,
    pub(super) total: Option<u64>,
    pub(super) whole: bool,
    pub(super) eyes: Eyes,
    pub(super) failure: Option<Failure>,
}

pub(super) struct KnownRow {
    /// Partition and place in it: until the row is written, no other has it.
    pub(super) place: String,
    pub(super) label: String,
    /// The row as a literal of its type, for those of the sample.
    pub(super) value: String,
}

impl Relation {
    /// Whether its rows have places of their own.
    pub(super) fn has_places(&self) -> bool {
        matches!(self.kind, TableKind::Table | TableKind::PartitionedTable)
    }

    /// The key of the row `r` as one text.
    pub(super) fn label(&self) -> String {
        let columns: Vec<String> = self
            .key
            .iter()
            .map(|name| format!("r.{}", quoted(name)))
            .collect();
        match columns.as_slice() {
            [column] => format!("{column}::pg_catalog.text"),
            columns => format!(
                "pg_catalog.concat('(', pg_catalog.concat_ws(', ', {}), ')')",
                columns.join(", ")
            ),
        }
    }

    /// The order of the rows `r`: that of the key, or of their texts where there is none.
    pub(super) fn order(&self) -> String {
        match self.key.as_slice() {
            [] if self.has_places() => format!("{TEXT} COLLATE pg_catalog.\"C\", r.tableoid, r.ctid"),
            [] => format!("{TEXT} COLLATE pg_catalog.\"C\""),
            key => {
                let columns: Vec<String> = key.iter().map(|name| format!("r.{}", quoted(name))).collect();
                columns.join(", ")
            }
        }
    }

    /// A query for the places of all its rows.
    pub(super) fn places(&self) -> String {
        format!("SELECT {PLACE} FROM {} AS r", self.name)
    }
}

const TIMED_OUT: &str = "57014";

pub(super) const PLACE: &str = "pg_catalog.concat(r.tableoid, r.ctid)";

/// The row as a text that its type reads back, whatever its columns are called.
const TEXT: &str = "((r.*)::pg_catalog.text)";

/// Looks at the rows of a table; with eyes under policies where all rows are not to be had.
pub(super) async fn look(
    session: &Session<'_>,
    relation: &Relation,
    limits: Limits,
) -> Result<KnownRows, Error> {
    let all = rows(session, relation, limits, Eyes::AllOrNothing).await?;
    match &all.failure {
        Some(failure) if failure.routine == "check_enable_rls" => {
            rows(session, relation, limits, Eyes::UnderPolicies).await
        }
        _ => Ok(all),
    }
}

async fn rows(
    session: &Session<'_>,
    relation: &Relation,
    limits: Limits,
    eyes: Eyes,
) -> Result<KnownRows, Error> {
    let mut known = KnownRows {
        rows: Vec::new(),
        total: None,
        whole: false,
        eyes,
        failure: None,
    };
    let name = &relation.name;
    let count = format!("SELECT pg_catalog.count(*) FROM {name} AS r");
    let counted = session.look(eyes, &count).await?;
    match counted {
        Ok(counted) => known.total = counted.text(0, 0).and_then(|count| count.parse().ok()),
        Err(failure) => {
            let is_too_slow = failure.sql_state == TIMED_OUT;
            known.failure = Some(failure);
            if !is_too_slow {
                return Ok(known);
            }
            // The first rows by their key may be had all the same.
        }
    }
    if matches!(
        relation.kind,
        TableKind::MaterializedView | TableKind::ForeignTable
    ) {
        return Ok(known);
    }
    known.whole = known
        .total
        .is_some_and(|total| total <= limits.largest_table.into());
    let limit = if known.whole {
        limits.largest_table
    } else {
        limits.sample
    };
    let (place, label) = match (relation.has_places(), relation.key.is_empty()) {
        (false, _) => ("NULL", "NULL".to_owned()),
        (true, true) => (PLACE, "NULL".to_owned()),
        (true, false) => (PLACE, relation.label()),
    };
    let order = relation.order();
    let sql = format!(
        "SELECT {place}, {label}, CASE WHEN pg_catalog.row_number() OVER (ORDER BY {order}) <= {} THEN {TEXT} END \
         FROM {name} AS r ORDER BY {order} LIMIT {limit}",
        limits.sample
    );
    match session.look(eyes, &sql).await? {
        Ok(found) => known.rows = found.rows.into_iter().enumerate().map(known_row).collect(),
        Err(failure) => {
            known.failure.get_or_insert(failure);
            known.whole = false;
        }
    }
    Ok(known)
}

fn known_row((index, row): (usize, Vec<Option<String>>)) -> KnownRow {
    let mut row = row.into_iter();
    let mut next = || row.next().flatten();
    KnownRow {
        place: next().unwrap_or_default(),
        label: next().unwrap_or_else(|| format!("#{}", index.saturating_add(1))),
        value: next().unwrap_or_default(),
    }
}

impl KnownRows {
    /// Whether no row can be missing for policies that hold for the role that looks.
    pub(super) fn is_complete(&self) -> bool {
        self.total.is_some() && matches!(self.eyes, Eyes::AllOrNothing)
    }

    /// Those that are tried one by one.
    pub(super) fn sample(&self, limits: Limits) -> impl Iterator<Item = (usize, &KnownRow)> {
        self.rows.iter().enumerate().take(limits.sample as usize)
    }

    /// Which rows are no longer in their places.
    pub(super) fn gone(&self, left: &Done) -> HashSet<usize> {
        let left: HashSet<&str> = left
            .rows
            .iter()
            .filter_map(|row| row.first()?.as_deref())
            .collect();
        let rows = self.rows.iter().enumerate();
        rows.filter(|(_, row)| !left.contains(row.place.as_str()))
            .map(|(index, _)| index)
            .collect()
    }
}

impl KnownRow {
    /// A subquery `y` whose one column `x` is this row.
    pub(super) fn as_subquery(&self, relation: &Relation) -> String {
        format!("(SELECT {}::{} AS x) AS y", literal(&self.value), relation.name)
    }
}
