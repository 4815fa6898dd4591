use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    TeamId, UserId,
    error::quoted,
    resource::{Extra, ProjectPermission, ServerUser, Team, TeamMembership, TeamPermission},
};

/// What has happened in a project. `Debug` shows the type only.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A user was created; anonymous ones too. `selected_team_id` may be set only later.
    UserCreated(Box<ServerUser>),
    /// A user was changed; also, an anonymous one has signed up.
    UserUpdated(Box<ServerUser>),
    /// A user is gone.
    UserDeleted(UserDeleted),
    /// A team was created. Whoever created it is a member without an event of its own.
    TeamCreated(Box<Team>),
    /// A team was changed.
    TeamUpdated(Box<Team>),
    /// A team is gone, with its memberships and permissions, which send no events.
    TeamDeleted(TeamDeleted),
    /// A user has joined a team.
    TeamMembershipCreated(TeamMembership),
    /// A user has left a team.
    TeamMembershipDeleted(TeamMembership),
    /// A user may do more in a team.
    TeamPermissionCreated(TeamPermission),
    /// A user may do less in a team.
    TeamPermissionDeleted(TeamPermission),
    /// A user may do more in the project.
    ProjectPermissionCreated(ProjectPermission),
    /// A user may do less in the project.
    ProjectPermissionDeleted(ProjectPermission),
    /// An event that this version does not know.
    Other {
        /// Its type, such as `issue.created`.
        event_type: String,
        /// What it says.
        data: Value,
    },
}

/// Who is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UserDeleted {
    /// The user's id.
    pub id: UserId,
    /// The teams that the user was in. Each of them loses a member by an event of its own, too.
    #[serde(default)]
    pub teams: Vec<TeamDeleted>,
    /// Members of the JSON object that have no field here.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Which team it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TeamDeleted {
    /// The team's id.
    pub id: TeamId,
    /// Members of the JSON object that have no field here.
    #[serde(flatten)]
    pub extra: Extra,
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "type")]
    event_type: String,
    data: Value,
}

impl Event {
    /// The type as Hexclave spells it, such as `user.created`.
    #[must_use]
    pub fn event_type(&self) -> &str {
        match self {
            Self::UserCreated(_) => "user.created",
            Self::UserUpdated(_) => "user.updated",
            Self::UserDeleted(_) => "user.deleted",
            Self::TeamCreated(_) => "team.created",
            Self::TeamUpdated(_) => "team.updated",
            Self::TeamDeleted(_) => "team.deleted",
            Self::TeamMembershipCreated(_) => "team_membership.created",
            Self::TeamMembershipDeleted(_) => "team_membership.deleted",
            Self::TeamPermissionCreated(_) => "team_permission.created",
            Self::TeamPermissionDeleted(_) => "team_permission.deleted",
            Self::ProjectPermissionCreated(_) => "project_permission.created",
            Self::ProjectPermissionDeleted(_) => "project_permission.deleted",
            Self::Other { event_type, .. } => event_type,
        }
    }

    pub(super) fn from_json(json: &str) -> Result<Self, String> {
        let Body { event_type, data } = serde_json::from_str(json)
            .map_err(|_| "expected a JSON object with a text `type` and `data`".to_owned())?;
        let event = match event_type.as_str() {
            "user.created" => read(data).map(Self::UserCreated),
            "user.updated" => read(data).map(Self::UserUpdated),
            "user.deleted" => read(data).map(Self::UserDeleted),
            "team.created" => read(data).map(Self::TeamCreated),
            "team.updated" => read(data).map(Self::TeamUpdated),
            "team.deleted" => read(data).map(Self::TeamDeleted),
            "team_membership.created" => read(data).map(Self::TeamMembershipCreated),
            "team_membership.deleted" => read(data).map(Self::TeamMembershipDeleted),
            "team_permission.created" => read(data).map(Self::TeamPermissionCreated),
            "team_permission.deleted" => read(data).map(Self::TeamPermissionDeleted),
            "project_permission.created" => read(data).map(Self::ProjectPermissionCreated),
            "project_permission.deleted" => read(data).map(Self::ProjectPermissionDeleted),
            _ => {
                return Ok(Self::Other { event_type, data });
            }
        };
        event.map_err(|why| {
            format!(
                "the `data` of a {} is not as expected: {why}",
                quoted(&event_type)
            )
        })
    }
}

/// Of serde's own errors only those are repeated that hold no value, which may be personal.
fn read<T: DeserializeOwned>(data: Value) -> Result<T, String> {
    serde_json::from_value(data).map_err(|error| {
        let missing = Some(error.to_string()).filter(|text| text.starts_with("missing field"));
        missing.unwrap_or_else(|| "a member has another type".to_owned())
    })
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({})", quoted(self.event_type()))
    }
}
