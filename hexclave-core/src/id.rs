use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::Uuid;

use crate::{Error, error::quoted};

/// The id of a Hexclave project: a lower-case UUID, or the literal `internal`.
///
/// It is proven before it can become part of a URL.
///
/// ```
/// use hexclave_core::ProjectId;
///
/// let id: ProjectId = "11111111-2222-4333-8444-555555555555".parse()?;
/// assert_eq!(id.to_string(), "11111111-2222-4333-8444-555555555555");
/// assert!("../../etc".parse::<ProjectId>().is_err());
/// # Ok::<(), hexclave_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProjectId(Arc<str>);

impl ProjectId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProjectId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "internal" || canonical_uuid(text).is_some() {
            return Ok(Self(text.into()));
        }
        Err(Error::config(format!(
            "{} is not a Hexclave project id: expected a lower-case UUID such as \
             11111111-2222-4333-8444-555555555555 (or `internal`)",
            quoted(text)
        )))
    }
}

impl Serialize for ProjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ProjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProjectId({})", self.0)
    }
}

macro_rules! uuid_id {
    ($name:ident, $doc:literal, $what:literal) => {
        #[doc = $doc]
        ///
        /// Hexclave writes it as a lower-case UUID with hyphens; no other spelling is accepted, so that one
        /// identity has one text.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The id as a [`Uuid`].
            #[must_use]
            pub fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                canonical_uuid(text).map(Self).ok_or_else(|| {
                    Error::config(format!(
                        concat!("{} is not a ", $what, " id: expected a lower-case UUID"),
                        quoted(text)
                    ))
                })
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.as_hyphenated(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

uuid_id!(
    UserId,
    "The id of a Hexclave user: the `sub` of an access token.",
    "user"
);
uuid_id!(TeamId, "The id of a Hexclave team.", "team");
uuid_id!(
    SessionId,
    "The id of a Hexclave session: the `refresh_token_id` of an access token.",
    "session"
);

/// The UUID that `text` spells in lower case with hyphens, the only spelling that Hexclave issues.
pub(crate) fn canonical_uuid(text: &str) -> Option<Uuid> {
    let hyphenated = text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    hyphenated.then(|| Uuid::try_parse(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_is_an_id() {
        for good in ["11111111-2222-4333-8444-555555555555", "internal"] {
            assert!(good.parse::<ProjectId>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "INTERNAL",
            "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeeE",
            "aaaaaaaabbbb4ccc8dddeeeeeeeeeeee",
            "{aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeee}",
            "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee ",
            "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee/..",
            "ääääääää-bbbb-4ccc-8ddd-eeee",
        ] {
            assert!(bad.parse::<ProjectId>().is_err(), "{bad}");
            assert!(bad.parse::<UserId>().is_err(), "{bad}");
        }
    }
}
