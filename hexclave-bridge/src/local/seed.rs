use std::{borrow::Cow, collections::BTreeMap, fs, path::Path};

use hexclave_testkit::hexclave::{Seed, SeedError};
use serde_json::{Map, Number, Value, value::RawValue};
use toml::de::{DeTable, DeValue};

use crate::failure::Failure;

/// A file with users and teams to begin with: JSON if its name ends in `.json`, or else TOML.
pub(super) struct SeedFile {
    name: String,
    text: String,
    is_json: bool,
}

impl SeedFile {
    pub(super) fn read(path: &Path) -> Result<(Self, Seed), Failure> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::usage("file_not_read", format!("{name} cannot be read")).caused_by(&error)
        })?;
        let is_json = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let file = Self { name, text, is_json };
        let seed = Seed::new(file.document()?).map_err(|error| file.failed(&error))?;
        Ok((file, seed))
    }

    /// Names the file and the line of what is wrong.
    pub(super) fn failed(&self, error: &SeedError) -> Failure {
        let steps = steps(error.place());
        let offset = match self.is_json {
            true => offset_in_json(&self.text, &steps),
            false => offset_in_toml(&self.text, &steps),
        };
        self.wrong(self.line(offset.unwrap_or_default()), error.to_string())
    }

    /// The text as JSON. What is wrong is said without repeating any of it.
    fn document(&self) -> Result<Value, Failure> {
        if self.is_json {
            return serde_json::from_str(&self.text)
                .map_err(|error| self.wrong(error.line(), "it is not JSON".to_owned()));
        }
        let table = DeTable::parse(&self.text).map_err(|error| {
            let line = self.line(error.span().unwrap_or_default().start);
            self.wrong(line, format!("it is not TOML: {}", error.message()))
        })?;
        Ok(json_of_table(table.get_ref()))
    }

    fn line(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or_default();
        before.matches('\n').count() + 1
    }

    fn wrong(&self, line: usize, message: String) -> Failure {
        Failure::usage("invalid_seed", message).within(format_args!("{}, line {line}", self.name))
    }
}

/// The steps of a place such as `users[0].email`.
fn steps(place: &str) -> Vec<&str> {
    place
        .split(['.', '['])
        .map(|step| step.trim_end_matches(']'))
        .filter(|step| !step.is_empty())
        .collect()
}

/// Where the last of the steps is that there are.
fn offset_in_toml(text: &str, steps: &[&str]) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let (first, rest) = steps.split_first()?;
    let (name, mut value) = table.get_ref().get_key_value(*first)?;
    let mut offset = name.span().start;
    for step in rest {
        let next = match value.get_ref() {
            DeValue::Table(table) => table
                .get_key_value(*step)
                .map(|(name, value)| (name.span().start, value)),
            DeValue::Array(items) => {
                let item = step.parse().ok().and_then(|index: usize| items.get(index));
                item.map(|item| (item.span().start, item))
            }
            _ => None,
        };
        let Some((start, next)) = next else { break };
        (offset, value) = (start, next);
    }
    Some(offset)
}

/// Where the last of the steps is that there are.
fn offset_in_json(text: &str, steps: &[&str]) -> Option<usize> {
    let mut found: &RawValue = serde_json::from_str(text).ok()?;
    for step in steps {
        let next = match step.parse::<usize>() {
            Ok(index) => serde_json::from_str::<Vec<&RawValue>>(found.get())
                .ok()
                .and_then(|items| items.get(index).copied()),
            Err(_) => serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(found.get())
                .ok()
                .and_then(|members| members.get(*step).copied()),
        };
        let Some(next) = next else { break };
        found = next;
    }
    found.get().as_ptr().addr().checked_sub(text.as_ptr().addr())
}

fn json_of_table(table: &DeTable<'_>) -> Value {
    let members = table
        .iter()
        .map(|(name, value)| (name.get_ref().to_string(), json_of(value.get_ref())));
    Value::Object(members.collect::<Map<_, _>>())
}

/// A value of TOML in JSON; times become texts, and so do numbers that JSON does not have.
fn json_of(value: &DeValue<'_>) -> Value {
    let number = |number: Option<Number>, text: String| number.map_or(Value::String(text), Value::Number);
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(integer) => number(
            i64::from_str_radix(integer.as_str(), integer.radix())
                .ok()
                .map(Number::from),
            integer.to_string(),
        ),
        DeValue::Float(float) => number(
            float.as_str().parse().ok().and_then(Number::from_f64),
            float.to_string(),
        ),
        DeValue::Boolean(switch) => Value::Bool(*switch),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json_of(item.get_ref())).collect(),
        DeValue::Table(table) => json_of_table(table),
    }
}
