use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::SerializeMap};

/// A Convex `v.int64()`, a JavaScript `bigint`, among arguments and results. A number without this wrapper is a
/// `v.number()`.
///
/// ```
/// # use hexclave_convex::Int64;
/// assert_eq!(serde_json::to_string(&Int64(1))?, r#"{"$integer":"AQAAAAAAAAA="}"#); // as an argument
/// assert_eq!(serde_json::from_str::<Int64>("\"1\"")?, Int64(1)); // as a result
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_structs)]
pub struct Int64(pub i64);

/// A Convex `v.bytes()`, a JavaScript `ArrayBuffer`, among arguments and results.
///
/// ```
/// # use hexclave_convex::Bytes;
/// assert_eq!(serde_json::to_string(&Bytes(vec![0, 16, 131]))?, r#"{"$bytes":"ABCD"}"#); // as an argument
/// assert_eq!(serde_json::from_str::<Bytes>("\"ABCD\"")?, Bytes(vec![0, 16, 131])); // as a result
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_structs)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Int64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        wrapped("$integer", &self.0.to_le_bytes(), serializer)
    }
}

impl<'de> Deserialize<'de> for Int64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map(Self)
            .map_err(|_| D::Error::custom("expected the digits of a 64-bit integer"))
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        wrapped("$bytes", &self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD
            .decode(text)
            .map(Self)
            .map_err(|_| D::Error::custom("expected bytes in base64"))
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({} bytes)", self.0.len())
    }
}

/// The form in which Convex takes what JSON has no word for.
fn wrapped<S: Serializer>(name: &str, bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_map(Some(1))?;
    object.serialize_entry(name, &STANDARD.encode(bytes))?;
    object.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_bytes_have_convexes_forms() {
        for (number, text) in [
            (i64::MIN, "AAAAAAAAAIA="),
            (-1, "//////////8="),
            (i64::MAX, "/////////38="),
        ] {
            let argument = serde_json::to_value(Int64(number)).expect("JSON");
            assert_eq!(argument, serde_json::json!({ "$integer": text }));
            let result = serde_json::Value::from(number.to_string());
            assert_eq!(
                serde_json::from_value::<Int64>(result).expect("a number"),
                Int64(number)
            );
        }
        for bad in ["1", "\"\"", "\"1.5\"", "\"9223372036854775808\"", "null"] {
            assert!(serde_json::from_str::<Int64>(bad).is_err(), "{bad}");
        }
        for bad in ["1", "\"AB\"", "\"A_-D\"", "null"] {
            assert!(serde_json::from_str::<Bytes>(bad).is_err(), "{bad}");
        }
    }
}
