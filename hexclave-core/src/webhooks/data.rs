//! What events say. Members that have no field are kept in `extra`, so nothing that Hexclave sends is lost.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};

use crate::{RestrictedReason, TeamId, UserId, UserKind};

/// A user as a server sees one.
#[derive(Clone, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct UserData {
    /// The user's id.
    #[serde(deserialize_with = "id")]
    pub id: UserId,
    /// The primary e-mail address. It is not unique within a project.
    #[serde(default)]
    pub primary_email: Option<String>,
    /// Whether that address was verified. Verifying it sends no event, so this may be out of date.
    #[serde(default)]
    pub primary_email_verified: bool,
    /// The display name.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Where the profile picture is.
    #[serde(default)]
    pub profile_image_url: Option<String>,
    /// The team that the user works in.
    #[serde(default, deserialize_with = "optional_id")]
    pub selected_team_id: Option<TeamId>,
    /// When the user signed up, in milliseconds since 1970.
    #[serde(default)]
    pub signed_up_at_millis: Option<u64>,
    /// When the user was last seen, in milliseconds since 1970.
    #[serde(default)]
    pub last_active_at_millis: Option<u64>,
    /// Metadata that the user can read and change.
    #[serde(default)]
    pub client_metadata: Value,
    /// Metadata that the user can read and a server can change.
    #[serde(default)]
    pub client_read_only_metadata: Value,
    /// Metadata that servers alone see.
    #[serde(default)]
    pub server_metadata: Value,
    /// Whether the user is a guest who has not signed up.
    #[serde(default)]
    pub is_anonymous: bool,
    /// Whether the user is held back; guests are too.
    #[serde(default)]
    pub is_restricted: bool,
    /// Why the user is held back.
    #[serde(default, deserialize_with = "reason")]
    pub restricted_reason: Option<RestrictedReason>,
    /// All other members.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl UserData {
    /// The kind of user.
    #[must_use]
    pub fn kind(&self) -> UserKind {
        match self {
            Self {
                is_anonymous: true, ..
            } => UserKind::Anonymous,
            Self {
                is_restricted: true, ..
            } => UserKind::Restricted,
            _ => UserKind::Normal,
        }
    }
}

/// Who is gone.
#[derive(Clone, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct UserDeleted {
    /// The user's id.
    #[serde(deserialize_with = "id")]
    pub id: UserId,
    /// The teams that the user was in, each of which has lost a member by an event of its own.
    #[serde(default)]
    pub teams: Vec<TeamDeleted>,
    /// All other members.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A team as a server sees one.
#[derive(Clone, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct TeamData {
    /// The team's id.
    #[serde(deserialize_with = "id")]
    pub id: TeamId,
    /// The display name.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Where the team's picture is.
    #[serde(default)]
    pub profile_image_url: Option<String>,
    /// When the team was created, in milliseconds since 1970.
    #[serde(default)]
    pub created_at_millis: Option<u64>,
    /// Metadata that members can read and change.
    #[serde(default)]
    pub client_metadata: Value,
    /// Metadata that members can read and a server can change.
    #[serde(default)]
    pub client_read_only_metadata: Value,
    /// Metadata that servers alone see.
    #[serde(default)]
    pub server_metadata: Value,
    /// All other members.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Which team.
#[derive(Clone, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct TeamDeleted {
    /// The team's id.
    #[serde(deserialize_with = "id")]
    pub id: TeamId,
    /// All other members.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Who is, or was, in which team.
#[derive(Clone, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct TeamMembershipData {
    /// The team's id.
    #[serde(deserialize_with = "id")]
    pub team_id: TeamId,
    /// The user's id.
    #[serde(deserialize_with = "id")]
    pub user_id: UserId,
    /// All other members.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Who may, or might, do what in which team.
#[derive(Clone, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct TeamPermissionData {
    /// The permission's name, such as `$read_members`.
    pub id: String,
    /// The user's id.
    #[serde(deserialize_with = "id")]
    pub user_id: UserId,
    /// The team's id.
    #[serde(deserialize_with = "id")]
    pub team_id: TeamId,
    /// All other members.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Who may, or might, do what in the project.
#[derive(Clone, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct ProjectPermissionData {
    /// The permission's name.
    pub id: String,
    /// The user's id.
    #[serde(deserialize_with = "id")]
    pub user_id: UserId,
    /// All other members.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Ids are fit for logs; names, addresses and metadata are not.
macro_rules! debug_ids {
    ($($name:ident: $($field:ident),+;)+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &self.$field))+
                    .finish_non_exhaustive()
            }
        }
    )+};
}

debug_ids! {
    UserData: id;
    UserDeleted: id, teams;
    TeamData: id;
    TeamDeleted: id;
    TeamMembershipData: team_id, user_id;
    TeamPermissionData: id, user_id, team_id;
    ProjectPermissionData: id, user_id;
}

fn id<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom("not an id"))
}

fn optional_id<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse())
        .transpose()
        .map_err(|_| D::Error::custom("not an id"))
}

fn reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RestrictedReason>, D::Error> {
    #[derive(Deserialize)]
    struct Reason {
        r#type: String,
    }
    let reason = Option::<Reason>::deserialize(deserializer)?;
    Ok(reason.map(|reason| RestrictedReason::from_type(&reason.r#type)))
}
