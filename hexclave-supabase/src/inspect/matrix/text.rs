use std::fmt::Write as _;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::{
    Cell, Change, Command, Report, TableAccess,
    report::{Level, about, first_keys, in_short, named, remarks},
};

/// Narrower than this, words would come apart.
const NARROWEST: u16 = 60;
const NARROWEST_NAMES: u16 = 8;
const WIDEST_NAMES: u16 = 24;
/// What the four columns of a table take at most.
const WIDEST_CELL: u16 = 30;
/// A space on both sides.
const PADDING: u16 = 2;
/// One between each two of five columns.
const SEPARATORS: u16 = 4;

const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const BLUE: &str = "\u{1b}[34m";
const MAGENTA: &str = "\u{1b}[35m";
const RESET: &str = "\u{1b}[0m";

impl Report<'_> {
    /// The matrix for a terminal: tables of at most `width` columns (at least 60), with ANSI colours or without.
    ///
    /// Names and keys from the database cannot bring control characters into it.
    #[cfg_attr(docsrs, doc(cfg(feature = "terminal")))]
    #[must_use]
    pub fn to_text(&self, width: u16, colours: bool) -> String {
        let paint = Paint { colours };
        let mut text = format!("{}\n", paint.text(BOLD, &named(&self.title)));
        let signs = Level::ALL.map(|level| format!("{} {}", paint.level(level), level.meaning()));
        // Writing to a text does not fail.
        let (rows, others) = signs.split_at(3);
        let _ = writeln!(text, "{}\n{}", rows.join("   "), others.join("   "));
        self.write_differences(&mut text, paint);
        for table in self.matrix.tables() {
            let _ = writeln!(
                text,
                "\n{}  {}",
                paint.text(BOLD, &named(table.name())),
                paint.text(DIM, &about(table))
            );
            if let Some(error) = table.rows_error() {
                let _ = writeln!(text, "the rows could not be read: {}", named(error));
            }
            let _ = writeln!(text, "{}", paint.signs(&self.table_text(table, width)));
        }
        text
    }

    fn write_differences(&self, text: &mut String, paint: Paint) {
        let Some(verdict) = self.verdict() else {
            return;
        };
        let _ = writeln!(text, "\n{}", paint.text(BOLD, &verdict));
        for difference in self.differences.iter().flatten() {
            let _ = writeln!(text, "{} {difference}", paint.change(difference.change()));
        }
    }

    fn table_text(&self, table: &TableAccess, width: u16) -> String {
        let identities = self.matrix.identities();
        let mut cells = Table::new();
        cells
            .load_style(presets::UTF8_HORIZONTAL_ONLY)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width.max(NARROWEST))
            .set_header(["", "SELECT", "INSERT", "UPDATE", "DELETE"])
            .set_constraints(self.widths(width));
        for identity in identities {
            let mut row = vec![format!("{}\n{}", named(identity.name()), named(identity.role()))];
            row.extend(Command::ALL.iter().map(|command| {
                let cell = table.cell(identity.name(), *command);
                cell.map(|cell| self.cell_text(table, cell)).unwrap_or_default()
            }));
            cells.add_row(row);
        }
        cells.trim_fmt()
    }

    /// The same for each table, so that they stand below one another.
    fn widths(&self, width: u16) -> Vec<ColumnConstraint> {
        let longest = self
            .matrix
            .identities()
            .iter()
            .flat_map(|identity| [identity.name(), identity.role()])
            .map(|text| named(text).chars().count())
            .max();
        let longest = longest.and_then(|longest| u16::try_from(longest).ok());
        let names = longest
            .unwrap_or(WIDEST_NAMES)
            .clamp(NARROWEST_NAMES, WIDEST_NAMES);
        let names = names.saturating_add(PADDING);
        let cell = width
            .max(NARROWEST)
            .saturating_sub(names.saturating_add(SEPARATORS))
            .saturating_div(4)
            .min(WIDEST_CELL);
        let fixed = |width| ColumnConstraint::Absolute(Width::Fixed(width));
        [fixed(names)].into_iter().chain([fixed(cell); 4]).collect()
    }

    fn cell_text(&self, table: &TableAccess, cell: &Cell) -> String {
        let mut lines = vec![format!("{} {}", Level::of(cell).sign(), in_short(cell))];
        lines.extend(first_keys(cell));
        lines.extend(remarks(cell));
        if let Some(difference) = self.difference(table, cell) {
            let was = difference.earlier().map_or("not tried".to_owned(), in_short);
            lines.push(format!("{} was {was}", difference.change().sign()));
        }
        lines.join("\n")
    }
}

/// Colours, or none.
#[derive(Clone, Copy)]
struct Paint {
    colours: bool,
}

impl Paint {
    fn text(self, style: &str, text: &str) -> String {
        match self.colours {
            true => format!("{style}{text}{RESET}"),
            false => text.to_owned(),
        }
    }

    fn level(self, level: Level) -> String {
        let colour = match level {
            Level::All => RED,
            Level::Some => YELLOW,
            Level::None => GREEN,
            Level::NoGrant => DIM,
            Level::Error => MAGENTA,
            Level::Untried => BLUE,
        };
        self.text(colour, &level.sign().to_string())
    }

    fn change(self, change: Change) -> String {
        let colour = match change {
            Change::Wider => RED,
            Change::Other => YELLOW,
            Change::Narrower => GREEN,
        };
        self.text(colour, &change.sign().to_string())
    }

    /// The signs in a table that is laid out: before that, the colours would count as characters. A sign has a space
    /// on both sides, whatever a name may have.
    fn signs(self, table: &str) -> String {
        let mut text = table.to_owned();
        if self.colours {
            for level in Level::ALL {
                text = text.replace(
                    &format!("  {} ", level.sign()),
                    &format!("  {} ", self.level(level)),
                );
            }
            for change in [Change::Wider, Change::Other, Change::Narrower] {
                text = text.replace(
                    &format!(" {} was ", change.sign()),
                    &format!(" {} was ", self.change(change)),
                );
            }
        }
        text
    }
}
