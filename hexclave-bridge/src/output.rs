//! What the program prints. Colours go to terminals only, and `NO_COLOR` is honoured.

use std::{
    error::Error,
    fmt::{self, Display},
    io::{self, IsTerminal, Write},
    time::{Duration, SystemTime},
};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use terminal_size::{Width, terminal_size};

use crate::failure::Failure;

pub(crate) const HEADING: Style = Style::new().bold();
pub(crate) const QUIET: Style = Style::new().dimmed();
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// Prints to standard output. Whoever has stopped reading, as `head` does, has read enough.
pub(crate) fn text(text: impl Display) {
    let _ = write!(anstream::stdout(), "{text}");
}

/// Prints a line to standard output.
pub(crate) fn line(line: impl Display) {
    let _ = writeln!(anstream::stdout(), "{line}");
}

/// Prints a line about what is going on to standard error.
pub(crate) fn progress(line: impl Display) {
    let _ = writeln!(anstream::stderr(), "{QUIET}{line}{QUIET:#}");
}

/// Prints a line that somebody has to act upon to standard error.
pub(crate) fn notice(line: impl Display) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Prints an error to standard error: code and message, the reasons, the place in a file, and what to try next.
pub(crate) fn error(failure: &Failure) {
    let mut to = anstream::stderr();
    let write = |to: &mut dyn Write| -> io::Result<()> {
        let code = failure
            .code()
            .map(|code| format!(" ({code})"))
            .unwrap_or_default();
        let message = wrapped(&format!("error{code}: {}", printable(&failure.to_string())), "  ");
        let message = message.strip_prefix("error").unwrap_or(&message);
        writeln!(to, "{ERROR}error{ERROR:#}{message}")?;
        for cause in failure.causes() {
            writeln!(
                to,
                "{}",
                wrapped(&format!("  because: {}", printable(cause)), "    ")
            )?;
        }
        if let Some(token) = failure.token() {
            writeln!(to, "  check: {}", token.check())?;
            let rows = token.rows();
            if !rows.is_empty() {
                writeln!(to, "  the token says, and nothing of it is proven:")?;
            }
            for (name, value) in rows {
                writeln!(to, "    {QUIET}{name:<10}{QUIET:#} {}", printable(&value))?;
            }
        }
        write!(to, "{}", excerpt(failure))?;
        if let Some(hint) = failure.help() {
            writeln!(to, "{}", wrapped(&format!("  hint: {hint}"), "    "))?;
        }
        Ok(())
    };
    let _ = write(&mut to);
}

/// A text for standard error in lines that fit a terminal; elsewhere it stays one.
fn wrapped(text: &str, indent: &str) -> String {
    fit(text, indent, io::stderr().is_terminal())
}

/// The same, for standard output.
pub(crate) fn fitted(text: &str, indent: &str) -> String {
    fit(text, indent, io::stdout().is_terminal())
}

fn fit(text: &str, indent: &str, is_terminal: bool) -> String {
    match (is_terminal, terminal_size()) {
        (true, Some((Width(width), _))) => {
            let options = textwrap::Options::new(width.into())
                .subsequent_indent(indent)
                .break_words(false)
                .word_splitter(textwrap::WordSplitter::NoHyphenation);
            textwrap::fill(text, options)
        }
        _ => text.to_owned(),
    }
}

/// The lines of a file at fault, as miette draws them; without its message, which has been told.
fn excerpt(failure: &Failure) -> String {
    if failure.source_code().is_none() {
        return String::new();
    }
    let mut drawn = String::new();
    let drawing = GraphicalReportHandler::new_themed(GraphicalTheme::unicode())
        .with_context_lines(1)
        .with_wrap_lines(false)
        .render_report(&mut drawn, &Place(failure));
    match (drawing, drawn.split_once('\n')) {
        (Ok(()), Some((_message, lines))) => lines.to_owned(),
        _ => String::new(),
    }
}

/// Where a failure's fault is, and nothing else of it.
#[derive(Debug)]
struct Place<'a>(&'a Failure);

impl Display for Place<'_> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl Error for Place<'_> {}

impl Diagnostic for Place<'_> {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.0.labels()
    }
}

/// The columns of the terminal that standard output goes to.
pub(crate) fn width() -> Option<u16> {
    let is_terminal = io::stdout().is_terminal();
    terminal_size()
        .filter(|_| is_terminal)
        .map(|(Width(width), _)| width)
}

/// A table without lines, as wide as the terminal; elsewhere, each row is one line.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    if let Some(width) = width() {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    table
}

/// The lines of a table, without blanks at their ends.
pub(crate) fn lines_of(table: &Table) -> String {
    table
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

/// A text from outside without what could steer a terminal; line ends stay.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// A span of time in words, in its largest unit.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (seconds / 60, "minute"),
        7_200..=172_799 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// A time as seen from now.
pub(crate) fn ago(time: SystemTime) -> String {
    match time.duration_since(SystemTime::now()) {
        Ok(left) => format!("in {}", span(left)),
        Err(past) => format!("{} ago", span(past.duration())),
    }
}

/// A time in whole seconds since 1970.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(printable("Zoë \u{1b}[2J\u{7}"), "Zoë \\u{1b}[2J\\u{7}");
    }

    #[test]
    fn spans_are_in_their_largest_unit() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (3600, "60 minutes"),
            (7200, "2 hours"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }
}
