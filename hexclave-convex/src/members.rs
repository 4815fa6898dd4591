//! JSON objects from outside, read so that a wrong member can be named without repeating its value.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value};

/// The members of one JSON object in their order, repeated ones included.
#[derive(Debug, Default)]
pub(crate) struct Members(Vec<(String, Value)>);

/// What is wrong with something that was read, as the reason behind a [`ConvexError`](crate::ConvexError).
#[derive(Debug, PartialEq)]
pub(crate) struct Wrong(pub(crate) String);

impl Members {
    /// Reads one object and nothing after it.
    pub(crate) fn from_json(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }

    /// The member `name`, which must not be repeated.
    pub(crate) fn member(&self, name: &str) -> Result<Option<&Value>, Wrong> {
        let mut found = self.0.iter().filter(|(known, _)| known == name);
        let first = found.next().map(|(_, value)| value);
        match found.next() {
            Some(_) => Err(Wrong(format!("its `{name}` is repeated"))),
            None => Ok(first),
        }
    }

    /// The member `name`, which is a string where it is present. Null counts as absent.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Wrong> {
        match self.member(name)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Wrong(format!("its `{name}` is not a string"))),
        }
    }

    /// The member `name`, which is a list of strings where it is present. Null counts as absent.
    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, Wrong> {
        let list = match self.member(name)? {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(items)) => items.iter().map(Value::as_str).collect::<Option<_>>(),
            Some(_) => None,
        };
        list.map(Some)
            .ok_or_else(|| Wrong(format!("its `{name}` is not a list of strings")))
    }

    /// Whether a number is beyond what a double holds. Without serde_json's `arbitrary_precision` none is read.
    pub(crate) fn has_number_out_of_range(&self) -> bool {
        self.0.iter().any(|(_, value)| is_out_of_range(value))
    }

    /// All members but those called `names`. Of repeated ones the last value counts, at the first one's place.
    pub(crate) fn without(self, names: &[&str]) -> Map<String, Value> {
        self.0
            .into_iter()
            .filter(|(name, _)| !names.contains(&name.as_str()))
            .collect()
    }
}

fn is_out_of_range(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.as_f64().is_some_and(f64::is_finite),
        Value::Array(items) => items.iter().any(is_out_of_range),
        Value::Object(members) => members.values().any(is_out_of_range),
        _ => false,
    }
}

impl From<Map<String, Value>> for Members {
    fn from(members: Map<String, Value>) -> Self {
        Self(members.into_iter().collect())
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_unique_where_they_are_looked_at() {
        let members = Members::from_json(br#"{"a":"1","b":2,"b":3,"c":null,"d":["x"],"e":["x",null]}"#);
        let members = members.expect("an object");
        assert_eq!(members.text("a"), Ok(Some("1")));
        assert_eq!(members.text("b"), Err(Wrong("its `b` is repeated".into())));
        assert_eq!((members.text("c"), members.text("z")), (Ok(None), Ok(None)));
        assert_eq!(members.texts("d"), Ok(Some(vec!["x"])));
        for not_texts in ["a", "b", "e"] {
            assert!(members.texts(not_texts).is_err(), "{not_texts}");
        }
        let rest = Value::Object(members.without(&["a", "d", "e"]));
        assert_eq!(rest.to_string(), r#"{"b":3,"c":null}"#);
    }
}
