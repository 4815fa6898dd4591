//! How times and reasons look in JSON.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};

use crate::RestrictedReason;

/// A member that is there, null or not; `serde(default)` is for one that is not.
pub(super) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Milliseconds since 1970.
pub(super) mod millis {
    use super::*;

    pub(in crate::resource) fn serialize<S: Serializer>(
        time: &SystemTime,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let since = time.duration_since(UNIX_EPOCH).map_err(S::Error::custom)?;
        u64::try_from(since.as_millis())
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }

    pub(in crate::resource) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SystemTime, D::Error> {
        let millis = u64::deserialize(deserializer)?;
        UNIX_EPOCH
            .checked_add(Duration::from_millis(millis))
            .ok_or_else(|| D::Error::custom("a time that this machine cannot count to"))
    }
}

/// Milliseconds since 1970, or null.
pub(super) mod optional_millis {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Millis(#[serde(with = "super::millis")] SystemTime);

    pub(in crate::resource) fn serialize<S: Serializer>(
        time: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(Millis).serialize(serializer)
    }

    pub(in crate::resource) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        Ok(Option::<Millis>::deserialize(deserializer)?.map(|millis| millis.0))
    }
}

/// An object with the reason as its `type`, or null.
pub(super) mod restricted_reason {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Typed<T> {
        r#type: T,
    }

    pub(in crate::resource) fn serialize<S: Serializer>(
        reason: &Option<RestrictedReason>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let reason = reason.as_ref().map(|reason| Typed {
            r#type: reason.as_str(),
        });
        reason.serialize(serializer)
    }

    pub(in crate::resource) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<RestrictedReason>, D::Error> {
        let reason = Option::<Typed<String>>::deserialize(deserializer)?;
        Ok(reason.map(|reason| RestrictedReason::from(reason.r#type.as_str())))
    }
}
