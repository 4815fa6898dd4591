//! A cell as JSON has it: flat. (serde's `flatten` and tagged enums do not read numbers where a program's other
//! dependencies turn on serde_json's `arbitrary_precision`.)

use serde::{Deserialize, Serialize};

use super::cell::{Cell, Command, Outcome, Reach, RowError, Untried};

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SavedCell {
    identity: String,
    command: Command,
    outcome: SavedOutcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    columns: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keys: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unseen: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    errors: Vec<RowError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sql_state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Untried>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedOutcome {
    Rows,
    NoGrant,
    Failed,
    TimedOut,
    Locked,
    Untried,
}

impl From<Cell> for SavedCell {
    fn from(cell: Cell) -> Self {
        let mut saved = Self {
            identity: cell.identity,
            command: cell.command,
            outcome: SavedOutcome::Rows,
            columns: cell.columns,
            count: None,
            of: None,
            keys: None,
            unseen: None,
            errors: Vec::new(),
            sql_state: None,
            message: None,
            reason: None,
        };
        match cell.outcome {
            Outcome::Rows(reach) => {
                saved.count = Some(reach.count);
                saved.of = reach.of;
                saved.keys = reach.keys;
                saved.unseen = Some(reach.unseen).filter(|unseen| *unseen > 0);
                saved.errors = reach.errors;
            }
            Outcome::NoGrant => saved.outcome = SavedOutcome::NoGrant,
            Outcome::Failed { sql_state, message } => {
                saved.outcome = SavedOutcome::Failed;
                saved.sql_state = Some(sql_state);
                saved.message = Some(message);
            }
            Outcome::TimedOut => saved.outcome = SavedOutcome::TimedOut,
            Outcome::Locked => saved.outcome = SavedOutcome::Locked,
            Outcome::Untried(reason) => {
                saved.outcome = SavedOutcome::Untried;
                saved.reason = Some(reason);
            }
        }
        saved
    }
}

impl TryFrom<SavedCell> for Cell {
    type Error = &'static str;

    fn try_from(saved: SavedCell) -> Result<Self, &'static str> {
        let outcome = match saved.outcome {
            SavedOutcome::Rows => Outcome::Rows(Reach {
                count: saved.count.ok_or("a cell with rows has no count")?,
                of: saved.of,
                keys: saved.keys,
                unseen: saved.unseen.unwrap_or_default(),
                errors: saved.errors,
            }),
            SavedOutcome::NoGrant => Outcome::NoGrant,
            SavedOutcome::Failed => Outcome::Failed {
                sql_state: saved.sql_state.ok_or("a cell that failed has no sql_state")?,
                message: saved.message.ok_or("a cell that failed has no message")?,
            },
            SavedOutcome::TimedOut => Outcome::TimedOut,
            SavedOutcome::Locked => Outcome::Locked,
            SavedOutcome::Untried => {
                Outcome::Untried(saved.reason.ok_or("a cell that was not tried has no reason")?)
            }
        };
        Ok(Self {
            identity: saved.identity,
            command: saved.command,
            columns: saved.columns,
            outcome,
        })
    }
}
