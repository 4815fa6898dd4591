//! How it is tried: by a statement over all rows, or by one for each.

use std::collections::{BTreeSet, HashSet};

use super::{
    Command, Outcome, Reach, RowError, Untried,
    meaning::{Meaning, shortened},
    rows::KnownRow,
    session::{Done, Failure},
    tries::Tries,
};
use crate::{Error, identifier::quoted};

impl Tries<'_> {
    /// A statement over all rows; over one after the other where there are too many, or one of them spoils it.
    pub(super) async fn all_or_single(&self, command: Command, sql: &str) -> Result<Outcome, Error> {
        let failure = match self.known.whole {
            true => match self.attempt_on_all(sql).await? {
                Ok(reach) => return Ok(Outcome::Rows(reach)),
                Err(failure) => Some(failure),
            },
            false => None,
        };
        match failure.as_ref().map(|failure| self.refused(command, failure)) {
            Some(refused @ (Outcome::NoGrant | Outcome::TimedOut | Outcome::Locked)) => return Ok(refused),
            Some(refused) if !self.names_rows() || self.limits.sample == 0 => return Ok(refused),
            None if !self.names_rows() => return Ok(Outcome::Untried(Untried::TooManyRows)),
            _ => {}
        }
        let this_row = self.this_row();
        let joint = if command == Command::Delete {
            "USING"
        } else {
            "FROM"
        };
        let of_row = |row: &KnownRow| match this_row.is_empty() {
            true => {
                // The place is digits, and a pair of them in parentheses.
                let (partition, place) = row.place.split_at(row.place.find('(').unwrap_or_default());
                format!(
                    "{sql} WHERE r.tableoid = '{partition}'::pg_catalog.oid AND r.ctid = '{place}'::pg_catalog.tid"
                )
            }
            false => format!(
                "{sql} {joint} {} WHERE {this_row}",
                row.as_subquery(self.relation)
            ),
        };
        let mut outcome = self.one_by_one(command, of_row).await?;
        if let (Outcome::Rows(reach), Some(failure)) = (&mut outcome, failure) {
            let is_constraint = matches!(self.meaning(command, &failure), Meaning::Constraint);
            // It was a row that is not seen, and so not found by its key.
            if is_constraint
                && reach
                    .errors
                    .iter()
                    .all(|error| error.sql_state != failure.sql_state)
            {
                reach.errors.push(RowError::of(&failure));
            }
        }
        Ok(outcome)
    }

    /// Whether the identity may read what a row is found by.
    pub(super) fn names_rows(&self) -> bool {
        let by_place = self.relation.key.is_empty() && self.grants.table(Command::Select);
        self.relation.has_places() && (self.reads_key() || by_place)
    }

    pub(super) fn reads_key(&self) -> bool {
        let key = &self.relation.key;
        !key.is_empty() && key.iter().all(|name| self.grants.column(Command::Select, name))
    }

    /// The condition that the row `r` has the key of the row `(y.x)`.
    fn this_row(&self) -> String {
        let key = self.relation.key.iter().map(|name| quoted(name));
        let parts: Vec<String> = key.map(|name| format!("r.{name} = (y.x).{name}")).collect();
        parts.join(" AND ")
    }

    /// A statement over all rows. Supabase's `authenticator` refuses `UPDATE` and `DELETE` without a condition (by the
    /// extension `safeupdate`); this one reads no column.
    pub(super) async fn attempt_on_all(&self, sql: &str) -> Result<Result<Reach, Failure>, Error> {
        let sql = format!("{sql} WHERE true");
        let places = self.relation.places();
        let look = self
            .relation
            .has_places()
            .then_some((self.known.eyes, places.as_str()));
        let attempt = self.session.attempt(&sql, look).await?;
        let touched = match attempt.result {
            Ok(done) => done.touched,
            Err(failure) => return Ok(Err(failure)),
        };
        let known = match &attempt.after {
            _ if touched == 0 => HashSet::new(),
            Some(left) if self.relation.has_places() => self.known.gone(left),
            _ => {
                return Ok(Ok(Reach {
                    count: touched,
                    of: self.known.total,
                    ..Reach::default()
                }));
            }
        };
        let mut reach = self.reach(&known, self.known.total, Vec::new());
        // Rows that the role does not see that looks, or that it saw go with others.
        reach.count = reach.count.max(touched);
        reach.of = reach.of.map(|of| of.max(touched));
        if !self.relation.has_places() {
            reach.keys = None;
        }
        Ok(Ok(reach))
    }

    pub(super) async fn one_by_one(
        &self,
        command: Command,
        sql: impl Fn(&KnownRow) -> String,
    ) -> Result<Outcome, Error> {
        if self.limits.sample == 0 {
            return Ok(Outcome::Untried(Untried::NoSample));
        }
        let mut reached = HashSet::new();
        let mut errors: Vec<RowError> = Vec::new();
        let mut first_other = None;
        let (mut tried, mut others) = (0_u64, 0_u64);
        for (index, row) in self.known.sample(self.limits) {
            tried = tried.saturating_add(1);
            let failure = match self.attempt(&sql(row)).await? {
                Ok(done) => {
                    if done.touched > 0 {
                        reached.insert(index);
                    }
                    continue;
                }
                Err(failure) => failure,
            };
            match self.meaning(command, &failure) {
                Meaning::NoGrant => return Ok(Outcome::NoGrant),
                Meaning::TimedOut => return Ok(Outcome::TimedOut),
                Meaning::Locked => return Ok(Outcome::Locked),
                Meaning::Policy => continue,
                Meaning::IsThere => {
                    reached.insert(index);
                    continue;
                }
                Meaning::Constraint => {}
                Meaning::Other => {
                    others = others.saturating_add(1);
                    first_other.get_or_insert_with(|| failure.clone());
                }
            }
            match errors
                .iter_mut()
                .find(|error| error.sql_state == failure.sql_state)
            {
                Some(error) => error.rows = error.rows.saturating_add(1),
                None => errors.push(RowError::of(&failure)),
            }
        }
        if let Some(failure) = first_other.filter(|_| others == tried) {
            return Ok(self.refused(command, &failure));
        }
        errors.sort_by(|a, b| a.sql_state.cmp(&b.sql_state));
        let mut reach = self.reach(&reached, Some(tried), errors);
        if !self.relation.has_places() {
            reach.keys = None;
        }
        if command == Command::Insert {
            // A row that is added is new, whoever sees the one that it is like.
            reach.unseen = 0;
        }
        Ok(Outcome::Rows(reach))
    }

    fn reach(&self, reached: &HashSet<usize>, of: Option<u64>, errors: Vec<RowError>) -> Reach {
        let unseen = match &self.seen {
            Some(seen) => reached.difference(seen).count() as u64,
            None => 0,
        };
        Reach {
            count: reached.len() as u64,
            of,
            keys: Some(self.keys(reached)),
            unseen,
            errors,
        }
    }

    pub(super) fn keys(&self, rows: &HashSet<usize>) -> Vec<String> {
        let rows: BTreeSet<usize> = rows.iter().copied().collect();
        rows.into_iter()
            .take(self.limits.sample as usize)
            .filter_map(|index| self.known.rows.get(index))
            .map(|row| shortened(&row.label))
            .collect()
    }

    pub(super) async fn attempt(&self, sql: &str) -> Result<Result<Done, Failure>, Error> {
        Ok(self.session.attempt(sql, None).await?.result)
    }

    /// What a statement's failure says about the whole cell.
    pub(super) fn refused(&self, command: Command, failure: &Failure) -> Outcome {
        match self.meaning(command, failure) {
            Meaning::NoGrant => Outcome::NoGrant,
            Meaning::TimedOut => Outcome::TimedOut,
            Meaning::Locked => Outcome::Locked,
            _ => Outcome::Failed {
                sql_state: failure.sql_state.clone(),
                message: shortened(&failure.message),
            },
        }
    }

    fn meaning(&self, command: Command, failure: &Failure) -> Meaning {
        Meaning::of(failure, command, self.grants.any(command))
    }
}
