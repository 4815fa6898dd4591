use std::{collections::BTreeSet, fmt};

use super::{
    AccessMatrix, Cell, Command, Outcome, Reach,
    report::{in_words, named},
};
use crate::{Error, ErrorKind};

/// Errors name this many differences at most.
const SHOWN: usize = 10;

/// One cell that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    change: Change,
    table: String,
    identity: String,
    command: Command,
    earlier: Option<Cell>,
    now: Option<Cell>,
}

/// Which way a cell has changed, the loudest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// A row, or a column, is reached that was not.
    Wider,
    /// Something that is neither wider nor narrower: another error, a right that reaches no row, a cell that was not
    /// there or is there no more.
    Other,
    /// A row, or a column, is no longer reached, none has come, and it could be found out.
    Narrower,
}

/// What may differ from a saved matrix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Allowed {
    /// Nothing.
    #[default]
    Nothing,
    /// What makes access narrower.
    Narrower,
}

impl AccessMatrix {
    /// Fails unless the access is that of an earlier matrix: a snapshot test.
    ///
    /// # Errors
    /// [`ErrorKind::AccessChanged`], whose text names the differences, the loudest first and ten at most.
    pub fn expect_unchanged(&self, earlier: &Self, allowed: Allowed) -> Result<(), Error> {
        let is_fault = |difference: &Difference| match allowed {
            Allowed::Nothing => true,
            Allowed::Narrower => difference.change != Change::Narrower,
        };
        let faults: Vec<Difference> = self.differences(earlier).into_iter().filter(is_fault).collect();
        if faults.is_empty() {
            return Ok(());
        }
        let mut message = format!(
            "the access differs from the saved matrix in {} cells",
            faults.len()
        );
        for difference in faults.iter().take(SHOWN) {
            message.push_str(&format!("\n  {difference}"));
        }
        if faults.len() > SHOWN {
            message.push_str(&format!("\n  and {} more", faults.len().saturating_sub(SHOWN)));
        }
        Err(Error::new(ErrorKind::AccessChanged, message))
    }
}

impl Difference {
    /// Which way.
    #[must_use]
    pub fn change(&self) -> Change {
        self.change
    }

    /// The table's name as SQL writes it.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The identity's name.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// What was tried.
    #[must_use]
    pub fn command(&self) -> Command {
        self.command
    }

    /// What it was, if it was tried then.
    #[must_use]
    pub fn earlier(&self) -> Option<&Cell> {
        self.earlier.as_ref()
    }

    /// What it is, if it was tried now.
    #[must_use]
    pub fn now(&self) -> Option<&Cell> {
        self.now.as_ref()
    }
}

/// For people: `wider: public.notes: Ada: DELETE: 0 of 3 rows, now 1 of 3 rows [1]`.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |cell: &Option<Cell>| cell.as_ref().map_or("not tried".to_owned(), in_words);
        write!(
            f,
            "{}: {}: {}: {}: {}, now {}",
            self.change,
            named(&self.table),
            named(&self.identity),
            self.command,
            words(&self.earlier),
            words(&self.now)
        )
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Wider => "wider",
            Self::Other => "changed",
            Self::Narrower => "narrower",
        })
    }
}

pub(super) fn between(now: &AccessMatrix, earlier: &AccessMatrix) -> Vec<Difference> {
    let mut differences = Vec::new();
    for table in now.tables() {
        for cell in table.cells() {
            let was = earlier.cell(table.name(), cell.identity(), cell.command());
            push(&mut differences, table.name(), was, Some(cell));
        }
    }
    for table in earlier.tables() {
        for cell in table.cells() {
            if now.cell(table.name(), cell.identity(), cell.command()).is_none() {
                push(&mut differences, table.name(), Some(cell), None);
            }
        }
    }
    differences.sort_by_key(Difference::change);
    differences
}

fn push(differences: &mut Vec<Difference>, table: &str, earlier: Option<&Cell>, now: Option<&Cell>) {
    let (Some(any), Some(change)) = (now.or(earlier), change(earlier, now)) else {
        return;
    };
    differences.push(Difference {
        change,
        table: table.to_owned(),
        identity: any.identity.clone(),
        command: any.command,
        earlier: earlier.cloned(),
        now: now.cloned(),
    });
}

fn change(earlier: Option<&Cell>, now: Option<&Cell>) -> Option<Change> {
    let (was, is) = match (earlier, now) {
        (Some(was), Some(is)) => (was, is),
        (None, Some(is)) if passed(is) > 0 => return Some(Change::Wider),
        _ => return Some(Change::Other),
    };
    // How many rows there are besides is no matter of access.
    if same(&was.outcome, &is.outcome) && was.columns == is.columns {
        return None;
    }
    let (gains, loses) = (more(was, is), more(is, was));
    // What could not be found out is not narrower.
    let is_known = matches!(is.outcome, Outcome::Rows(_) | Outcome::NoGrant);
    Some(match (passed(was) > 0, passed(is) > 0) {
        (_, true) if gains => Change::Wider,
        (true, _) if loses && is_known => Change::Narrower,
        _ => Change::Other,
    })
}

/// How many rows the policies let through, those that a constraint has stopped behind them included.
fn passed(cell: &Cell) -> u64 {
    let stopped = |reach: &Reach| -> u64 {
        let constraints = reach
            .errors
            .iter()
            .filter(|error| error.sql_state.starts_with("23"));
        constraints.map(|error| error.rows).sum()
    };
    cell.reach()
        .map_or(0, |reach| reach.count.saturating_add(stopped(reach)))
}

fn same(was: &Outcome, is: &Outcome) -> bool {
    match (was, is) {
        (Outcome::Rows(was), Outcome::Rows(is)) => {
            let errors = |reach: &Reach| -> Vec<(String, u64)> {
                let errors = reach.errors.iter();
                errors
                    .map(|error| (error.sql_state.clone(), error.rows))
                    .collect()
            };
            was.count == is.count
                && was.keys == is.keys
                && was.unseen == is.unseen
                && errors(was) == errors(is)
        }
        // The text may hold what changes from one time to the next.
        (Outcome::Failed { sql_state: was, .. }, Outcome::Failed { sql_state: is, .. }) => was == is,
        (was, is) => was == is,
    }
}

/// Whether the second reaches what the first does not.
fn more(first: &Cell, second: &Cell) -> bool {
    let keys = |cell: &Cell| -> Option<BTreeSet<String>> {
        let reach = cell.reach()?;
        let keys = reach.keys.as_ref()?;
        // A part of them says nothing about the others.
        (keys.len() as u64 == reach.count).then(|| keys.iter().cloned().collect())
    };
    let rows = match (keys(first), keys(second)) {
        (Some(first), Some(second)) => !second.is_subset(&first),
        _ => second.count() > first.count(),
    };
    let columns = match (&first.columns, &second.columns) {
        (Some(first), Some(second)) => second.iter().any(|column| !first.contains(column)),
        (Some(_), None) => passed(second) > 0,
        (None, _) => false,
    };
    let unseen = |cell: &Cell| cell.reach().map_or(0, |reach| reach.unseen);
    rows || passed(second) > passed(first) || columns || unseen(second) > unseen(first)
}
