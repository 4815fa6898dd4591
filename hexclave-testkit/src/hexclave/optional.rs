//! Members of JSON that may be absent: it is one thing to be absent and another to be `null`.

use serde::{Deserialize, Deserializer};

/// What a member has that is there. `null` is for `T` to take or to refuse; a member that is absent is left to
/// `#[serde(default)]`.
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Sets what the request has given.
pub(crate) fn set<T>(member: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *member = value;
    }
}
