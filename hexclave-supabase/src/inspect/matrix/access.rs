use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::{Difference, Report, difference, saved::SavedCell};
use crate::{Error, ErrorKind};

/// The version of the JSON document.
const VERSION: u32 = 1;

/// Who can do what with which rows of which tables, as it was found by trying.
///
/// [`AccessMatrix::builder`] makes one from a database, [`from_json`](Self::from_json) from a saved document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessMatrix {
    version: u32,
    identities: Vec<IdentityAccess>,
    tables: Vec<TableAccess>,
}

/// What is read of a document before the rest.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// An identity that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityAccess {
    pub(super) name: String,
    pub(super) role: String,
}

/// What was found at one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableAccess {
    pub(super) name: String,
    pub(super) kind: TableKind,
    pub(super) row_security: RowSecurity,
    /// None where the eyes that look at all rows could not count them.
    pub(super) rows: Option<u64>,
    pub(super) all_rows: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rows_error: Option<String>,
    pub(super) access: Vec<Cell>,
}

/// What kind of relation is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TableKind {
    /// An ordinary table, or one partition.
    Table,
    /// A table in partitions.
    PartitionedTable,
    /// A view.
    View,
    /// A materialized view, which has no Row Level Security and cannot be written.
    MaterializedView,
    /// A foreign table, which has no Row Level Security here.
    ForeignTable,
}

/// Whether a table's policies are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RowSecurity {
    /// They are.
    On,
    /// They are, for the table's owner as well.
    Forced,
    /// They are not: whoever has a grant reaches every row.
    Off,
    /// The relation cannot have policies: a view, materialized view or foreign table.
    None,
}

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

impl AccessMatrix {
    pub(super) fn new(identities: Vec<IdentityAccess>, tables: Vec<TableAccess>) -> Self {
        Self {
            version: VERSION,
            identities,
            tables,
        }
    }

    /// Reads a document that [`to_json`](Self::to_json) has written.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for anything else: another version, tables or identities that appear twice, a cell
    /// that is missing.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let invalid = |why: String| {
            Error::new(
                ErrorKind::InvalidConfig,
                format!("this is no saved access matrix: {why}"),
            )
        };
        let unread = |error: serde_json::Error| invalid(error.to_string());
        let Version { version } = serde_json::from_str(json).map_err(unread)?;
        if version != VERSION {
            return Err(invalid(format!("its version is {version}, expected {VERSION}")));
        }
        let matrix: Self = serde_json::from_str(json).map_err(unread)?;
        let mut names = BTreeSet::new();
        if let Some(twice) = matrix.identities.iter().find(|one| !names.insert(&one.name)) {
            return Err(invalid(format!("the identity {:?} appears twice", twice.name)));
        }
        let mut names = BTreeSet::new();
        for table in &matrix.tables {
            if !names.insert(&table.name) {
                return Err(invalid(format!("the table {:?} appears twice", table.name)));
            }
            let expected = matrix
                .identities
                .iter()
                .flat_map(|identity| Command::ALL.map(|command| (identity.name.as_str(), command)));
            let found = table
                .access
                .iter()
                .map(|cell| (cell.identity.as_str(), cell.command));
            if !expected.eq(found) {
                return Err(invalid(format!(
                    "the table {:?} does not have one cell for each identity and command, in their order",
                    table.name
                )));
            }
        }
        Ok(matrix)
    }

    /// The matrix as a JSON document, in lines, with a line feed at the end. The same access gives the same bytes.
    ///
    /// It holds names of tables, columns and identities, primary keys, and texts of errors, which may hold values of a
    /// row.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Texts, numbers and lists of them always have a JSON text.
        let mut json = serde_json::to_string_pretty(self).unwrap_or_default();
        json.push('\n');
        json
    }

    /// The identities, in the order in which they were given.
    #[must_use]
    pub fn identities(&self) -> &[IdentityAccess] {
        &self.identities
    }

    /// The tables, by name.
    #[must_use]
    pub fn tables(&self) -> &[TableAccess] {
        &self.tables
    }

    /// What an identity can do with a table, both by name. The table's is the one that [`TableAccess::name`] gives.
    #[must_use]
    pub fn cell(&self, table: &str, identity: &str, command: Command) -> Option<&Cell> {
        let table = self.tables.iter().find(|one| one.name == table)?;
        table.cell(identity, command)
    }

    /// What is different from an earlier matrix: wider access first, then what is not comparable, then narrower.
    #[must_use]
    pub fn differences(&self, earlier: &Self) -> Vec<Difference> {
        difference::between(self, earlier)
    }

    /// The matrix for people, as text, Markdown or a page.
    pub fn report(&self) -> Report<'_> {
        Report::new(self)
    }
}

impl IdentityAccess {
    /// The name to show.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The role of the database.
    #[must_use]
    pub fn role(&self) -> &str {
        &self.role
    }
}

impl TableAccess {
    /// The name as SQL writes it: `public.notes`, `public."Odd"`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> TableKind {
        self.kind
    }

    /// Whether its policies are in force.
    #[must_use]
    pub fn row_security(&self) -> RowSecurity {
        self.row_security
    }

    /// How many rows there are, as far as the [eyes](super::AccessMatrixBuilder::dangerously_look_as) saw that look at
    /// all rows; none where they may not read the table.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// Whether those are all rows. They are not where Row Level Security applies to these eyes as well.
    #[must_use]
    pub fn sees_all_rows(&self) -> bool {
        self.all_rows
    }

    /// Why the rows could not be read, where that is so.
    #[must_use]
    pub fn rows_error(&self) -> Option<&str> {
        self.rows_error.as_deref()
    }

    /// One cell for each identity and command.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.access
    }

    /// The cell of one identity and command.
    #[must_use]
    pub fn cell(&self, identity: &str, command: Command) -> Option<&Cell> {
        self.access
            .iter()
            .find(|cell| cell.identity == identity && cell.command == command)
    }
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

    /// How many rows.
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

impl TableKind {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::PartitionedTable => "partitioned table",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::ForeignTable => "foreign table",
        }
    }
}

impl fmt::Display for TableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
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
