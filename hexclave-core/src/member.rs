//! Members of JSON objects from outside, read so that a wrong one can be named without repeating its value.

use std::{collections::HashSet, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// A member that may be absent, null, of the expected type, or something else.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum Member<T> {
    #[default]
    Absent,
    Null,
    Is(T),
    Wrong,
}

impl<T> Member<T> {
    pub(crate) fn is_present(&self) -> bool {
        !matches!(self, Self::Absent)
    }
}

/// What a [`Member`] can hold. Each JSON type is refused unless the implementation takes it.
pub(crate) trait Expected: Sized {
    fn from_str(_: &str) -> Option<Self> {
        None
    }
    fn from_u64(_: u64) -> Option<Self> {
        None
    }
    fn from_bool(_: bool) -> Option<Self> {
        None
    }
    /// `type_member` is the object's member `type`, where that is a string.
    fn from_typed_object(_type_member: Option<String>) -> Option<Self> {
        None
    }
}

impl Expected for String {
    fn from_str(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Expected for u64 {
    fn from_u64(number: u64) -> Option<Self> {
        Some(number)
    }
}

impl Expected for bool {
    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }
}

impl<'de, T: Expected> Deserialize<'de> for Member<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor(PhantomData))
    }
}

struct MemberVisitor<T>(PhantomData<T>);

impl<T: Expected> MemberVisitor<T> {
    fn found<E>(value: Option<T>) -> Result<Member<T>, E> {
        Ok(value.map_or(Member::Wrong, Member::Is))
    }
}

impl<'de, T: Expected> Visitor<'de> for MemberVisitor<T> {
    type Value = Member<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Member::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Self::found(T::from_bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Self::found(T::from_u64(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Member::Wrong)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Member::Wrong)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Self::found(T::from_str(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::Wrong)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut type_member = None;
        while let Some(name) = members.next_key::<String>()? {
            if name == "type" {
                if let Member::Is(text) = members.next_value::<Member<String>>()? {
                    type_member = Some(text);
                }
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Self::found(T::from_typed_object(type_member))
    }
}

/// Accepts one JSON object in which no object names a member twice. Parsers disagree on which of the two counts
/// (RFC 7519, section 4, lets them), so a token with such a pair means different things to different readers.
pub(crate) fn is_unambiguous_object(json: &[u8]) -> bool {
    json.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
        && serde_json::from_slice::<UniqueNames>(json).is_ok()
}

struct UniqueNames;

impl<'de> Deserialize<'de> for UniqueNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueNamesVisitor)
    }
}

struct UniqueNamesVisitor;

impl<'de> Visitor<'de> for UniqueNamesVisitor {
    type Value = UniqueNames;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated member names")
    }

    fn visit_unit<E>(self) -> Result<UniqueNames, E> {
        Ok(UniqueNames)
    }

    fn visit_bool<E>(self, _: bool) -> Result<UniqueNames, E> {
        Ok(UniqueNames)
    }

    fn visit_u64<E>(self, _: u64) -> Result<UniqueNames, E> {
        Ok(UniqueNames)
    }

    fn visit_i64<E>(self, _: i64) -> Result<UniqueNames, E> {
        Ok(UniqueNames)
    }

    fn visit_f64<E>(self, _: f64) -> Result<UniqueNames, E> {
        Ok(UniqueNames)
    }

    fn visit_str<E>(self, _: &str) -> Result<UniqueNames, E> {
        Ok(UniqueNames)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<UniqueNames, A::Error> {
        while items.next_element::<UniqueNames>()?.is_some() {}
        Ok(UniqueNames)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<UniqueNames, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            members.next_value::<UniqueNames>()?;
            if !names.insert(name) {
                return Err(A::Error::custom("a member name is repeated"));
            }
        }
        Ok(UniqueNames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_are_found_at_every_depth() {
        for good in ["{}", r#"{"a":1,"b":{"a":[{"a":null},{"a":1.5}]}}"#] {
            assert!(is_unambiguous_object(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "[]",
            "\"text\"",
            "{} {}",
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"a":1,"a":2}]}"#,
        ] {
            assert!(!is_unambiguous_object(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_number_is_a_whole_one_or_wrong() {
        let read = |json| serde_json::from_str::<Member<u64>>(json).expect("any JSON value");
        assert_eq!(read("7"), Member::Is(7));
        assert_eq!(read("null"), Member::Null);
        for wrong in ["-1", "1.0", "1e3", "\"7\"", "[7]", "{}", "true", "1e300"] {
            assert_eq!(read(wrong), Member::Wrong, "{wrong}");
        }
    }
}
