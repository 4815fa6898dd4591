use std::fmt;

use serde::{Deserialize, Serialize};

use super::saved::SavedCell;

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// To see rows.
    Select,
    /// To add a row like one that is there.
    Insert,
    /// To write a row as it is.
    Update,
    /// To delete a row.
    Delete,
}

/// What one identity can do with one table by one command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SavedCell", into = "SavedCell")]
pub struct Cell {
    pub(super) identity: String,
    pub(super) command: Command,
    pub(super) columns: Option<Vec<String>>,
    pub(super) outcome: Outcome,
}

/// What came of trying.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was tried on rows, and these were reached: none, some or all.
    Rows(Reach),
    /// The role has no right to the command on the table or its schema (42501), so no policy was asked.
    NoGrant,
    /// It failed for another reason than the rules for rows: the error's code and text, as the database gave them.
    Failed {
        /// The code (PostgreSQL, appendix "Error Codes").
        sql_state: String,
        /// The text, which may hold values of a row.
        message: String,
    },
    /// It took longer than the limit for a statement.
    TimedOut,
    /// Somebody else held a lock for longer than the limit for waiting.
    Locked,
    /// It was not tried.
    Untried(Untried),
}

/// Why something was not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Untried {
    /// The table has no rows to try it on. The right to the command is there.
    NoRows,
    /// Nobody's eyes see which rows there are, so there is none to try it on.
    RowsUnknown,
    /// There are too many rows to write all, and none can be named: a view, or the role may read no key.
    TooManyRows,
    /// The role may write, but reads no column, and there is none to write that no key or policy looks at.
    NothingToWrite,
    /// Rows were not to be tried one by one: the sample is 0.
    NoSample,
    /// Materialized views cannot be written.
    MaterializedView,
    /// What is written to another server might stay there.
    ForeignTable,
    /// The table has triggers, which were to be left alone.
    Triggers,
}

/// The rows that were reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    pub(super) count: u64,
    pub(super) of: Option<u64>,
    pub(super) keys: Option<Vec<String>>,
    pub(super) unseen: u64,
    pub(super) errors: Vec<RowError>,
}

/// Rows at which a command failed, though not for the table's policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    pub(super) sql_state: String,
    pub(super) message: String,
    pub(super) rows: u64,
}

impl Cell {
    /// Whose it is.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// What was tried.
    #[must_use]
    pub fn command(&self) -> Command {
        self.command
    }

    /// The columns to which the role's right is limited; none where it is for the whole table, or there is no right.
    #[must_use]
    pub fn columns(&self) -> Option<&[String]> {
        self.columns.as_deref()
    }

    /// What came of it.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// How many rows were reached: 0 where it was refused, failed or was not tried.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.reach().map_or(0, Reach::count)
    }

    /// The rows that were reached, where it came to that.
    #[must_use]
    pub fn reach(&self) -> Option<&Reach> {
        match &self.outcome {
            Outcome::Rows(reach) => Some(reach),
            _ => None,
        }
    }
}

impl Reach {
    /// How many rows.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Of how many that it was tried on. None where that is unknown.
    #[must_use]
    pub fn of(&self) -> Option<u64> {
        self.of
    }

    /// The primary keys of the first of them, in their order; one of several columns as `(a, b)`. Rows of a table
    /// without a key are numbered `#1`, `#2`, … in the order of their text. None where they cannot be told apart: in
    /// views, and where the role may not read the key.
    #[must_use]
    pub fn keys(&self) -> Option<&[String]> {
        self.keys.as_deref()
    }

    /// How many of these rows the identity does not see, and yet changes or deletes.
    #[must_use]
    pub fn unseen(&self) -> u64 {
        self.unseen
    }

    /// Errors at single rows that were none of the policies'. Where the code is one of class 23, a constraint has
    /// stopped what the policies let through.
    #[must_use]
    pub fn errors(&self) -> &[RowError] {
        &self.errors
    }

    /// Whether all rows were reached, and there are any.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.count > 0 && self.of == Some(self.count)
    }
}

impl RowError {
    /// The code (PostgreSQL, appendix "Error Codes").
    #[must_use]
    pub fn sql_state(&self) -> &str {
        &self.sql_state
    }

    /// The text of the first of them, which may hold values of the row.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// How many rows; at least so many, where it is 1.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

impl Command {
    /// All four, in the order of the matrix.
    pub const ALL: [Self; 4] = [Self::Select, Self::Insert, Self::Update, Self::Delete];

    /// The key word of SQL, in upper case.
    #[must_use]
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }

    /// Whether it changes rows.
    #[must_use]
    pub fn writes(self) -> bool {
        self != Self::Select
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_sql())
    }
}

impl Untried {
    /// In words.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoRows => "no rows to try it on",
            Self::RowsUnknown => "the rows are not known",
            Self::TooManyRows => "too many rows, and none can be named",
            Self::NothingToWrite => "no column that could be written as it is",
            Self::NoSample => "no row was to be tried by itself",
            Self::MaterializedView => "materialized views cannot be written",
            Self::ForeignTable => "another server might keep what is written",
            Self::Triggers => "the table has triggers",
        }
    }
}

impl fmt::Display for Untried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.reason())
    }
}
