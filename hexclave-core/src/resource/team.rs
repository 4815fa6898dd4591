use std::{fmt, time::SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Extra, wire};
use crate::{TeamId, UserId};

/// A team. What only servers see is absent for clients. `Debug` shows the id only.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Team {
    /// The team's id.
    pub id: TeamId,
    /// The team's name.
    pub display_name: String,
    /// Where the team's picture is.
    #[serde(default)]
    pub profile_image_url: Option<String>,
    /// What the clients of its members may read and write.
    #[serde(default)]
    pub client_metadata: Value,
    /// What the clients of its members may read, and servers write.
    #[serde(default)]
    pub client_read_only_metadata: Value,
    /// What only servers may read and write; absent for clients.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "wire::present"
    )]
    pub server_metadata: Option<Value>,
    /// When the team was made; absent for clients.
    #[serde(
        default,
        rename = "created_at_millis",
        with = "wire::optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub created_at: Option<SystemTime>,
    /// Members that have no field here.
    #[serde(flatten)]
    pub extra: Extra,
}

impl fmt::Debug for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Team")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// That somebody belongs to a team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TeamMembership {
    /// The team.
    pub team_id: TeamId,
    /// Its member.
    pub user_id: UserId,
    /// Members of the JSON object that have no field here.
    #[serde(flatten)]
    pub extra: Extra,
}
