use std::fmt::Write as _;

use super::{
    Cell, Command, Report, TableAccess,
    report::{Level, about, first_keys, in_short, named, remarks},
};

impl Report<'_> {
    /// The matrix as Markdown, as GitHub reads it: a heading and a table for each table of the database.
    ///
    /// Nothing in names and keys from the database acts as Markdown or HTML.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = format!("# {}\n\n", escaped(&self.title));
        let signs = Level::ALL.map(|level| format!("{} {}", level.sign(), level.meaning()));
        // Writing to a text does not fail.
        let _ = writeln!(text, "{}", signs.join(" · "));
        if let Some(verdict) = self.verdict() {
            let _ = writeln!(text, "\n**{verdict}**\n");
            for difference in self.differences.iter().flatten() {
                let _ = writeln!(
                    text,
                    "- {} {}",
                    difference.change().sign(),
                    escaped(&difference.to_string())
                );
            }
        }
        for table in self.matrix.tables() {
            self.write_table(&mut text, table);
        }
        text
    }

    fn write_table(&self, text: &mut String, table: &TableAccess) {
        let _ = writeln!(
            text,
            "\n## {}\n\n{}\n",
            escaped(table.name()),
            escaped(&about(table))
        );
        if let Some(error) = table.rows_error() {
            let _ = writeln!(text, "The rows could not be read: {}\n", escaped(error));
        }
        let _ = writeln!(
            text,
            "| | role | SELECT | INSERT | UPDATE | DELETE |\n|---|---|---|---|---|---|"
        );
        for identity in self.matrix.identities() {
            let _ = write!(
                text,
                "| {} | {} |",
                escaped(identity.name()),
                escaped(identity.role())
            );
            for command in Command::ALL {
                let cell = table.cell(identity.name(), command);
                let _ = write!(
                    text,
                    " {} |",
                    cell.map(|cell| self.cell_markdown(table, cell))
                        .unwrap_or_default()
                );
            }
            text.push('\n');
        }
    }

    fn cell_markdown(&self, table: &TableAccess, cell: &Cell) -> String {
        let mut parts = vec![format!("{} {}", Level::of(cell).sign(), escaped(&in_short(cell)))];
        parts.extend(first_keys(cell).map(|keys| escaped(&keys)));
        parts.extend(remarks(cell).iter().map(|remark| escaped(remark)));
        if let Some(difference) = self.difference(table, cell) {
            let was = difference.earlier().map_or("not tried".to_owned(), in_short);
            parts.push(format!(
                "**{} was {}**",
                difference.change().sign(),
                escaped(&was)
            ));
        }
        parts.join("<br>")
    }
}

/// A text that stands for itself in Markdown (CommonMark, "Backslash escapes" and "Entity references").
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in named(text).chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // No mention of an account, and no link by itself.
            '@' => out.push_str("&#64;"),
            ':' => out.push_str("&#58;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' => {
                out.push('\\');
                out.push(char);
            }
            _ => out.push(char),
        }
    }
    out
}
