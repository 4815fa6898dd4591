use std::fmt::{self, Write as _};

use super::{
    Cell, Change, Command, Outcome, Report, RowSecurity, TableAccess,
    report::{Level, about, first_keys, in_short, in_words, named, remarks, sentence},
};

const STYLE: &str = include_str!("page.css");

/// Cells with more keys list the first of them.
const LISTED_KEYS: usize = 30;

impl Report<'_> {
    /// The matrix as one page for a browser, light or dark as the reader has it. It loads nothing and runs nothing: no
    /// script, no font, no picture, and a policy of its own (CSP) forbids them.
    ///
    /// Nothing in names, keys and texts of errors from the database acts as HTML.
    #[must_use]
    pub fn to_html(&self) -> String {
        let title = Escaped(&self.title);
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n\
             <p>Who can see, add, change and delete which rows. Each cell was tried on the database itself and undone; \
             nothing was kept.</p>\n"
        );
        // Writing to a text does not fail.
        let _ = write_legend(&mut page);
        page.push_str("</header>\n<main>\n");
        let _ = self.write_changes(&mut page);
        let _ = self.write_overview(&mut page);
        for (index, table) in self.matrix.tables().iter().enumerate() {
            let _ = self.write_section(&mut page, index, table);
        }
        page.push_str("</main>\n</body>\n</html>\n");
        page
    }

    fn write_changes(&self, page: &mut String) -> fmt::Result {
        let Some(verdict) = self.verdict() else {
            return Ok(());
        };
        writeln!(
            page,
            "<section class=\"differences\">\n<h2>Since the saved matrix</h2>\n<p>{verdict}</p>"
        )?;
        let differences = self.differences.as_deref().unwrap_or_default();
        if !differences.is_empty() {
            page.push_str("<ul>\n");
            for difference in differences {
                let words = |cell: Option<&Cell>| cell.map_or("not tried".to_owned(), in_words);
                writeln!(
                    page,
                    "<li><span class=\"change {class}\">{sign} {change}</span><span><b>{table}</b> · {identity} · {command}: \
                     <span class=\"was\">{was}</span> → {now}</span></li>",
                    class = class_of_change(difference.change()),
                    sign = difference.change().sign(),
                    change = difference.change(),
                    table = Escaped(difference.table()),
                    identity = Escaped(difference.identity()),
                    command = difference.command(),
                    was = Escaped(&words(difference.earlier())),
                    now = Escaped(&words(difference.now())),
                )?;
            }
            page.push_str("</ul>\n");
        }
        page.push_str("</section>\n");
        Ok(())
    }

    /// One line for each table, four signs for each identity.
    fn write_overview(&self, page: &mut String) -> fmt::Result {
        page.push_str("<section>\n<h2>At a glance</h2>\n<div class=\"wide\"><table class=\"overview\">\n<thead><tr><th scope=\"col\">Table</th>");
        for identity in self.matrix.identities() {
            write!(
                page,
                "<th scope=\"col\">{}<small>{}</small></th>",
                Escaped(identity.name()),
                Escaped(identity.role())
            )?;
        }
        page.push_str("</tr></thead>\n<tbody>\n");
        for (index, table) in self.matrix.tables().iter().enumerate() {
            let name = Escaped(table.name());
            write!(
                page,
                "<tr><th scope=\"row\"><a href=\"#table-{index}\">{name}</a>{}</th>",
                warning(table)
            )?;
            for identity in self.matrix.identities() {
                page.push_str("<td><span class=\"chips\">");
                for command in Command::ALL {
                    if let Some(cell) = table.cell(identity.name(), command) {
                        self.write_chip(page, table, cell)?;
                    }
                }
                page.push_str("</span></td>");
            }
            page.push_str("</tr>\n");
        }
        page.push_str("</tbody>\n</table></div>\n</section>\n");
        Ok(())
    }

    fn write_chip(&self, page: &mut String, table: &TableAccess, cell: &Cell) -> fmt::Result {
        let changed = self.difference(table, cell);
        let letter = cell.command().as_sql().chars().next().unwrap_or_default();
        write!(
            page,
            "<span class=\"chip {}{}\" title=\"{}: {}\"><b>{letter}</b>{}{}</span>",
            class(cell),
            changed.map_or("", |_| " changed"),
            cell.command(),
            Escaped(&in_words(cell)),
            Level::of(cell).sign(),
            changed
                .map(|difference| {
                    let change = difference.change();
                    format!("<i class=\"{}\">{}</i>", class_of_change(change), change.sign())
                })
                .unwrap_or_default(),
        )
    }

    fn write_section(&self, page: &mut String, index: usize, table: &TableAccess) -> fmt::Result {
        writeln!(
            page,
            "<section id=\"table-{index}\">\n<h2>{}{}</h2>\n<p class=\"about\">{}</p>",
            Escaped(table.name()),
            warning(table),
            Escaped(&about(table)),
        )?;
        if let Some(error) = table.rows_error() {
            writeln!(
                page,
                "<p class=\"about\">The rows could not be read: {}</p>",
                Escaped(error)
            )?;
        }
        page.push_str("<div class=\"wide\"><table class=\"cells\">\n<thead><tr><th scope=\"col\">Who</th>");
        for command in Command::ALL {
            write!(page, "<th scope=\"col\">{command}</th>")?;
        }
        page.push_str("</tr></thead>\n<tbody>\n");
        for identity in self.matrix.identities() {
            write!(
                page,
                "<tr><th scope=\"row\">{}<small>{}</small></th>",
                Escaped(identity.name()),
                Escaped(identity.role())
            )?;
            for command in Command::ALL {
                if let Some(cell) = table.cell(identity.name(), command) {
                    self.write_cell(page, table, cell)?;
                }
            }
            page.push_str("</tr>\n");
        }
        page.push_str("</tbody>\n</table></div>\n</section>\n");
        Ok(())
    }

    fn write_cell(&self, page: &mut String, table: &TableAccess, cell: &Cell) -> fmt::Result {
        let changed = self.difference(table, cell);
        write!(
            page,
            "<td class=\"{}{}\"><details><summary><span class=\"sign\">{}</span> {}",
            class(cell),
            changed.map_or("", |_| " changed"),
            Level::of(cell).sign(),
            Escaped(&in_short(cell)),
        )?;
        for remark in first_keys(cell).into_iter().chain(remarks(cell)) {
            write!(page, " <small>{}</small>", Escaped(&remark))?;
        }
        if let Some(difference) = changed {
            let was = difference.earlier().map_or("not tried".to_owned(), in_short);
            write!(
                page,
                " <span class=\"change {}\">{} was {}</span>",
                class_of_change(difference.change()),
                difference.change().sign(),
                Escaped(&was)
            )?;
        }
        write!(page, "</summary><p>{}</p>", Escaped(&sentence(cell)))?;
        write_more(page, cell)?;
        page.push_str("</details></td>");
        Ok(())
    }
}

/// The keys and texts of errors, which only show when a cell is opened.
fn write_more(page: &mut String, cell: &Cell) -> fmt::Result {
    match cell.outcome() {
        Outcome::Rows(reach) => {
            let keys = reach.keys().unwrap_or_default();
            if !keys.is_empty() {
                page.push_str("<ul class=\"keys\">");
                for key in keys.iter().take(LISTED_KEYS) {
                    write!(page, "<li>{}</li>", Escaped(key))?;
                }
                let listed = keys.len().min(LISTED_KEYS) as u64;
                if reach.count() > listed {
                    write!(page, "<li>and {} more</li>", reach.count().saturating_sub(listed))?;
                }
                page.push_str("</ul>");
            }
            for error in reach.errors() {
                write!(
                    page,
                    "<p>{} × {}: {}</p>",
                    error.rows(),
                    Escaped(error.sql_state()),
                    Escaped(error.message())
                )?;
            }
        }
        Outcome::Failed { sql_state, message } => {
            write!(page, "<p>{}: {}</p>", Escaped(sql_state), Escaped(message))?;
        }
        _ => {}
    }
    Ok(())
}

fn write_legend(page: &mut String) -> fmt::Result {
    page.push_str("<ul class=\"legend\">\n");
    for level in Level::ALL {
        let classes = match level {
            Level::All | Level::Some => &["read", "write"][..],
            _ => &[""],
        };
        page.push_str("<li>");
        for kind in classes {
            write!(
                page,
                "<span class=\"chip {} {kind}\">{}</span> ",
                class_of_level(level),
                level.sign()
            )?;
        }
        writeln!(page, "{}</li>", level.meaning())?;
    }
    page.push_str(
        "</ul>\n<p class=\"hint\">Blue is reading, orange is writing. S, I, U, D: SELECT, INSERT (rows like those \
         that are there), UPDATE, DELETE. Open a cell for more.</p>\n",
    );
    Ok(())
}

fn warning(table: &TableAccess) -> &'static str {
    match table.row_security() {
        RowSecurity::Off => " <span class=\"warning\">RLS off</span>",
        _ => "",
    }
}

fn class(cell: &Cell) -> String {
    let kind = if cell.command().writes() { "write" } else { "read" };
    format!("{} {kind}", class_of_level(Level::of(cell)))
}

fn class_of_level(level: Level) -> &'static str {
    match level {
        Level::All => "all",
        Level::Some => "some",
        Level::None => "none",
        Level::NoGrant => "no-grant",
        Level::Error => "error",
        Level::Untried => "untried",
    }
}

fn class_of_change(change: Change) -> &'static str {
    match change {
        Change::Wider => "wider",
        Change::Other => "other",
        Change::Narrower => "narrower",
    }
}

/// A text as HTML has it, in an element or in an attribute between double quotes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in named(self.0).chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                char => f.write_char(char)?,
            }
        }
        Ok(())
    }
}
