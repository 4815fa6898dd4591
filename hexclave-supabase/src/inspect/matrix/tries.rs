//! What is tried, for one identity and one table.

use std::collections::HashSet;

use super::{
    Cell, Command, Outcome, Reach, TableKind, Untried,
    catalogue::{Column, Grants, Relation},
    limits::Limits,
    meaning::shortened,
    rows::{KnownRow, KnownRows, PLACE},
    session::Session,
};
use crate::{Error, identifier::quoted};

pub(super) struct Tries<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) relation: &'a Relation,
    pub(super) grants: Grants,
    pub(super) known: &'a KnownRows,
    pub(super) limits: Limits,
    pub(super) leave_triggers_alone: bool,
    /// Which of the known rows the identity sees, once it has tried.
    pub(super) seen: Option<HashSet<usize>>,
}

impl Tries<'_> {
    pub(super) async fn cell(&mut self, identity: &str, command: Command) -> Result<Cell, Error> {
        let outcome = match command {
            Command::Select => self.select().await?,
            _ => match self.untried() {
                Some(reason) => Outcome::Untried(reason),
                None if command == Command::Insert => self.insert().await?,
                None if command == Command::Update => self.update().await?,
                None => self.delete().await?,
            },
        };
        Ok(Cell {
            identity: identity.to_owned(),
            command,
            columns: self.grants.limited_to(command),
            outcome,
        })
    }

    /// Why nothing is written at all.
    fn untried(&self) -> Option<Untried> {
        if self.relation.kind == TableKind::MaterializedView {
            return Some(Untried::MaterializedView);
        }
        if self.relation.is_foreign {
            return Some(Untried::ForeignTable);
        }
        (self.leave_triggers_alone && self.relation.has_triggers).then_some(Untried::Triggers)
    }

    async fn select(&mut self) -> Result<Outcome, Error> {
        let name = &self.relation.name;
        let counted = match self
            .attempt(&format!("SELECT pg_catalog.count(*) FROM {name} AS r"))
            .await?
        {
            Ok(counted) => counted,
            Err(failure) => return Ok(self.refused(Command::Select, &failure)),
        };
        let count: u64 = counted
            .text(0, 0)
            .and_then(|count| count.parse().ok())
            .unwrap_or_default();
        let (keys, seen) = self.keys_seen(count).await?;
        self.seen = seen;
        let of = self.known.total.map(|total| total.max(count));
        Ok(Outcome::Rows(Reach {
            count,
            of,
            keys,
            unseen: 0,
            errors: Vec::new(),
        }))
    }

    /// The keys of the first rows that are seen, and which of the known rows they are where all of these are known.
    async fn keys_seen(&self, count: u64) -> Result<(Option<Vec<String>>, Option<HashSet<usize>>), Error> {
        let name = &self.relation.name;
        if !self.relation.has_places() {
            return Ok((None, None));
        }
        let is_small = count <= self.limits.largest_table.into();
        let limit = if is_small {
            self.limits.largest_table
        } else {
            self.limits.sample
        };
        let has_key = !self.relation.key.is_empty();
        let sql = if has_key && self.reads_key() {
            let (label, order) = (self.relation.label(), self.relation.order());
            format!("SELECT {label} FROM {name} AS r ORDER BY {order} LIMIT {limit}")
        } else if !has_key && self.grants.table(Command::Select) && self.known.whole {
            format!("SELECT {PLACE} FROM {name} AS r LIMIT {limit}")
        } else {
            return Ok((None, None));
        };
        let Ok(found) = self.attempt(&sql).await? else {
            return Ok((None, None));
        };
        let texts: Vec<&str> = found
            .rows
            .iter()
            .filter_map(|row| row.first()?.as_deref())
            .collect();
        let set: HashSet<&str> = texts.iter().copied().collect();
        let known = self.known.rows.iter().enumerate();
        let seen: HashSet<usize> = known
            .filter(|(_, row)| {
                set.contains(if has_key {
                    row.label.as_str()
                } else {
                    row.place.as_str()
                })
            })
            .map(|(index, _)| index)
            .collect();
        let keys = match has_key {
            true => texts
                .into_iter()
                .take(self.limits.sample as usize)
                .map(shortened)
                .collect(),
            false => self.keys(&seen),
        };
        Ok((Some(keys), (is_small && self.known.whole).then_some(seen)))
    }

    /// A copy of each row of the sample. It comes upon the row itself at last, but the policies are asked before that.
    async fn insert(&self) -> Result<Outcome, Error> {
        let name = &self.relation.name;
        let granted_any = self.grants.any(Command::Insert);
        let columns: Vec<String> = self
            .writable(Command::Insert, granted_any)
            .map(|column| quoted(&column.name))
            .collect();
        let values: Vec<String> = columns.iter().map(|column| format!("(y.x).{column}")).collect();
        let into = format!(
            "INSERT INTO {name} ({}) OVERRIDING SYSTEM VALUE SELECT {}",
            columns.join(", "),
            values.join(", ")
        );
        if self.known.rows.is_empty() || columns.is_empty() {
            let nothing = match columns.is_empty() {
                true => format!("INSERT INTO {name} SELECT WHERE false"),
                false => format!("{into} FROM (SELECT NULL::{name} AS x) AS y WHERE false"),
            };
            return self.nothing_to_try(Command::Insert, &nothing).await;
        }
        let sql = |row: &KnownRow| format!("{into} FROM {}", row.as_subquery(self.relation));
        self.one_by_one(Command::Insert, sql).await
    }

    async fn update(&self) -> Result<Outcome, Error> {
        let name = &self.relation.name;
        let granted = self.grants.any(Command::Update);
        let mut columns: Vec<&Column> = self
            .writable(Command::Update, granted)
            .filter(|column| !column.is_fixed)
            .collect();
        // One that nothing looks at, if there is one.
        columns.sort_by_key(|column| column.is_looked_at);
        // A view that lets nothing through says so itself.
        let is_view = self.relation.kind == TableKind::View;
        let of_view = self.relation.columns.first().filter(|_| is_view);
        let Some(any) = columns.first().copied().or(of_view) else {
            return Ok(Outcome::Untried(Untried::NothingToWrite));
        };
        let as_it_is = |column: &Column| {
            let column = quoted(&column.name);
            format!("UPDATE {name} AS r SET {column} = r.{column}")
        };
        if !granted || columns.is_empty() || self.known.rows.is_empty() {
            let sql = format!("{} WHERE false", as_it_is(any));
            return self.nothing_to_try(Command::Update, &sql).await;
        }
        let read = columns
            .iter()
            .find(|column| self.grants.column(Command::Select, &column.name));
        let seeing = match read {
            Some(column) => Some(self.all_or_single(Command::Update, &as_it_is(column)).await?),
            None => None,
        };
        let blind = match columns.first() {
            Some(column) if !column.is_looked_at => self.blind_update(column, &seeing).await?,
            _ => None,
        };
        let counted = |outcome: &Option<Outcome>| match outcome {
            Some(Outcome::Rows(reach)) => reach.count,
            _ => 0,
        };
        let widest = match counted(&blind) > counted(&seeing) {
            true => blind,
            false => seeing.or(blind),
        };
        Ok(widest.unwrap_or(Outcome::Untried(Untried::NothingToWrite)))
    }

    /// All rows without reading any: a value from one of them for all of them. Policies for `SELECT` are then not
    /// asked, so that rows are reached which are not seen.
    async fn blind_update(
        &self,
        column: &Column,
        seeing: &Option<Outcome>,
    ) -> Result<Option<Outcome>, Error> {
        let all_reached = matches!(seeing, Some(Outcome::Rows(reach)) if reach.is_all());
        let Some(row) = self
            .known
            .rows
            .first()
            .filter(|_| self.known.whole && !all_reached)
        else {
            return Ok(None);
        };
        let sql = format!(
            "UPDATE {} SET {column} = (SELECT (y.x).{column} FROM {})",
            self.relation.name,
            row.as_subquery(self.relation),
            column = quoted(&column.name),
        );
        let attempt = self.attempt_on_all(&sql).await?;
        Ok(Some(match attempt {
            Ok(reach) => Outcome::Rows(reach),
            Err(failure) => self.refused(Command::Update, &failure),
        }))
    }

    /// `DELETE` without a condition, so that rows are reached which are not seen.
    async fn delete(&self) -> Result<Outcome, Error> {
        let name = &self.relation.name;
        if !self.grants.any(Command::Delete) || self.known.rows.is_empty() {
            let sql = format!("DELETE FROM {name} WHERE false");
            return self.nothing_to_try(Command::Delete, &sql).await;
        }
        self.all_or_single(Command::Delete, &format!("DELETE FROM {name} AS r"))
            .await
    }

    /// The columns that take values, those that are granted if any is.
    fn writable(&self, command: Command, granted: bool) -> impl Iterator<Item = &Column> {
        let columns = self.relation.columns.iter().filter(|column| column.takes_values);
        columns.filter(move |column| !granted || self.grants.column(command, &column.name))
    }

    /// Finds out at least whether the right is there, without touching a row.
    async fn nothing_to_try(&self, command: Command, sql: &str) -> Result<Outcome, Error> {
        Ok(match self.attempt(sql).await? {
            Ok(_) if self.known.total == Some(0) && self.known.is_complete() => {
                Outcome::Untried(Untried::NoRows)
            }
            Ok(_) => Outcome::Untried(Untried::RowsUnknown),
            Err(failure) => self.refused(command, &failure),
        })
    }
}
