use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::{Cell, Command, Difference, Report, difference};
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
