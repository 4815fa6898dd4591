//! Users and teams to begin with, written down.

use std::{collections::BTreeMap, error::Error, fmt};

use hexclave_core::{TeamId, UserId};
use serde::Deserialize;
use serde_json::Value;

use super::{
    LocalHexclave,
    api_error::ApiError,
    directory::{Directory, PermissionScope, TeamChanges, UserChanges},
};

/// What a project has to begin with: permissions, teams and users, read from a document.
///
/// ```
/// use hexclave_testkit::hexclave::Seed;
/// use serde_json::json;
///
/// let seed = Seed::new(json!({
///     "permissions": [{ "id": "read_docs", "scope": "team" }],
///     "teams": [{ "name": "Engines" }],
///     "users": [
///         { "email": "ada@example.com", "password": "correct horse", "name": "Ada",
///           "teams": { "Engines": ["team_admin", "read_docs"] } },
///         { "email": "eve@example.com", "verified": false },
///         { "kind": "anonymous" },
///     ],
/// }))?;
///
/// let wrong = Seed::new(json!({ "users": [{ "email": "ada@example.com", "passwort": "correct horse" }] }));
/// assert_eq!(wrong.unwrap_err().place(), "users[0].passwort");
/// # Ok::<(), hexclave_testkit::hexclave::SeedError>(())
/// ```
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    permissions: Vec<SeedPermission>,
    teams: Vec<SeedTeam>,
    users: Vec<SeedUser>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedPermission {
    id: String,
    scope: PermissionScope,
    #[serde(default)]
    contains: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedTeam {
    name: String,
    #[serde(default)]
    id: Option<TeamId>,
    #[serde(default)]
    client_metadata: Option<Value>,
    #[serde(default)]
    client_read_only_metadata: Option<Value>,
    #[serde(default)]
    server_metadata: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedUser {
    #[serde(default)]
    id: Option<UserId>,
    #[serde(default)]
    kind: SeedKind,
    #[serde(default)]
    email: Option<String>,
    #[serde(default = "yes")]
    verified: bool,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    client_metadata: Option<Value>,
    #[serde(default)]
    client_read_only_metadata: Option<Value>,
    #[serde(default)]
    server_metadata: Option<Value>,
    /// The project's permissions.
    #[serde(default)]
    permissions: Vec<String>,
    /// The permissions in each team, by the team's name.
    #[serde(default)]
    teams: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum SeedKind {
    #[default]
    Normal,
    Restricted,
    Anonymous,
}

fn yes() -> bool {
    true
}

/// What is wrong with a [`Seed`], and where. It repeats no value, for values are passwords.
#[derive(Debug)]
pub struct SeedError {
    place: String,
    message: String,
}

impl SeedError {
    /// Where in the document, such as `users[0].email`; empty for the whole document.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
        }
    }

    fn at(place: String) -> impl FnOnce(ApiError) -> Self {
        move |error| Self::new(place, error.message())
    }
}

impl fmt::Display for SeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => f.write_str(&self.message),
            place => write!(f, "{place}: {}", self.message),
        }
    }
}

impl Error for SeedError {}

impl Seed {
    /// Reads a document.
    ///
    /// # Errors
    /// When a member is unknown, is missing, or has a type that it may not have.
    pub fn new(document: Value) -> Result<Self, SeedError> {
        serde_path_to_error::deserialize(document).map_err(|error| {
            let place = match error.path().to_string() {
                all if all == "." => String::new(),
                place => place,
            };
            let text = error.inner().to_string();
            // Others repeat the value.
            let is_harmless = ["missing field", "unknown field", "unknown variant"]
                .iter()
                .any(|start| text.starts_with(start));
            let message = match is_harmless {
                true => text,
                false => "it has a type or a form that it may not have".to_owned(),
            };
            SeedError::new(place, message)
        })
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

impl LocalHexclave {
    /// Puts in what a seed has; this sends no webhooks. When it fails, what stands before the fault has been put in.
    ///
    /// # Errors
    /// When Hexclave would refuse something: an address is taken, a password is not good enough, or a team or a
    /// permission is not known.
    pub fn seed(&self, seed: &Seed) -> Result<(), SeedError> {
        let now = self.app().now_millis();
        let mut directory = self.app().directory();
        for (index, permission) in seed.permissions.iter().enumerate() {
            let contains: Vec<_> = permission.contains.iter().map(String::as_str).collect();
            directory
                .define_permission(permission.scope, &permission.id, &contains)
                .map_err(SeedError::at(format!("permissions[{index}]")))?;
        }
        let mut teams = BTreeMap::new();
        for (index, team) in seed.teams.iter().enumerate() {
            let place = format!("teams[{index}]");
            if teams.contains_key(team.name.as_str()) {
                return Err(SeedError::new(
                    format!("{place}.name"),
                    "another team has this name",
                ));
            }
            let changes = TeamChanges {
                display_name: Some(team.name.clone()),
                client_metadata: team.client_metadata.clone(),
                client_read_only_metadata: team.client_read_only_metadata.clone(),
                server_metadata: team.server_metadata.clone(),
                ..TeamChanges::default()
            };
            let id = directory
                .create_team_as(team.id, &changes, now)
                .map_err(SeedError::at(place))?;
            teams.insert(team.name.as_str(), id);
        }
        for (index, user) in seed.users.iter().enumerate() {
            add(&mut directory, user, &format!("users[{index}]"), &teams, now)?;
        }
        Ok(())
    }
}

fn add(
    directory: &mut Directory,
    user: &SeedUser,
    place: &str,
    teams: &BTreeMap<&str, TeamId>,
    now_millis: u64,
) -> Result<(), SeedError> {
    let is_anonymous = user.kind == SeedKind::Anonymous;
    if !is_anonymous && user.email.is_none() {
        return Err(SeedError::new(
            place,
            "missing field `email`: only anonymous users have none",
        ));
    }
    let changes = UserChanges {
        primary_email: user.email.clone().map(Some),
        primary_email_verified: user.email.is_some().then_some(user.verified),
        primary_email_auth_enabled: user.email.is_some().then_some(true),
        password: user.password.clone().map(Some),
        display_name: user.name.clone().map(Some),
        client_metadata: user.client_metadata.clone(),
        client_read_only_metadata: user.client_read_only_metadata.clone(),
        server_metadata: user.server_metadata.clone(),
        is_anonymous: is_anonymous.then_some(true),
        restricted_by_admin: (user.kind == SeedKind::Restricted).then_some(true),
        ..UserChanges::default()
    };
    let changes = changes.checked().map_err(SeedError::at(place.to_owned()))?;
    let id = directory
        .create_user_as(user.id, &changes, now_millis)
        .map_err(|error| {
            let member = match error.code() {
                Some("USER_EMAIL_ALREADY_EXISTS" | "SCHEMA_ERROR") => ".email",
                Some("PASSWORD_TOO_SHORT" | "PASSWORD_TOO_LONG") => ".password",
                _ => "",
            };
            SeedError::at(format!("{place}{member}"))(error)
        })?;
    for (index, permission) in user.permissions.iter().enumerate() {
        directory
            .grant(id, permission)
            .map_err(SeedError::at(format!("{place}.permissions[{index}]")))?;
    }
    for (name, permissions) in &user.teams {
        let place = format!("{place}.teams.{name}");
        let Some(team) = teams.get(name.as_str()) else {
            return Err(SeedError::new(place, "there is no team of this name in `teams`"));
        };
        directory
            .join_team(*team, id, &[])
            .map_err(SeedError::at(place.clone()))?;
        for permission in permissions {
            directory
                .grant_in_team(*team, id, permission)
                .map_err(SeedError::at(place.clone()))?;
        }
    }
    Ok(())
}
