use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::Extra;
use crate::{Error, TeamId, UserId, error::quoted};

/// The id of a permission: lower-case letters, digits, `_` and `:`, and a `$` before those that Hexclave itself has
/// made (upstream's schema: `^\$?[a-z0-9_:]+$`).
///
/// ```
/// # #[cfg(feature = "webhooks")] use hexclave_core::webhooks::PermissionId;
/// # #[cfg(not(feature = "webhooks"))]
/// use hexclave_core::api::PermissionId;
///
/// let id: PermissionId = "$invite_members".parse()?;
/// assert!(id.is_system());
/// assert!("../users".parse::<PermissionId>().is_err());
/// # Ok::<(), hexclave_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PermissionId(String);

impl PermissionId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one of Hexclave's own, such as `$update_team`.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.0.starts_with('$')
    }
}

impl FromStr for PermissionId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let name = text.strip_prefix('$').unwrap_or(text);
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_:".contains(&byte);
        if !name.is_empty() && name.bytes().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::config(format!(
            "{} is not a permission id: expected lower-case letters, digits, `_` and `:`, such as `read_docs`",
            quoted(text)
        )))
    }
}

impl<'de> Deserialize<'de> for PermissionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for PermissionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PermissionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PermissionId({})", self.0)
    }
}

/// A permission that a user has in a team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TeamPermission {
    /// The permission.
    pub id: PermissionId,
    /// Who has it.
    pub user_id: UserId,
    /// In which team.
    pub team_id: TeamId,
    /// Members of the JSON object that have no field here.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A permission that a user has in the whole project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProjectPermission {
    /// The permission.
    pub id: PermissionId,
    /// Who has it.
    pub user_id: UserId,
    /// Members of the JSON object that have no field here.
    #[serde(flatten)]
    pub extra: Extra,
}
