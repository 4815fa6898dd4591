use super::{Client, ListOf, ServerAccess, request::Request};
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
