use std::fmt;

use super::{
    Access, Client, ListOf, PermissionDepth, UserPatch, client::admit, permissions, request::Request,
};
use crate::{
    AcceptedKinds, AccessToken, Error, ErrorKind, SessionId, TeamId, UserKind,
    claims::RawClaims,
    jws::Jws,
    resource::{PermissionId, ProjectPermission, Team, TeamPermission, UserSession},
};

/// A [`Client`] that asks as a signed-in user: see [`Client::as_user`].
///
/// Users of a kind that is not [let in](super::ClientBuilder::accept) are refused in each call.
pub struct AsUser<A> {
    client: Client<A>,
    token: AccessToken,
}

impl<A: Access> AsUser<A> {
    pub(super) fn new(client: Client<A>, token: AccessToken) -> Self {
        Self { client, token }
    }

    /// Who the user is now.
    ///
    /// # Errors
    /// [`Error::is_refusal`] when the token is not, or no longer, that of a user who is let in; see
    /// [Trouble](Client#trouble).
    pub async fn me(&self) -> Result<A::User, Error> {
        let request = self.as_this_user(Request::get("users/me"))?;
        self.admitted(self.client.ask(request).await?)
    }

    /// Changes the user, and tells who it is then.
    ///
    /// # Errors
    /// See [Trouble](Client#trouble).
    pub async fn update(&self, patch: &UserPatch) -> Result<A::User, Error> {
        let request = self.as_this_user(Request::patch("users/me", patch)?)?;
        self.client.ask(request).await
    }

    /// Deletes the user. With [`Public`](super::Public) access the project must allow it.
    ///
    /// # Errors
    /// See [Trouble](Client#trouble).
    pub async fn delete(&self) -> Result<(), Error> {
        let request = self.as_this_user(Request::delete("users/me"))?;
        self.client.tell(request).await
    }

    /// The teams that the user belongs to, oldest first.
    ///
    /// # Errors
    /// See [Trouble](Client#trouble).
    pub async fn teams(&self) -> Result<Vec<Team>, Error> {
        let request = Request::get("teams").query("user_id", "me");
        self.list(request).await
    }

    /// The user's permissions, in one team or in all.
    ///
    /// # Errors
    /// See [Trouble](Client#trouble).
    pub async fn team_permissions(
        &self,
        team: Option<TeamId>,
        depth: PermissionDepth,
    ) -> Result<Vec<TeamPermission>, Error> {
        let request = permissions::of("team-permissions", Some("me"), depth).query_if_some("team_id", team);
        self.list(request).await
    }

    /// Whether the user has a permission in a team, by itself or within another one.
    ///
    /// # Errors
    /// See [Trouble](Client#trouble).
    pub async fn has_team_permission(&self, team: TeamId, permission: &PermissionId) -> Result<bool, Error> {
        let request = permissions::of("team-permissions", Some("me"), PermissionDepth::Recursive)
            .query("team_id", team.to_string())
            .query("permission_id", permission.as_str());
        let found: Vec<TeamPermission> = self.list(request).await?;
        Ok(found
            .iter()
            .any(|found| found.id == *permission && found.team_id == team))
    }

    /// The user's permissions in the whole project.
    ///
    /// # Errors
    /// See [Trouble](Client#trouble).
    pub async fn project_permissions(&self, depth: PermissionDepth) -> Result<Vec<ProjectPermission>, Error> {
        self.list(permissions::of("project-permissions", Some("me"), depth))
            .await
    }

    /// Whether the user has a permission in the whole project, by itself or within another one.
    ///
    /// # Errors
    /// See [Trouble](Client#trouble).
    pub async fn has_project_permission(&self, permission: &PermissionId) -> Result<bool, Error> {
        let request = permissions::of("project-permissions", Some("me"), PermissionDepth::Recursive)
            .query("permission_id", permission.as_str());
        let found: Vec<ProjectPermission> = self.list(request).await?;
        Ok(found.iter().any(|found| found.id == *permission))
    }

    /// The user's sessions.
    ///
    /// # Errors
    /// See [Trouble](Client#trouble).
    pub async fn sessions(&self) -> Result<Vec<UserSession>, Error> {
        let request = Request::get("auth/sessions").query("user_id", "me");
        self.list(request).await
    }

    /// Ends another one of the user's sessions. Its access tokens stay valid until they expire.
    ///
    /// # Errors
    /// See [Trouble](Client#trouble). [`ErrorCode::CannotDeleteCurrentSession`](super::ErrorCode) when it is the
    /// session that asks: [sign out](Self::sign_out) of that.
    pub async fn revoke_session(&self, session: SessionId) -> Result<(), Error> {
        let request = Request::delete(format!("auth/sessions/{session}")).query("user_id", "me");
        self.client.tell(self.as_this_user(request)?).await
    }

    /// Ends the session that the access token belongs to: no more access tokens can be had for it. Those that were,
    /// this one too, stay valid until they expire. A user of any kind can sign out; one who has done so already is
    /// no error.
    ///
    /// # Errors
    /// See [Trouble](Client#trouble).
    pub async fn sign_out(&self) -> Result<(), Error> {
        let request =
            Request::delete("auth/sessions/current").with_access_token(&self.token, AcceptedKinds::ALL)?;
        match self.client.tell(request).await {
            Err(error) if error.kind() == ErrorKind::SessionEnded => Ok(()),
            result => result,
        }
    }

    fn as_this_user(&self, request: Request) -> Result<Request, Error> {
        // The API has no word for letting guests in and restricted users not.
        if let Some(kind) = kind_of(&self.token) {
            admit(kind, self.client.accepted_kinds())?;
        }
        request.with_access_token(&self.token, self.client.accepted_kinds())
    }

    async fn list<T: serde::de::DeserializeOwned>(&self, request: Request) -> Result<Vec<T>, Error> {
        let list: ListOf<T> = self.client.ask(self.as_this_user(request)?).await?;
        Ok(list.items)
    }

    fn admitted(&self, user: A::User) -> Result<A::User, Error> {
        admit(user.as_ref().kind(), self.client.accepted_kinds())?;
        Ok(user)
    }
}

impl<A: Access> fmt::Debug for AsUser<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsUser")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

/// The kind of user that a token says it is of. Whether that is so, the API finds out.
fn kind_of(token: &AccessToken) -> Option<UserKind> {
    let jws = Jws::parse(token.expose()).ok()?;
    let claims = RawClaims::parse(&jws.payload).ok()?;
    Some(claims.into_user().ok()?.kind)
}
