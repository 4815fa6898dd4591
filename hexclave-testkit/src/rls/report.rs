//! What a test that fails says: who tried what, what was expected, what happened, and what stands in the catalogue.

use std::fmt;

use super::TestDatabase;
use super::answer::{Answer, Difference};
use super::catalogue::{Relation, relations};
use super::run::{DeniedBy, Failure, Who};
use super::sql::{Command, Sql};

pub(super) enum Happened<'r> {
    Answer(&'r Answer),
    Failure(&'r Failure),
}

pub(super) struct Report<'r> {
    shown: &'r str,
    who: &'r Who,
    sql: &'r Sql,
    wanted: String,
    happened: Happened<'r>,
    difference: Difference,
    notes: Vec<String>,
    relations: Vec<Relation>,
}

impl<'r> Report<'r> {
    pub(super) fn new(
        database: &TestDatabase,
        shown: &'r str,
        who: &'r Who,
        sql: &'r Sql,
        wanted: String,
        happened: Happened<'r>,
    ) -> Self {
        // The owner is bound by nothing that the catalogue could tell of.
        let relations = match who {
            Who::Owner => Ok(Vec::new()),
            _ => database.over_owner(|client, _| relations(client, sql, who.role())),
        };
        Self {
            shown,
            who,
            sql,
            wanted,
            happened,
            difference: Difference::default(),
            notes: Vec::new(),
            relations: relations.unwrap_or_default(),
        }
    }

    /// Adds how the rows differ.
    pub(super) fn with(mut self, difference: Difference) -> Self {
        self.difference = difference;
        self
    }

    /// Adds what else is to be said.
    pub(super) fn noting(mut self, note: String) -> Self {
        self.notes.push(note);
        self
    }

    fn hints(&self) -> Vec<String> {
        let (role, command) = (self.who.role(), self.sql.command());
        let of_each = |hint: fn(&Relation, &str, Command) -> Option<String>| -> Vec<String> {
            self.relations
                .iter()
                .filter_map(|relation| hint(relation, role, command))
                .collect()
        };
        match &self.happened {
            Happened::Failure(Failure::Denied(DeniedBy::Grant, _)) => {
                let hints = of_each(Relation::missing_grant);
                match hints.is_empty() {
                    true => vec![
                        "what is not granted is what the message names: a column, a sequence, a function, a schema"
                            .to_owned(),
                    ],
                    false => hints,
                }
            }
            Happened::Failure(Failure::Denied(DeniedBy::Policy, _)) => {
                let mut hints = of_each(Relation::why_refused);
                if self.sql.text().to_ascii_lowercase().contains("returning") {
                    hints.push(
                        "RETURNING shows rows, so a policy for SELECT has to let them be seen too".to_owned(),
                    );
                }
                hints
            }
            Happened::Failure(_) => Vec::new(),
            Happened::Answer(answer) if answer.count == 0 && command.has_rows() => {
                of_each(Relation::why_filtered)
            }
            Happened::Answer(_) if role == "service_role" => {
                vec!["service_role is above Row Level Security: only grants bind it".to_owned()]
            }
            Happened::Answer(_) => of_each(Relation::why_allowed),
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.shown, self.wanted)?;
        write!(f, "\n  statement: {}", self.sql.text().trim())?;
        for (number, value) in self.sql.values().iter().enumerate() {
            write!(f, "\n    ${}: {}", number + 1, value.as_deref().unwrap_or("NULL"))?;
        }
        match &self.happened {
            Happened::Failure(failure) => write!(f, "\n  happened: {failure}")?,
            Happened::Answer(answer) => {
                write!(f, "\n  happened: no error, {} row(s)", answer.count)?;
                if !answer.rows.is_empty() {
                    write!(f, "\n{answer}")?;
                }
            }
        }
        for row in &self.difference.missing {
            write!(f, "\n  missing: {row}")?;
        }
        for row in &self.difference.surplus {
            write!(f, "\n  not expected: {row}")?;
        }
        for note in &self.notes {
            write!(f, "\n  note: {note}")?;
        }
        write!(f, "\n  role: {}", self.who.role())?;
        if let Some(claims) = self.who.claims() {
            write!(f, "\n  claims: {claims}")?;
        }
        for relation in &self.relations {
            relation.describe(f, self.who.role())?;
        }
        for hint in self.hints() {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}
