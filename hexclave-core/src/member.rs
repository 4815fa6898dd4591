//! Members of JSON objects from outside, read so that a wrong one can be named without repeating its value.

use std::{borrow::Cow, fmt, marker::PhantomData, sync::LazyLock};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
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

impl<T: Expected> Member<T> {
    pub(crate) fn is_present(&self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// Reads the value that comes next in `members`; there must have been none before.
    pub(crate) fn fill<'de, A: MapAccess<'de>>(&mut self, members: &mut A) -> Result<(), A::Error> {
        if self.is_present() {
            return Err(repeated());
        }
        *self = members.next_value()?;
        Ok(())
    }
}

/// The members of an object that matter, each a [`Member`].
pub(crate) trait Members: Default {
    /// Reads the value of a member that matters with [`Member::fill`] and answers `true`, or leaves it alone.
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error>;
}

/// No member matters.
impl Members for () {
    fn read<'de, A: MapAccess<'de>>(&mut self, _: &str, _: &mut A) -> Result<bool, A::Error> {
        Ok(false)
    }
}

/// Reads one JSON object in which no object, at any depth, names a member twice. Parsers disagree on which of the two
/// counts (RFC 7519, section 4, lets them), so a token with such a pair means different things to different readers.
pub(crate) fn read_object<T: Members>(json: &str) -> Option<T> {
    if !json.trim_start().starts_with('{') {
        return None;
    }
    let Object(members) = serde_json::from_str(json).ok()?;
    Some(members)
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
    fn from_object(_type_member: Option<String>) -> Option<Self> {
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
        while items.next_element::<Object<()>>()?.is_some() {}
        Ok(Member::Wrong)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        let members: ValueMembers = read_members(members)?;
        if let Member::Is(digits) = members.digits
            && *NUMBERS_COME_AS_OBJECTS
        {
            return Self::found(digits.parse().ok().and_then(T::from_u64));
        }
        Self::found(T::from_object(match members.type_member {
            Member::Is(text) => Some(text),
            _ => None,
        }))
    }
}

/// What is looked at inside a value that is an object.
#[derive(Default)]
struct ValueMembers {
    type_member: Member<String>,
    digits: Member<String>,
}

impl Members for ValueMembers {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error> {
        match name {
            "type" => self.type_member.fill(members)?,
            DIGITS => self.digits.fill(members)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// How serde_json names the only member of the object that it makes of a number with its feature `arbitrary_precision`,
/// which any dependency of the program may have turned on.
const DIGITS: &str = "$serde_json::private::Number";

/// Whether that feature is on. Otherwise such an object stands in the JSON, and is no number.
static NUMBERS_COME_AS_OBJECTS: LazyLock<bool> = LazyLock::new(|| {
    struct Number;

    impl Visitor<'_> for Number {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number")
        }

        fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
            Ok(false)
        }
    }

    serde_json::Deserializer::from_str("1")
        .deserialize_any(Number)
        .unwrap_or(true)
});

/// Any JSON value, with those of its members that matter if it is an object.
struct Object<T>(T);

impl<'de, T: Members> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<T: Members> ObjectVisitor<T> {
    fn something_else<E>() -> Result<Object<T>, E> {
        Ok(Object(T::default()))
    }
}

impl<'de, T: Members> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated member names")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Self::something_else()
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Self::something_else()
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Self::something_else()
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Self::something_else()
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Self::something_else()
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Self::something_else()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<Object<()>>()?.is_some() {}
        Self::something_else()
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        read_members(members).map(Object)
    }
}

fn read_members<'de, T: Members, A: MapAccess<'de>>(mut members: A) -> Result<T, A::Error> {
    let mut read = T::default();
    let mut others = Vec::new();
    while let Some(Name(name)) = members.next_key()? {
        if !read.read(&name, &mut members)? {
            members.next_value::<Object<()>>()?;
            others.push(name);
        }
    }
    // Sorted rather than searched, or an object of thousands of names would take a long time.
    others.sort_unstable();
    if others
        .windows(2)
        .any(|pair| matches!(pair, [one, next] if one == next))
    {
        return Err(repeated());
    }
    Ok(read)
}

/// Borrowed unless it is written with escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

fn repeated<E: serde::de::Error>() -> E {
    E::custom("a member name is repeated")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct One(Member<u64>);

    impl Members for One {
        fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error> {
            if name == "n" {
                self.0.fill(members)?;
            }
            Ok(name == "n")
        }
    }

    #[test]
    fn repeated_names_are_found_at_every_depth() {
        for good in [
            "{}",
            " {}",
            r#"{"a":1,"b":{"a":[{"a":null},{"a":1.5}]},"n":{"type":"x"}}"#,
        ] {
            assert!(read_object::<One>(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "[]",
            "\"text\"",
            "{} {}",
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"a":1,"a":2}]}"#,
            r#"{"n":1,"n":1}"#,
            r#"{"n":1,"\u006e":1}"#,
            r#"{"n":[{"a":1,"a":2}]}"#,
            r#"{"n":{"type":1,"type":2}}"#,
            r#"{"n":{"type":{"a":1,"a":2}}}"#,
            r#"{"n":{"a":1,"b":{},"a":2}}"#,
        ] {
            assert!(read_object::<One>(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_number_is_a_whole_one_or_wrong() {
        let read = |json| serde_json::from_str::<Member<u64>>(json).expect("any JSON value");
        assert_eq!(read("7"), Member::Is(7));
        assert_eq!(read("null"), Member::Null);
        for wrong in [
            "-1",
            "1.0",
            "1e3",
            "\"7\"",
            "[7]",
            "{}",
            "true",
            "1e300",
            r#"{"$serde_json::private::Number":"7"}"#,
            "18446744073709551616",
        ] {
            assert_eq!(read(wrong), Member::Wrong, "{wrong}");
        }
    }
}
