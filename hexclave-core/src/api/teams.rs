use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Client, ErrorCode, ListOf, ServerAccess, request::Request};
use crate::{Error, TeamId, UserId, resource::Team};

impl<A: ServerAccess> Client<A> {
    /// The teams that a user belongs to, or all teams of the project; oldest first.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn teams(&self, of: Option<UserId>) -> Result<Vec<Team>, Error> {
        let request = Request::get("teams").query_if_some("user_id", of);
        Ok(self.ask::<ListOf<_>>(request).await?.items)
    }

    /// A team, or `None` when there is none with this id.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn team(&self, id: TeamId) -> Result<Option<Team>, Error> {
        match self.ask(Request::get(format!("teams/{id}"))).await {
            Ok(team) => Ok(Some(team)),
            Err(error) if is_unknown_team(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a team.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn create_team(&self, team: &NewTeam) -> Result<Team, Error> {
        self.ask(Request::post("teams", team)?).await
    }

    /// Changes a team, and tells what it is then.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble). [`ErrorCode::TeamNotFound`] when there is no such team.
    pub async fn update_team(&self, id: TeamId, patch: &TeamPatch) -> Result<Team, Error> {
        self.ask(Request::patch(format!("teams/{id}"), patch)?).await
    }

    /// Deletes a team. Its members stay users.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble). [`ErrorCode::TeamNotFound`] when there is no such team.
    pub async fn delete_team(&self, id: TeamId) -> Result<(), Error> {
        self.tell(Request::delete(format!("teams/{id}"))).await
    }

    /// Makes a user a member of a team.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn add_team_member(&self, team: TeamId, user: UserId) -> Result<(), Error> {
        self.tell(Request::empty_post(format!("team-memberships/{team}/{user}"))?)
            .await
    }

    /// Takes a user out of a team.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn remove_team_member(&self, team: TeamId, user: UserId) -> Result<(), Error> {
        self.tell(Request::delete(format!("team-memberships/{team}/{user}")))
            .await
    }
}

/// Changes to a team. What is not set stays as it is; what is set to `None` is cleared. Metadata is replaced as a
/// whole.
#[derive(Clone, Default, Serialize)]
#[serde(transparent)]
#[must_use]
pub struct TeamPatch(Map<String, Value>);

impl TeamPatch {
    /// The team's name.
    pub fn display_name(self, name: &str) -> Self {
        self.set("display_name", json!(name))
    }

    /// Where the team's picture is.
    pub fn profile_image_url(self, url: Option<&str>) -> Self {
        self.set("profile_image_url", json!(url))
    }

    /// What the clients of its members may read and write. Null clears it.
    pub fn client_metadata(self, metadata: Value) -> Self {
        self.set("client_metadata", metadata)
    }

    /// What the clients of its members may read. Null clears it.
    pub fn client_read_only_metadata(self, metadata: Value) -> Self {
        self.set("client_read_only_metadata", metadata)
    }

    /// What only servers may read. Null clears it.
    pub fn server_metadata(self, metadata: Value) -> Self {
        self.set("server_metadata", metadata)
    }

    fn set(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }
}

impl fmt::Debug for TeamPatch {
    /// Shows which members are set, not to what.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TeamPatch")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A team to be created.
///
/// ```
/// use hexclave_core::api::NewTeam;
/// use serde_json::json;
///
/// let team = NewTeam::named("Analytical Engines").with(|team| team.server_metadata(json!({ "plan": "pro" })));
/// ```
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct NewTeam {
    #[serde(flatten)]
    members: TeamPatch,
    #[serde(skip_serializing_if = "Option::is_none")]
    creator_user_id: Option<UserId>,
}

impl NewTeam {
    /// A team with this name, and nobody in it.
    pub fn named(name: &str) -> Self {
        Self {
            members: TeamPatch::default().display_name(name),
            creator_user_id: None,
        }
    }

    /// Sets what can be changed later, too.
    pub fn with(mut self, set: impl FnOnce(TeamPatch) -> TeamPatch) -> Self {
        self.members = set(self.members);
        self
    }

    /// Makes this user the first member, with the permissions of those who create teams.
    pub fn created_by(mut self, user: UserId) -> Self {
        self.creator_user_id = Some(user);
        self
    }
}

fn is_unknown_team(error: &Error) -> bool {
    let code = error.api().and_then(super::ApiError::code);
    code == Some(&ErrorCode::TeamNotFound)
}
