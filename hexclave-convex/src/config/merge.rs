//! An [`AuthConfig`] put into a file that has other things in it.

use serde_json::Value;

use super::{
    emit::{self, BEGIN, END},
    parse,
};
use crate::{AuthConfig, ConvexError, error::Kind};

/// Replaces what is between the marked lines.
pub(crate) fn script(config: &AuthConfig, existing: &str) -> Result<String, ConvexError> {
    let lines: Vec<_> = existing.split_inclusive('\n').collect();
    let places = |mark: &str| -> Vec<usize> {
        let marked = lines.iter().enumerate().filter(|(_, line)| line.trim() == mark);
        marked.map(|(place, _)| place).collect()
    };
    let (begin, end) = match (places(BEGIN).as_slice(), places(END).as_slice()) {
        ([begin], [end]) if begin < end => (*begin, *end),
        ([], []) => {
            return Err(refused(format!(
                "the file has no place for the providers: write the lines `{BEGIN}` and `{END}` into its list of \
                 providers, and what is between them is kept up to date"
            )));
        }
        _ => {
            return Err(refused(format!(
                "the file needs the line `{BEGIN}` once, and after it the line `{END}` once"
            )));
        }
    };
    let (before, after) = (
        lines.get(..begin).unwrap_or_default(),
        lines.get(end + 1..).unwrap_or_default(),
    );
    if !expects_an_element(before) {
        return Err(refused(format!(
            "the line `{BEGIN}` does not stand between the elements of a list: what is before it ends neither in `[` nor \
             in a comma"
        )));
    }
    let indent = lines.get(begin).map_or("", |line| {
        line.get(..line.len() - line.trim_start().len())
            .unwrap_or_default()
    });
    let line_end = if existing.contains("\r\n") { "\r\n" } else { "\n" };
    let section = emit::section(config, indent).replace('\n', line_end);
    Ok([&before.concat(), &section, &after.concat()]
        .map(String::as_str)
        .concat())
}

/// Replaces the project's providers.
pub(crate) fn json(config: &AuthConfig, existing: &str) -> Result<String, ConvexError> {
    parse::providers(existing)?;
    let unreadable = |error: serde_json::Error| {
        ConvexError::new(Kind::ConfigNotJson, "the auth config is not JSON").with_source(error)
    };
    let mut document: Value = serde_json::from_str(existing).map_err(unreadable)?;
    let own: Vec<Value> = serde_json::from_str(&emit::json_list(config.written())).map_err(unreadable)?;

    let mut issuers: Vec<_> = config
        .project()
        .into_iter()
        .flat_map(|project| project.issuers())
        .collect();
    issuers.extend(
        config
            .written()
            .iter()
            .map(|provider| provider.issuer().to_owned()),
    );
    let is_own = |entry: &Value| {
        let issuer = entry.get("issuer").and_then(Value::as_str);
        issuer.is_some_and(|issuer| {
            let issuer = issuer.trim_end_matches('/');
            issuers
                .iter()
                .any(|own| own == issuer || own.strip_prefix("https://") == Some(issuer))
        })
    };
    let entries = match &mut document {
        Value::Object(members) => members.get_mut("providers"),
        list => Some(list),
    };
    if let Some(entries) = entries.and_then(Value::as_array_mut) {
        entries.retain(|entry| !is_own(entry));
        entries.extend(own);
    }
    let merged = serde_json::to_string_pretty(&document).map_err(unreadable)? + "\n";
    parse::providers(&merged)?;
    Ok(merged)
}

/// Whether a list may go on after these lines. Whole lines of comments, and comments behind a comma, are passed over.
fn expects_an_element(before: &[&str]) -> bool {
    let is_code =
        |line: &&str| !line.is_empty() && !["//", "/*", "*"].iter().any(|mark| line.starts_with(mark));
    let last = before.iter().rev().map(|line| line.trim()).find(is_code);
    last.as_ref().is_some_and(|line| {
        let code = line.rsplit_once(" //").map_or(*line, |(code, _)| code.trim_end());
        code.ends_with(['[', ','])
    })
}

fn refused(message: String) -> ConvexError {
    ConvexError::new(Kind::MergeRefused, message)
}
