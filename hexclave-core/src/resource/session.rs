use std::{fmt, time::SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Extra, wire};
use crate::{SessionId, UserId};

/// A session as the list of a user's sessions shows it. `Debug` shows the ids only.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UserSession {
    /// The session's id, which its access tokens carry, too.
    pub id: SessionId,
    /// Whose session it is.
    pub user_id: UserId,
    /// When the user signed in.
    #[serde(with = "wire::millis")]
    pub created_at: SystemTime,
    /// When an access token was last had for it.
    #[serde(default, with = "wire::optional_millis")]
    pub last_used_at: Option<SystemTime>,
    /// Whether an administrator acts as the user in it. Only admin access sees such sessions.
    #[serde(default)]
    pub is_impersonation: bool,
    /// Whether it is the session that asks.
    #[serde(default)]
    pub is_current_session: bool,
    /// Where it was last used from, as Hexclave tells it: the address, and where that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at_end_user_ip_info: Option<Map<String, Value>>,
    /// Members that have no field here.
    #[serde(flatten)]
    pub extra: Extra,
}

impl fmt::Debug for UserSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserSession")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}
