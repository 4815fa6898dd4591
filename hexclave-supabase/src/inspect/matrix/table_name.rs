use std::{fmt, str::FromStr};

use crate::{Error, ErrorKind, error::quoted, identifier};

/// The name of a table, view or other relation: schema and name, each exactly as the catalogue has it.
///
/// As text it is what SQL takes: `notes` (in `public`), `app.notes`, `"Odd schema"."The table"`. Without double quotes a
/// name is in lower case, whatever it was written in (PostgreSQL, "Identifiers and Key Words").
///
/// ```
/// use hexclave_supabase::inspect::matrix::TableName;
///
/// let name: TableName = "App.notes".parse()?;
/// assert_eq!(name, TableName::new("app", "notes")?);
/// assert_eq!(TableName::new("app", "Notes")?.to_string(), r#""app"."Notes""#);
/// # Ok::<(), hexclave_supabase::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    schema: String,
    table: String,
}

impl TableName {
    /// A name from its two parts.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a part that is empty or has U+0000, which no name in PostgreSQL can be.
    pub fn new(schema: impl Into<String>, table: impl Into<String>) -> Result<Self, Error> {
        let name = Self {
            schema: schema.into(),
            table: table.into(),
        };
        for part in [&name.schema, &name.table] {
            if part.is_empty() || part.contains('\0') {
                return Err(refused(part));
            }
        }
        Ok(name)
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The name in the schema.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }
}

/// Reads the name as SQL would.
impl FromStr for TableName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (first, rest) = part(text).ok_or_else(|| refused(text))?;
        let (schema, table, rest) = match rest.strip_prefix('.') {
            Some(rest) => {
                let (second, rest) = part(rest).ok_or_else(|| refused(text))?;
                (first, second, rest)
            }
            None => ("public".to_owned(), first, rest),
        };
        if !rest.is_empty() {
            return Err(refused(text));
        }
        Self::new(schema, table)
    }
}

/// Both parts in double quotes.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (schema, table) = (identifier::quoted(&self.schema), identifier::quoted(&self.table));
        f.pad(&format!("{schema}.{table}"))
    }
}

/// One part of a name, and what is behind it.
fn part(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let is_plain = |char: char| char.is_alphanumeric() || matches!(char, '_' | '$');
        let (plain, rest) = text.split_at(text.find(|char| !is_plain(char)).unwrap_or(text.len()));
        // PostgreSQL folds ASCII letters, and others only in single-byte encodings.
        return (!plain.is_empty()).then(|| (plain.to_ascii_lowercase(), rest));
    };
    let mut name = String::new();
    loop {
        let (before, behind) = rest.split_once('"')?;
        name.push_str(before);
        match behind.strip_prefix('"') {
            Some(behind) => {
                name.push('"');
                rest = behind;
            }
            None => return Some((name, behind)),
        }
    }
}

fn refused(text: &str) -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        format!(
            "{} is no name of a table: expected `table`, `schema.table`, or either part in double quotes",
            quoted(text)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_sql_reads_them() {
        for (text, schema, table) in [
            ("notes", "public", "notes"),
            ("Notes", "public", "notes"),
            (r#""Notes""#, "public", "Notes"),
            ("app.notes_2$", "app", "notes_2$"),
            (r#""a.b"."c""d""#, "a.b", "c\"d"),
            (
                r#"app."<script>; drop table x; --""#,
                "app",
                "<script>; drop table x; --",
            ),
            ("größe", "public", "größe"),
        ] {
            let name: TableName = text.parse().expect(text);
            assert_eq!((name.schema(), name.table()), (schema, table));
            assert_eq!(name.to_string().parse::<TableName>().expect("its own text"), name);
        }
        for text in [
            "", ".", "a.", ".a", "a.b.c", "a b", "a;", r#"""#, r#""a"#, r#""""#, r#""a"b"#, "\"a\0\"", "a-b",
        ] {
            let error = text.parse::<TableName>().expect_err(text);
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{text}");
        }
    }
}
