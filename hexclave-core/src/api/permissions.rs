use super::{Client, ListOf, ServerAccess, request::Request};
use crate::{
    Error, TeamId, UserId,
    resource::{PermissionId, ProjectPermission, TeamPermission},
};

/// Which permissions to list. A permission may contain others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum PermissionDepth {
    /// Those that were granted, and no others.
    Direct,
    /// Those that were granted, and those that they contain. What a user may do is decided by these.
    Recursive,
}

impl<A: ServerAccess> Client<A> {
    /// A user's permissions, in one team or in all.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn team_permissions(
        &self,
        user: UserId,
        team: Option<TeamId>,
        depth: PermissionDepth,
    ) -> Result<Vec<TeamPermission>, Error> {
        let request = of("team-permissions", Some(&user.to_string()), depth).query_if_some("team_id", team);
        Ok(self.ask::<ListOf<_>>(request).await?.items)
    }

    /// A user's permissions in the whole project.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn project_permissions(
        &self,
        user: UserId,
        depth: PermissionDepth,
    ) -> Result<Vec<ProjectPermission>, Error> {
        let request = of("project-permissions", Some(&user.to_string()), depth);
        Ok(self.ask::<ListOf<_>>(request).await?.items)
    }

    /// The permissions of all members of a team.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn permissions_in_team(
        &self,
        team: TeamId,
        depth: PermissionDepth,
    ) -> Result<Vec<TeamPermission>, Error> {
        let request = of("team-permissions", None, depth).query("team_id", team.to_string());
        Ok(self.ask::<ListOf<_>>(request).await?.items)
    }

    /// Grants a permission in a team to one of its members.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn grant_team_permission(
        &self,
        user: UserId,
        team: TeamId,
        permission: &PermissionId,
    ) -> Result<(), Error> {
        let path = format!("team-permissions/{team}/{user}/{permission}");
        self.tell(Request::empty_post(path)?).await
    }

    /// Takes a permission in a team away.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn revoke_team_permission(
        &self,
        user: UserId,
        team: TeamId,
        permission: &PermissionId,
    ) -> Result<(), Error> {
        let path = format!("team-permissions/{team}/{user}/{permission}");
        self.tell(Request::delete(path)).await
    }

    /// Grants a permission in the whole project.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn grant_project_permission(
        &self,
        user: UserId,
        permission: &PermissionId,
    ) -> Result<(), Error> {
        let path = format!("project-permissions/{user}/{permission}");
        self.tell(Request::empty_post(path)?).await
    }

    /// Takes a permission in the whole project away.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn revoke_project_permission(
        &self,
        user: UserId,
        permission: &PermissionId,
    ) -> Result<(), Error> {
        let path = format!("project-permissions/{user}/{permission}");
        self.tell(Request::delete(path)).await
    }
}

/// A request for a list of permissions.
pub(super) fn of(path: &str, user: Option<&str>, depth: PermissionDepth) -> Request {
    let recursive = match depth {
        PermissionDepth::Direct => "false",
        PermissionDepth::Recursive => "true",
    };
    Request::get(path)
        .query_if_some("user_id", user)
        .query("recursive", recursive)
}
