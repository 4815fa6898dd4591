//! An [`AuthConfig`] as source text. The same configuration gives the same bytes.

use aws_lc_rs::digest::{SHA256, digest};

use super::auth_config::Project;
use crate::{AuthConfig, Provider};

/// What the line begins with that tells an emitted file from a hand-written one; the digest of all other lines follows.
const MARK: &str = "// Made by `hexclave-bridge convex auth-config` (";
/// Between these lines are our providers, in a file that may have others.
pub(crate) const BEGIN: &str = "// hexclave-bridge: begin";
pub(crate) const END: &str = "// hexclave-bridge: end";

/// Whether a script is one of ours and was not changed since, line ends aside.
pub(crate) fn is_emitted(text: &str) -> bool {
    let mut marks = text.lines().filter_map(|line| line.strip_prefix(MARK));
    match (marks.next(), marks.next()) {
        (Some(mark), None) => mark.starts_with(&digest_of(text)),
        _ => false,
    }
}

pub(crate) fn typescript(config: &AuthConfig) -> String {
    let environment = config
        .project()
        .and_then(|project| project.environment.as_deref());
    let declaration = environment.map_or_else(String::new, |name| {
        format!("\ndeclare const process: {{ env: {{ {name}: string }} }};\n")
    });
    marked(format!(
        "{}import type {{ AuthConfig }} from \"convex/server\";\n{declaration}\nexport default {{\n  providers: [\n{}  \
         ],\n}} satisfies AuthConfig;\n",
        comment(config),
        section(config, "    "),
    ))
}

pub(crate) fn javascript(config: &AuthConfig) -> String {
    marked(format!(
        "{}\nexport default /** @satisfies {{import(\"convex/server\").AuthConfig}} */ ({{\n  providers: [\n{}  ],\n}});\n",
        comment(config),
        section(config, "    "),
    ))
}

/// An object with the list `providers`, a line end after it.
pub(crate) fn json(providers: &[Provider]) -> String {
    let list = json_list(providers).replace('\n', "\n  ");
    format!("{{\n  \"providers\": {list}\n}}\n")
}

/// The bare list, without a line end after it.
pub(crate) fn json_list(providers: &[Provider]) -> String {
    let entries: Vec<_> = providers
        .iter()
        .map(|provider| {
            let members = provider.members();
            let members = members
                .iter()
                .map(|(name, value)| format!("    {}: {}", string(name), string(value)));
            format!("  {{\n{}\n  }}", members.collect::<Vec<_>>().join(",\n"))
        })
        .collect();
    match providers {
        [] => "[]".to_owned(),
        _ => format!("[\n{}\n]", entries.join(",\n")),
    }
}

/// The providers as elements of a list in a script, between the two lines that mark them.
pub(crate) fn section(config: &AuthConfig, indent: &str) -> String {
    let mut text = format!("{indent}{BEGIN}\n");
    for provider in config.written() {
        text.push_str(&format!("{indent}{{\n"));
        for (name, value) in provider.members() {
            text.push_str(&format!(
                "{indent}  {name}: {},\n",
                literal(name, value, config.project())
            ));
        }
        text.push_str(&format!("{indent}}},\n"));
    }
    text + indent + END + "\n"
}

/// A member's value: a string, or a template for one that has the project's id in it and takes it from the environment.
fn literal(name: &str, value: &str, project: Option<&Project>) -> String {
    let environment =
        project.and_then(|project| Some((project.id.as_str(), project.environment.as_deref()?)));
    if let ("applicationID" | "issuer" | "jwks", Some((id, variable))) = (name, environment)
        && let Some((before, after)) = value.rsplit_once(id)
    {
        return format!(
            "`{}${{process.env.{variable}}}{}`",
            template_text(before),
            template_text(after)
        );
    }
    string(value)
}

/// What is in the file and how to make it again. Nothing in it comes from outside unchecked: ids, URLs, kinds and names
/// of variables hold no line ends.
fn comment(config: &AuthConfig) -> String {
    let mut text = match config.project() {
        Some(project) => format!(
            "// Lets {} users of the Hexclave project {}\n// call this Convex deployment, with tokens from {}.\n",
            listed(project.kinds.iter().map(|kind| kind.to_string())),
            match &project.environment {
                Some(name) => format!("whose id is in {name}"),
                None => project.id.to_string(),
            },
            listed(project.hosts.iter().map(ToString::to_string)),
        ),
        None => "// The issuers whose tokens this Convex deployment accepts.\n".to_owned(),
    };
    if let Some(name) = config
        .project()
        .and_then(|project| project.environment.as_deref())
    {
        text.push_str(&format!(
            "// Convex refuses this file while that is not set: `npx convex env set {name} <project id>`\n"
        ));
    }
    let inline: usize = config
        .written()
        .iter()
        .filter_map(Provider::inline_jwks_len)
        .sum();
    if inline > 0 {
        text.push_str(&format!(
            "// The project's keys are in it ({inline} bytes): when they change, make it anew and push it.\n"
        ));
    }
    text + MARK
        + "); run that again instead of editing it.\n// Other providers go outside the marked lines; with \
                  `--merge` they are kept.\n"
}

/// A text with the digest of itself at its mark.
fn marked(text: String) -> String {
    let digest = digest_of(&text);
    text.replacen(MARK, &format!("{MARK}{digest}"), 1)
}

/// 16 hexadecimal digits of all lines but the one with the mark.
fn digest_of(text: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with(MARK)).collect();
    let digest = digest(&SHA256, lines.join("\n").as_bytes());
    digest
        .as_ref()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
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

/// A text between backticks.
fn template_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('`', "\\`").replace('$', "\\$")
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
    fn templates_hold_nothing_but_text() {
        assert_eq!(template_text("`${x}` \\ $"), "\\`\\${x}\\` \\\\ \\$");
    }

    #[test]
    fn lists_read_like_prose() {
        let said = |items: &[&str]| listed(items.iter().map(ToString::to_string));
        assert_eq!(said(&["a"]), "a");
        assert_eq!(said(&["a", "b"]), "a and b");
        assert_eq!(said(&["a", "b", "c"]), "a, b and c");
    }
}
