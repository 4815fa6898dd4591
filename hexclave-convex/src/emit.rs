//! An [`AuthConfig`] as source text. The same configuration gives the same bytes.

use crate::{AuthConfig, Provider};

/// The line that tells an emitted file from a hand-written one.
const MARK: &str = "// Made by `hexclave-bridge convex auth-config`";

pub(crate) fn is_emitted(text: &str) -> bool {
    text.lines().any(|line| line.starts_with(MARK))
}

pub(crate) fn typescript(config: &AuthConfig) -> String {
    let (comment, literal) = (comment(config), Literal::Script.of(config.providers()));
    format!(
        "{comment}import type {{ AuthConfig }} from \"convex/server\";\n\n\
         export default {literal} satisfies AuthConfig;\n"
    )
}

pub(crate) fn javascript(config: &AuthConfig) -> String {
    let (comment, literal) = (comment(config), Literal::Script.of(config.providers()));
    format!(
        "{comment}\n\
         export default /** @satisfies {{import(\"convex/server\").AuthConfig}} */ ({literal});\n"
    )
}

pub(crate) fn json(config: &AuthConfig) -> String {
    let mut text = Literal::Json.of(config.providers());
    text.push('\n');
    text
}

/// What is in the file and how to make it again. Nothing in it comes from outside unchecked: ids, URLs and
/// kinds hold no line ends.
fn comment(config: &AuthConfig) -> String {
    let what = match config.project() {
        Some(project) => format!(
            "// Lets {} users of the Hexclave project {}\n// call this Convex deployment, with tokens from {}.\n",
            listed(project.kinds.iter().map(|kind| kind.to_string())),
            project.id,
            listed(project.hosts.iter().cloned()),
        ),
        None => "// The issuers whose tokens this Convex deployment accepts.\n".to_owned(),
    };
    what + MARK + ": run that again instead of editing this file.\n"
}

/// `a`, `a and b`, `a, b and c`.
fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    match items.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// How an object is written: with bare names and a comma after the last member, or as JSON.
#[derive(Clone, Copy)]
enum Literal {
    Script,
    Json,
}

impl Literal {
    fn of(self, providers: &[Provider]) -> String {
        let entries = providers.iter().map(|provider| {
            let members = provider.members();
            let members = members
                .iter()
                .map(|(name, value)| format!("      {}: {}", self.name(name), string(value)));
            format!("    {{\n{}    }}", self.lines(members))
        });
        let list = match providers {
            [] => "[]".to_owned(),
            _ => format!("[\n{}  ]", self.lines(entries)),
        };
        let providers = format!("  {}: {list}", self.name("providers"));
        format!("{{\n{}}}", self.lines([providers].into_iter()))
    }

    fn name(self, name: &str) -> String {
        match self {
            Self::Script => name.to_owned(),
            Self::Json => string(name),
        }
    }

    fn lines(self, items: impl Iterator<Item = String>) -> String {
        let after_last = match self {
            Self::Script => ",\n",
            Self::Json => "\n",
        };
        items.collect::<Vec<_>>().join(",\n") + after_last
    }
}

/// A string that JSON and JavaScript read alike. U+2028 and U+2029 end a line in older JavaScript.
pub(crate) fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(char)));
            }
            _ => out.push(char),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_for_json_and_javascript() {
        for (text, literal) in [
            ("", r#""""#),
            (r#"a"b\c/d"#, r#""a\"b\\c/d""#),
            ("\n\r\t\u{8}\0", r#""\n\r\t\u0008\u0000""#),
            ("\u{7f}\u{85}", r#""\u007f\u0085""#),
            ("\u{2028}\u{2029}", r#""\u2028\u2029""#),
            ("`${x}` 'Zoë' 🦀 </script>", r#""`${x}` 'Zoë' 🦀 </script>""#),
        ] {
            assert_eq!(string(text), literal);
            assert_eq!(serde_json::from_str::<String>(literal).expect("JSON"), text);
        }
    }

    #[test]
    fn lists_read_like_prose() {
        let said = |items: &[&str]| listed(items.iter().map(ToString::to_string));
        assert_eq!(said(&["a"]), "a");
        assert_eq!(said(&["a", "b"]), "a and b");
        assert_eq!(said(&["a", "b", "c"]), "a, b and c");
    }
}
