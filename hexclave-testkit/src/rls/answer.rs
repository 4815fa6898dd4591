//! What a statement gave, and whether that was expected.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Number, Value};
use tokio_postgres::types::Type;

/// So many rows, and so many characters of a value, are shown.
const SHOWN_ROWS: usize = 20;
const SHOWN_WIDTH: usize = 60;

/// What a statement gave that was not refused.
pub(super) struct Answer {
    pub(super) columns: Vec<(String, Type)>,
    /// The values as the database writes them.
    pub(super) rows: Vec<Vec<Option<String>>>,
    /// How many rows were returned, or else touched.
    pub(super) count: u64,
}

impl Answer {
    /// The rows as JSON objects.
    pub(super) fn objects(&self) -> Vec<Value> {
        let object = |row: &Vec<Option<String>>| {
            let members = self.columns.iter().zip(row);
            let members = members.map(|((name, kind), value)| (name.clone(), json(value.as_deref(), kind)));
            Value::Object(members.collect::<Map<_, _>>())
        };
        self.rows.iter().map(object).collect()
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    }
}

/// A table, as `psql` shows it.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![self.columns.iter().map(|(name, _)| shown(Some(name))).collect()];
        for row in self.rows.iter().take(SHOWN_ROWS) {
            lines.push(row.iter().map(|value| shown(value.as_deref())).collect());
        }
        table(f, &lines)?;
        match self.rows.len().checked_sub(SHOWN_ROWS) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, "\n    … and {more} more"),
        }
    }
}

fn table(f: &mut fmt::Formatter<'_>, lines: &[Vec<String>]) -> fmt::Result {
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            f.write_str("\n")?;
        }
        f.write_str("    ")?;
        for (column, value) in line.iter().enumerate() {
            let is_last = column + 1 == line.len();
            if column > 0 {
                f.write_str(" | ")?;
            }
            match is_last {
                true => f.write_str(value)?,
                false => {
                    let widest = lines.iter().filter_map(|line| line.get(column));
                    let width = widest.map(|value| value.chars().count()).max().unwrap_or(0);
                    write!(f, "{value:width$}")?;
                }
            }
        }
    }
    Ok(())
}

fn shown(value: Option<&str>) -> String {
    let Some(value) = value else {
        return "NULL".to_owned();
    };
    let value = value.replace('\n', "⏎");
    match value.char_indices().nth(SHOWN_WIDTH) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value,
    }
}

/// The rows that a test expects: JSON values, one for each row.
pub(super) struct Expected(Vec<Value>);

/// How an answer differs: texts of rows.
#[derive(Default)]
pub(super) struct Difference {
    pub(super) missing: Vec<String>,
    pub(super) surplus: Vec<String>,
}

impl Expected {
    pub(super) fn new(rows: impl Serialize) -> Result<Self, String> {
        match serde_json::to_value(rows) {
            Ok(Value::Array(rows)) => Ok(Self(rows)),
            Ok(other) => Err(format!(
                "expected rows are a list, such as `[1, 2]` or `[(1, \"a\")]`; this is {other}"
            )),
            Err(error) => Err(format!("the expected rows have no JSON: {error}")),
        }
    }

    /// Whether the answer has exactly these rows, in any order.
    ///
    /// # Errors
    /// When a row can never match, because it is of another shape.
    pub(super) fn difference(&self, answer: &Answer) -> Result<Option<Difference>, String> {
        let mut surplus: Vec<_> = answer.rows.iter().collect();
        let mut missing = Vec::new();
        for expected in &self.0 {
            let values = in_columns(expected, answer)?;
            let equal = |row: &&Vec<Option<String>>| {
                let columns = answer.columns.iter().zip(row.iter());
                columns
                    .zip(&values)
                    .all(|(((_, kind), value), expected)| is(value.as_deref(), kind, expected))
            };
            match surplus.iter().position(equal) {
                Some(found) => {
                    surplus.remove(found);
                }
                None => missing.push(expected.to_string()),
            }
        }
        if missing.is_empty() && surplus.is_empty() {
            return Ok(None);
        }
        let surplus = surplus.into_iter().map(|row| {
            let values: Vec<_> = row.iter().map(|value| shown(value.as_deref())).collect();
            values.join(" | ")
        });
        Ok(Some(Difference {
            missing,
            surplus: surplus.collect(),
        }))
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            0 => f.write_str("no rows")?,
            1 => f.write_str("exactly one row, ")?,
            more => write!(f, "exactly {more} rows, in any order: ")?,
        }
        let rows: Vec<_> = self.0.iter().map(Value::to_string).collect();
        f.write_str(&rows.join(", "))
    }
}

/// The expected values in the order of the answer's columns.
fn in_columns<'e>(expected: &'e Value, answer: &Answer) -> Result<Vec<&'e Value>, String> {
    let columns = answer.columns.len();
    let values: Vec<&Value> = match expected {
        Value::Array(values) => values.iter().collect(),
        Value::Object(members) => {
            let names = answer.columns.iter().map(|(name, _)| name);
            let values: Vec<_> = names.filter_map(|name| members.get(name)).collect();
            if members.len() != values.len() {
                return Err(format!(
                    "the expected row {expected} names columns that the query does not return ({})",
                    answer.names()
                ));
            }
            values
        }
        value => vec![value],
    };
    if values.len() != columns {
        return Err(format!(
            "the expected row {expected} has {} values, and the query returns {columns} columns ({})",
            values.len(),
            answer.names()
        ));
    }
    Ok(values)
}

/// Whether a value is the expected one. Numbers and JSON are compared by value, everything else by its text.
fn is(value: Option<&str>, kind: &Type, expected: &Value) -> bool {
    let Some(text) = value else {
        return expected.is_null();
    };
    match (json(value, kind), expected) {
        (Value::Number(number), Value::Number(expected)) => {
            number == *expected
                || (number.is_f64() || expected.is_f64()) && number.as_f64() == expected.as_f64()
        }
        (_, Value::Number(expected)) if *kind == Type::NUMERIC => match (text.parse(), expected.as_i128()) {
            (Ok(number), Some(expected)) => expected == number,
            _ => text.parse().ok() == expected.as_f64(),
        },
        (Value::Bool(value), Value::Bool(expected)) => value == *expected,
        (value, expected) if is_json(kind) => value == *expected,
        (_, Value::String(expected)) => text == expected,
        _ => false,
    }
}

/// The JSON that comes closest to a value: numbers and truth values where they are exact, otherwise its text.
fn json(value: Option<&str>, kind: &Type) -> Value {
    let Some(text) = value else {
        return Value::Null;
    };
    let text_itself = || Value::String(text.to_owned());
    match *kind {
        Type::BOOL => Value::Bool(text == "t"),
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => {
            text.parse::<i64>().map_or_else(|_| text_itself(), Value::from)
        }
        Type::FLOAT4 | Type::FLOAT8 => {
            let number = text.parse().ok().and_then(Number::from_f64);
            number.map_or_else(text_itself, Value::Number)
        }
        Type::JSON | Type::JSONB => serde_json::from_str(text).unwrap_or_else(|_| text_itself()),
        _ => text_itself(),
    }
}

fn is_json(kind: &Type) -> bool {
    matches!(*kind, Type::JSON | Type::JSONB)
}
