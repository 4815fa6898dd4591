use super::{AccessMatrix, Cell, Change, Command, Difference, Outcome, Reach, RowSecurity, TableAccess};

/// Texts show this many keys.
const SHOWN_KEYS: usize = 3;
/// Texts cut the columns of keys that are longer, in characters.
const LONGEST_KEY: usize = 9;

/// A matrix for people, with what is different from an earlier one if there is one to compare with.
///
/// ```
/// use hexclave_supabase::inspect::matrix::AccessMatrix;
///
/// fn page(matrix: &AccessMatrix, earlier: &AccessMatrix) -> String {
///     matrix.report().since(earlier).to_html()
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Report<'m> {
    pub(super) matrix: &'m AccessMatrix,
    /// None without an earlier matrix.
    pub(super) differences: Option<Vec<Difference>>,
    pub(super) title: String,
}

impl<'m> Report<'m> {
    pub(super) fn new(matrix: &'m AccessMatrix) -> Self {
        Self {
            matrix,
            differences: None,
            title: "Access matrix".to_owned(),
        }
    }

    /// Marks what is different from an earlier matrix.
    pub fn since(mut self, earlier: &AccessMatrix) -> Self {
        self.differences = Some(self.matrix.differences(earlier));
        self
    }

    /// The heading, `Access matrix` if not said: which database this is, for instance.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// What has changed in a cell.
    pub(super) fn difference(&self, table: &TableAccess, cell: &Cell) -> Option<&Difference> {
        self.differences.as_ref()?.iter().find(|difference| {
            difference.table() == table.name()
                && difference.identity() == cell.identity()
                && difference.command() == cell.command()
        })
    }

    /// How the comparison came out, in one sentence.
    pub(super) fn verdict(&self) -> Option<String> {
        let differences = self.differences.as_ref()?;
        if differences.is_empty() {
            return Some("No cell differs from the saved matrix.".to_owned());
        }
        let count = |change| {
            let of_kind = differences
                .iter()
                .filter(|difference| difference.change() == change);
            of_kind.count()
        };
        Some(format!(
            "{} differ from the saved matrix: {} wider, {} changed, {} narrower.",
            counted(differences.len() as u64, "cell"),
            count(Change::Wider),
            count(Change::Other),
            count(Change::Narrower)
        ))
    }
}

/// How much a cell gives, for colours and signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    All,
    Some,
    None,
    NoGrant,
    Error,
    Untried,
}

impl Level {
    pub(super) const ALL: [Self; 6] = [
        Self::All,
        Self::Some,
        Self::None,
        Self::NoGrant,
        Self::Error,
        Self::Untried,
    ];

    pub(super) fn of(cell: &Cell) -> Self {
        match &cell.outcome {
            Outcome::Rows(reach) if reach.is_all() => Self::All,
            Outcome::Rows(reach) if reach.count > 0 => Self::Some,
            // Something let rows through, and something else stopped them.
            Outcome::Rows(reach) if !reach.errors.is_empty() => Self::Error,
            Outcome::Rows(_) => Self::None,
            Outcome::NoGrant => Self::NoGrant,
            Outcome::Failed { .. } | Outcome::TimedOut | Outcome::Locked => Self::Error,
            Outcome::Untried(_) => Self::Untried,
        }
    }

    pub(super) fn sign(self) -> char {
        match self {
            Self::All => '●',
            Self::Some => '◐',
            Self::None => '○',
            Self::NoGrant => '–',
            Self::Error => '!',
            Self::Untried => '?',
        }
    }

    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::All => "all rows",
            Self::Some => "some rows",
            Self::None => "no row",
            Self::NoGrant => "no grant: refused before any policy",
            Self::Error => "an error, or a time limit",
            Self::Untried => "not tried",
        }
    }
}

impl Change {
    pub(super) fn sign(self) -> char {
        match self {
            Self::Wider => '▲',
            Self::Other => '◆',
            Self::Narrower => '▼',
        }
    }
}

/// What a table is, in a line.
pub(super) fn about(table: &TableAccess) -> String {
    let mut about = table.kind().to_string();
    match table.rows() {
        Some(rows) => about.push_str(&format!(", {}", counted(rows, "row"))),
        None => about.push_str(", rows unknown"),
    }
    if table.rows().is_some() && !table.sees_all_rows() {
        about.push_str(" seen under its policies, there may be more");
    }
    about.push_str(match table.row_security() {
        RowSecurity::On => ", policies in force",
        RowSecurity::Forced => ", policies in force for its owner too",
        RowSecurity::Off => ", ROW LEVEL SECURITY IS OFF",
        RowSecurity::None => ", has no policies of its own",
    });
    about
}

/// A cell in two or three words.
pub(super) fn in_short(cell: &Cell) -> String {
    match &cell.outcome {
        Outcome::Rows(reach) => how_many(reach),
        Outcome::NoGrant => "no grant".to_owned(),
        Outcome::Failed { sql_state, .. } => format!("error {sql_state}"),
        Outcome::TimedOut => "timed out".to_owned(),
        Outcome::Locked => "locked".to_owned(),
        Outcome::Untried(_) => "not tried".to_owned(),
    }
}

/// What there is to say about a cell besides, each a few words.
pub(super) fn remarks(cell: &Cell) -> Vec<String> {
    let mut remarks = Vec::new();
    match &cell.outcome {
        Outcome::Rows(reach) => {
            if reach.unseen > 0 {
                remarks.push(format!("{} of them unseen", reach.unseen));
            }
            for error in &reach.errors {
                let stopped = if error.sql_state.starts_with("23") {
                    "stopped by"
                } else {
                    "failed with"
                };
                remarks.push(format!("{} {stopped} {}", error.rows, error.sql_state));
            }
        }
        Outcome::Untried(reason) => remarks.push(reason.to_string()),
        _ => {}
    }
    if let Some(columns) = &cell.columns {
        let columns: Vec<String> = columns.iter().map(|column| named(column)).collect();
        remarks.push(format!("columns: {}", columns.join(", ")));
    }
    remarks
}

/// The first keys of a cell, cut where they are long.
pub(super) fn first_keys(cell: &Cell) -> Option<String> {
    let reach = cell.reach()?;
    let keys = reach.keys()?;
    if keys.is_empty() {
        return None;
    }
    let mut texts: Vec<String> = keys.iter().take(SHOWN_KEYS).map(|key| cut(key)).collect();
    if reach.count > texts.len() as u64 {
        texts.push("…".to_owned());
    }
    Some(texts.join(", "))
}

/// A cell in one line.
pub(super) fn in_words(cell: &Cell) -> String {
    let mut words = match &cell.outcome {
        Outcome::Rows(reach) if reach.of != Some(0) => format!("{} rows", how_many(reach)),
        Outcome::Failed { sql_state, message } => format!("failed with {sql_state}: {}", named(message)),
        _ => in_short(cell),
    };
    if let Some(keys) = first_keys(cell) {
        words.push_str(&format!(" [{keys}]"));
    }
    for remark in remarks(cell) {
        words.push_str("; ");
        words.push_str(&remark);
    }
    words
}

/// What a cell means, for those who see such a matrix for the first time.
pub(super) fn sentence(cell: &Cell) -> String {
    let (does, tried) = match cell.command {
        Command::Select => ("sees", "looking"),
        Command::Insert => ("can add rows like", "adding a copy of each row"),
        Command::Update => ("can change", "writing each row as it is"),
        Command::Delete => ("can delete", "deleting"),
    };
    let who = named(&cell.identity);
    match &cell.outcome {
        Outcome::Rows(reach) if reach.of == Some(0) => format!("{who}: there are no rows."),
        Outcome::Rows(reach) if reach.count == 0 && !reach.errors.is_empty() => {
            format!("{who} {does} no row, but not for the rules for rows alone.")
        }
        Outcome::Rows(reach) if reach.count == 0 => {
            format!("{who} {does} no row: {tried} is allowed in principle, and the rules let no row through.")
        }
        Outcome::Rows(reach) => format!("{who} {does} {}.", of_rows(reach)),
        Outcome::NoGrant => format!(
            "{who}: the role has no grant for {} here (42501), so no policy was asked.",
            cell.command
        ),
        Outcome::Failed { .. } => format!("{who}: {tried} failed, though not for the rules for rows."),
        Outcome::TimedOut => format!("{who}: {tried} took longer than the limit."),
        Outcome::Locked => format!("{who}: {tried} had to wait for somebody else's lock for too long."),
        Outcome::Untried(reason) => format!("{who}: not tried, because: {reason}."),
    }
}

fn of_rows(reach: &Reach) -> String {
    match reach.of {
        Some(1) if reach.is_all() => "the one row that was tried".to_owned(),
        Some(of) if reach.is_all() => format!("all {of} rows that were tried"),
        Some(of) => format!("{} of {}", reach.count, counted(of, "row")),
        None => counted(reach.count, "row"),
    }
}

fn how_many(reach: &Reach) -> String {
    match reach.of {
        Some(0) => "empty".to_owned(),
        Some(of) if reach.is_all() => format!("all {of}"),
        Some(of) => format!("{} of {of}", reach.count),
        None => reach.count.to_string(),
    }
}

fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

fn cut(key: &str) -> String {
    let key = named(key);
    let cut = |part: &str| match part.chars().count() > LONGEST_KEY {
        true => part
            .chars()
            .take(LONGEST_KEY.saturating_sub(1))
            .chain(['…'])
            .collect(),
        false => part.to_owned(),
    };
    match key.strip_prefix('(').and_then(|key| key.strip_suffix(')')) {
        Some(columns) => {
            let columns: Vec<String> = columns.split(", ").map(cut).collect();
            format!("({})", columns.join(", "))
        }
        None => cut(&key),
    }
}

/// A text from outside, so that it stays in its line and in its direction: control characters and those that turn or
/// hide text are escaped.
pub(super) fn named(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        let is_unseen = matches!(
            char,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        );
        if char.is_control() || is_unseen {
            out.extend(char.escape_unicode());
        } else {
            out.push(char);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Level, cut, first_keys, in_words, named, sentence};
    use crate::inspect::matrix::{Cell, Command, Outcome, Reach, RowError};

    fn deleting(reach: Reach) -> Cell {
        Cell {
            identity: "Ada".to_owned(),
            command: Command::Delete,
            columns: None,
            outcome: Outcome::Rows(reach),
        }
    }

    /// Rows that a constraint alone has kept are no rows that are out of reach.
    #[test]
    fn what_is_stopped_does_not_look_like_what_is_refused() {
        let refused = deleting(Reach {
            of: Some(3),
            ..Reach::default()
        });
        assert_eq!(Level::of(&refused), Level::None);
        let stopped = deleting(Reach {
            of: Some(3),
            errors: vec![RowError {
                sql_state: "23503".to_owned(),
                message: "a key".to_owned(),
                rows: 2,
            }],
            ..Reach::default()
        });
        assert_eq!(Level::of(&stopped), Level::Error);
        assert_eq!(in_words(&stopped), "0 of 3 rows; 2 stopped by 23503");
        assert!(!sentence(&stopped).contains("let no row through"));
    }

    #[test]
    fn long_keys_are_cut_and_many_are_left_out() {
        assert_eq!(cut("123456789"), "123456789");
        assert_eq!(cut("1234567890"), "12345678…");
        assert_eq!(cut("(ääääääääää, 1, bbbbbbbbbb)"), "(ääääääää…, 1, bbbbbbbb…)");
        let keys = |count: u64, keys: &[&str]| {
            first_keys(&deleting(Reach {
                count,
                keys: Some(keys.iter().map(|key| (*key).to_owned()).collect()),
                ..Reach::default()
            }))
        };
        assert_eq!(keys(3, &["1", "2", "3"]).as_deref(), Some("1, 2, 3"));
        assert_eq!(keys(4, &["1", "2", "3", "4"]).as_deref(), Some("1, 2, 3, …"));
        assert_eq!(keys(9, &["1"]).as_deref(), Some("1, …"));
        assert_eq!(keys(0, &[]), None);
    }

    #[test]
    fn what_would_turn_hide_or_break_text_is_escaped() {
        assert_eq!(named("public.\"größe 🔑\""), "public.\"größe 🔑\"");
        assert_eq!(
            named("a\u{1b}[31m\nb\u{202e}c\u{200b}"),
            "a\\u{1b}[31m\\u{a}b\\u{202e}c\\u{200b}"
        );
    }
}
