use std::{ops::Range, path::Path};

use miette::{LabeledSpan, NamedSource, SourceCode};

/// A place in a file that somebody has written, to be shown with what is wrong there.
///
/// What stands behind the name of a setting is shown only if that setting is known not to be a secret: people put
/// secrets where they do not belong, and mistype their names.
#[derive(Debug)]
pub(crate) struct Excerpt {
    source: NamedSource<String>,
    span: Range<usize>,
    label: String,
}

impl Excerpt {
    /// The bytes `span` of a TOML file; `may_be_shown` says of which settings the values may be.
    pub(crate) fn of_toml(
        file: &Path,
        text: &str,
        span: Range<usize>,
        label: impl Into<String>,
        may_be_shown: impl Fn(&str) -> bool,
    ) -> Self {
        let masked: String = text
            .split_inclusive('\n')
            .map(|line| masked(line, &may_be_shown))
            .collect();
        Self {
            source: NamedSource::new(file.display().to_string(), masked),
            span,
            label: label.into(),
        }
    }

    pub(crate) fn source(&self) -> &dyn SourceCode {
        &self.source
    }

    pub(crate) fn label(&self) -> LabeledSpan {
        LabeledSpan::new_with_span(Some(self.label.clone()), self.span.clone())
    }
}

/// A line of TOML, as long as it was, without the value that it gives.
fn masked(line: &str, may_be_shown: &impl Fn(&str) -> bool) -> String {
    let start = line.trim_start();
    let is_heading = start.starts_with('[') && !start.contains(['"', '\'']);
    if is_heading {
        return line.to_owned();
    }
    match line.split_once('=') {
        // Before an @ in a URL there may be a password, and behind a # there may be anything.
        Some((name, value)) if may_be_shown(name.trim()) && !value.contains(['@', '#']) => line.to_owned(),
        Some((name, value)) => format!("{name}={}", stars(value)),
        None => stars(line),
    }
}

/// A star for each byte that can be seen, so that places stay where they are.
fn stars(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let mask = if c.is_whitespace() { c } else { '*' };
            let count = if c.is_whitespace() { 1 } else { c.len_utf8() };
            std::iter::repeat_n(mask, count)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_hidden_unless_they_are_known_to_be_harmless() {
        let known = |name: &str| name == "project-id";
        for (line, shown) in [
            ("project-id = \"x\"\n", "project-id = \"x\"\n"),
            ("projct-id = \"ä b\"\r\n", "projct-id = *** **\r\n"),
            ("project-id = \"ada:hunter2@x\"", "project-id = ***************"),
            ("  hunter2\n", "  *******\n"),
            ("[supabase]", "[supabase]"),
            ("# hunter2", "* *******"),
            ("[\"hunter2\"]", "***********"),
        ] {
            assert_eq!(masked(line, &known), shown);
            assert_eq!(masked(line, &known).len(), line.len());
        }
    }
}
