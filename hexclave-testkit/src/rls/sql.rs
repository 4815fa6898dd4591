use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// One SQL statement, and values for its parameters.
///
/// Wherever one is wanted, a text does as well.
///
/// ```
/// use hexclave_testkit::rls::Sql;
///
/// let statement = Sql::new("update notes set body = $2 where id = $1").bind(7).bind("It's mine");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Sql {
    text: String,
    values: Vec<Option<String>>,
}

impl Sql {
    /// The statement, with parameters written `$1`, `$2`, …
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            values: Vec::new(),
        }
    }

    /// Gives the next parameter its value.
    ///
    /// What the parameter's type is, the database finds out; it reads the value from its text, as in
    /// `'2026-01-31'::date`. `None` is null, and lists and objects become JSON. Ids, as of
    /// [users](hexclave_core::UserId) and [teams](hexclave_core::TeamId), are values too.
    ///
    /// # Panics
    /// If the value has no JSON, such as a map whose keys are no texts.
    #[track_caller]
    pub fn bind(mut self, value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(Value::Null) => self.values.push(None),
            Ok(Value::String(text)) => self.values.push(Some(text)),
            Ok(other) => self.values.push(Some(other.to_string())),
            Err(error) => super::fail(&format!("a value of the statement has no JSON: {error}")),
        }
        self
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn values(&self) -> &[Option<String>] {
        &self.values
    }

    pub(super) fn command(&self) -> Command {
        Command::of(first_word(&self.text))
    }
}

impl From<&str> for Sql {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Sql {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&String> for Sql {
    fn from(text: &String) -> Self {
        Self::new(text)
    }
}

impl From<&Self> for Sql {
    fn from(sql: &Self) -> Self {
        sql.clone()
    }
}

/// What a statement does, so far as its first word tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Command {
    Select,
    Insert,
    Update,
    Delete,
    /// `WITH` and `MERGE`: any of the above.
    Any,
    /// Nothing with rows, such as `TRUNCATE` or `CALL`.
    Other,
    /// It would take the statement out of its transaction, or the transaction away from its user.
    Session,
}

impl Command {
    fn of(word: &str) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "SELECT" | "TABLE" | "VALUES" => Self::Select,
            "INSERT" => Self::Insert,
            "UPDATE" => Self::Update,
            "DELETE" => Self::Delete,
            "WITH" | "MERGE" => Self::Any,
            "ABORT" | "BEGIN" | "COMMIT" | "COPY" | "DEALLOCATE" | "DISCARD" | "END" | "EXECUTE"
            | "PREPARE" | "RELEASE" | "RESET" | "ROLLBACK" | "SAVEPOINT" | "SET" | "START" => Self::Session,
            _ => Self::Other,
        }
    }

    /// Whether it can say of how many rows it was.
    pub(super) fn has_rows(self) -> bool {
        !matches!(self, Self::Other | Self::Session)
    }

    /// The privileges that it needs on the whole: a `WHERE` reads.
    pub(super) fn privileges(self) -> &'static [&'static str] {
        match self {
            Self::Select => &["SELECT"],
            Self::Insert => &["INSERT"],
            Self::Update => &["UPDATE", "SELECT"],
            Self::Delete => &["DELETE", "SELECT"],
            Self::Any | Self::Other | Self::Session => &[],
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.privileges().first().unwrap_or(&"this command"))
    }
}

/// The first word behind white space, comments and parentheses.
fn first_word(sql: &str) -> &str {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|char: char| char.is_whitespace() || char == '(');
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, behind)| behind);
        } else if rest.starts_with("/*") {
            rest = behind_comment(rest);
        } else {
            let is_word = |char: char| char.is_ascii_alphabetic() || char == '_';
            let end = rest.find(|char| !is_word(char)).unwrap_or(rest.len());
            return rest.get(..end).unwrap_or_default();
        }
    }
}

/// What follows the comment at the beginning; comments nest.
fn behind_comment(sql: &str) -> &str {
    let (mut rest, mut depth) = (sql, 0_usize);
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix("/*") {
            (rest, depth) = (inside, depth + 1);
        } else if let Some(behind) = rest.strip_prefix("*/") {
            (rest, depth) = (behind, depth - 1);
            if depth == 0 {
                break;
            }
        } else {
            let mut chars = rest.chars();
            chars.next();
            rest = chars.as_str();
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_found_behind_comments() {
        for (sql, word) in [
            ("select 1", "select"),
            ("\n\t (( SELECT 1", "SELECT"),
            ("-- delete\n-- x\nupdate notes", "update"),
            ("/* a /* b */ delete */insert into", "insert"),
            ("-- nothing", ""),
            ("/* open", ""),
            ("", ""),
            ("truncate;", "truncate"),
            ("größe", "gr"),
        ] {
            assert_eq!(first_word(sql), word, "{sql}");
        }
    }

    #[test]
    fn values_are_bound_as_their_text() {
        let sql = Sql::new("")
            .bind(1)
            .bind("a 'b'")
            .bind(None::<i32>)
            .bind(true)
            .bind(vec![1])
            .bind(serde_json::json!({ "a": "b" }));
        let values: Vec<_> = sql.values().iter().map(Option::as_deref).collect();
        assert_eq!(
            values,
            [
                Some("1"),
                Some("a 'b'"),
                None,
                Some("true"),
                Some("[1]"),
                Some(r#"{"a":"b"}"#)
            ]
        );
    }
}
