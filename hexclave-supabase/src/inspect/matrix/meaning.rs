//! What the database's refusals say of its rules.

use super::{Command, RowError, session::Failure};

/// Longer keys and texts of errors are cut, in characters.
const LONGEST_TEXT: usize = 200;

/// What stood in the way.
pub(super) enum Meaning {
    NoGrant,
    /// A policy of the table, or the check option of a view, refuses the row.
    Policy,
    /// The row, or one like it, is there already: nothing else stood in the way.
    IsThere,
    Constraint,
    TimedOut,
    Locked,
    Other,
}

impl Meaning {
    /// `granted` is whether the role has the right to the command, for a column at least.
    pub(super) fn of(failure: &Failure, command: Command, granted: bool) -> Self {
        match failure.sql_state.as_str() {
            // Policies and missing rights have the same code; the function that refuses tells them apart (PostgreSQL,
            // execMain.c), whatever the language of the text is.
            "42501" if failure.routine == "ExecWithCheckOptions" => Self::Policy,
            "42501" if !granted => Self::NoGrant,
            "44000" => Self::Policy,
            "23505" | "23P01" if command == Command::Insert => Self::IsThere,
            "57014" => Self::TimedOut,
            "55P03" => Self::Locked,
            code if code.starts_with("23") => Self::Constraint,
            _ => Self::Other,
        }
    }
}

impl RowError {
    pub(super) fn of(failure: &Failure) -> Self {
        Self {
            sql_state: failure.sql_state.clone(),
            message: shortened(&failure.message),
            rows: 1,
        }
    }
}

pub(super) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST_TEXT).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
