use std::collections::BTreeSet;

use hexclave_core::{TeamId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    super::{
        api_error::ApiError,
        optional::{given, set},
    },
    Directory, ShownUser, View,
};

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Team {
    id: TeamId,
    display_name: String,
    profile_image_url: Option<String>,
    client_metadata: Value,
    client_read_only_metadata: Value,
    server_metadata: Value,
    created_at_millis: u64,
}

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Membership {
    pub(super) team: TeamId,
    pub(super) user: UserId,
    /// Where a member is called otherwise, or looks otherwise, than elsewhere.
    display_name: Option<String>,
    profile_image_url: Option<String>,
    /// The permissions that the member has directly.
    pub(super) permissions: BTreeSet<String>,
}

/// What a request sets of a team. What is absent stays; `null` takes away.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TeamChanges {
    #[serde(deserialize_with = "given")]
    pub(crate) display_name: Option<String>,
    #[serde(deserialize_with = "given")]
    pub(crate) profile_image_url: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub(crate) client_metadata: Option<Value>,
    #[serde(deserialize_with = "given")]
    pub(crate) client_read_only_metadata: Option<Value>,
    #[serde(deserialize_with = "given")]
    pub(crate) server_metadata: Option<Value>,
    /// For a new team only.
    #[serde(deserialize_with = "given")]
    pub(crate) creator_user_id: Option<String>,
}

impl TeamChanges {
    /// What clients may set.
    pub(crate) const OF_CLIENTS: [&'static str; 3] = ["display_name", "profile_image_url", "client_metadata"];
    /// What only a new team can be given.
    pub(crate) const OF_NEW: &'static str = "creator_user_id";
}

/// What a request sets of a member's profile.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ProfileChanges {
    #[serde(deserialize_with = "given")]
    display_name: Option<String>,
    #[serde(deserialize_with = "given")]
    profile_image_url: Option<Option<String>>,
}

/// A team as the API shows it; what is absent for clients is for servers only.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ShownTeam {
    id: String,
    display_name: String,
    profile_image_url: Option<String>,
    client_metadata: Value,
    client_read_only_metadata: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_metadata: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at_millis: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ShownMembership {
    team_id: String,
    user_id: String,
}

impl ShownMembership {
    pub(crate) fn new(team: TeamId, user: UserId) -> Self {
        Self {
            team_id: team.to_string(),
            user_id: user.to_string(),
        }
    }
}

/// A member as the other members see them.
#[derive(Clone, Serialize)]
pub(crate) struct MemberProfile {
    team_id: String,
    user_id: String,
    display_name: Option<String>,
    profile_image_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<ShownUser>,
}

impl Directory {
    pub(crate) fn create_team(&mut self, changes: &TeamChanges, now_millis: u64) -> Result<TeamId, ApiError> {
        self.create_team_as(None, changes, now_millis)
    }

    /// The same with an id that is not random.
    pub(crate) fn create_team_as(
        &mut self,
        id: Option<TeamId>,
        changes: &TeamChanges,
        now_millis: u64,
    ) -> Result<TeamId, ApiError> {
        let display_name = changes.display_name.clone();
        let display_name = display_name.ok_or_else(|| ApiError::schema("display_name must be defined"))?;
        let id = id.unwrap_or_else(|| uuid::Uuid::new_v4().into());
        if self.require_team(id).is_ok() {
            return Err(ApiError::text(400, "Another team has this id."));
        }
        self.teams.push(Team {
            id,
            display_name,
            profile_image_url: None,
            client_metadata: Value::Null,
            client_read_only_metadata: Value::Null,
            server_metadata: Value::Null,
            created_at_millis: now_millis,
        });
        self.update_team(id, changes)?;
        Ok(id)
    }

    pub(crate) fn update_team(&mut self, id: TeamId, changes: &TeamChanges) -> Result<(), ApiError> {
        let team = self.teams.iter_mut().find(|team| team.id == id);
        let team = team.ok_or_else(|| ApiError::team_not_found(id))?;
        set(&mut team.display_name, changes.display_name.clone());
        set(&mut team.profile_image_url, changes.profile_image_url.clone());
        set(&mut team.client_metadata, changes.client_metadata.clone());
        set(
            &mut team.client_read_only_metadata,
            changes.client_read_only_metadata.clone(),
        );
        set(&mut team.server_metadata, changes.server_metadata.clone());
        Ok(())
    }

    pub(crate) fn delete_team(&mut self, id: TeamId) -> Result<(), ApiError> {
        self.require_team(id)?;
        self.teams.retain(|team| team.id != id);
        self.memberships.retain(|membership| membership.team != id);
        for user in self.users.values_mut() {
            user.selected_team_id = user.selected_team_id.filter(|team| *team != id);
        }
        Ok(())
    }

    pub(crate) fn show_team(&self, id: TeamId, view: View) -> Result<ShownTeam, ApiError> {
        let team = self.teams.iter().find(|team| team.id == id);
        team.map(|team| shown(team, view))
            .ok_or_else(|| ApiError::team_not_found(id))
    }

    /// The teams, the oldest first: all, or those of a member.
    pub(crate) fn list_teams(&self, member: Option<UserId>, view: View) -> Vec<ShownTeam> {
        self.teams
            .iter()
            .filter(|team| member.is_none_or(|user| self.is_member(team.id, user)))
            .map(|team| shown(team, view))
            .collect()
    }

    /// What the teams are called that a user is a member of.
    pub(super) fn team_names(&self, user: UserId) -> Vec<String> {
        let teams = self.teams.iter().filter(|team| self.is_member(team.id, user));
        teams.map(|team| team.display_name.clone()).collect()
    }

    pub(crate) fn require_team(&self, id: TeamId) -> Result<(), ApiError> {
        match self.teams.iter().any(|team| team.id == id) {
            true => Ok(()),
            false => Err(ApiError::team_not_found(id)),
        }
    }

    pub(crate) fn is_member(&self, team: TeamId, user: UserId) -> bool {
        self.membership(team, user).is_some()
    }

    pub(super) fn membership(&self, team: TeamId, user: UserId) -> Option<&Membership> {
        self.memberships
            .iter()
            .find(|membership| membership.team == team && membership.user == user)
    }

    pub(super) fn membership_mut(&mut self, team: TeamId, user: UserId) -> Result<&mut Membership, ApiError> {
        self.require_user(user)?;
        self.memberships
            .iter_mut()
            .find(|membership| membership.team == team && membership.user == user)
            .ok_or_else(|| ApiError::membership_not_found(team, user))
    }

    pub(crate) fn require_user(&self, user: UserId) -> Result<(), ApiError> {
        self.user(user).map(|_| ()).ok_or_else(ApiError::user_not_found)
    }

    pub(crate) fn require_membership(&self, team: TeamId, user: UserId) -> Result<(), ApiError> {
        self.require_user(user)?;
        match self.is_member(team, user) {
            true => Ok(()),
            false => Err(ApiError::membership_not_found(team, user)),
        }
    }

    /// Makes a user a member, with `permissions` to begin with.
    pub(crate) fn join_team(
        &mut self,
        team: TeamId,
        user: UserId,
        permissions: &[&str],
    ) -> Result<(), ApiError> {
        self.require_user(user)?;
        self.require_team(team)?;
        if self.is_member(team, user) {
            return Err(ApiError::membership_exists());
        }
        self.memberships.push(Membership {
            team,
            user,
            display_name: None,
            profile_image_url: None,
            permissions: permissions.iter().map(|&id| id.to_owned()).collect(),
        });
        Ok(())
    }

    pub(crate) fn leave_team(&mut self, team: TeamId, user: UserId) -> Result<(), ApiError> {
        self.require_membership(team, user)?;
        self.memberships
            .retain(|membership| membership.team != team || membership.user != user);
        if let Some(user) = self.users.get_mut(&user) {
            user.selected_team_id = user.selected_team_id.filter(|selected| *selected != team);
        }
        Ok(())
    }

    pub(super) fn remove_from_all_teams(&mut self, user: UserId) -> Vec<TeamId> {
        let of_user = |membership: &Membership| membership.user == user;
        let teams = self.teams.iter().map(|team| team.id);
        let teams = teams.filter(|team| self.is_member(*team, user)).collect();
        self.memberships.retain(|membership| !of_user(membership));
        teams
    }

    pub(crate) fn list_profiles(
        &self,
        team: Option<TeamId>,
        user: Option<UserId>,
        view: View,
    ) -> Vec<MemberProfile> {
        self.memberships
            .iter()
            .filter(|membership| team.is_none_or(|team| membership.team == team))
            .filter(|membership| user.is_none_or(|user| membership.user == user))
            .filter_map(|membership| self.profile(membership, view))
            .collect()
    }

    pub(crate) fn update_profile(
        &mut self,
        team: TeamId,
        user: UserId,
        changes: &ProfileChanges,
    ) -> Result<(), ApiError> {
        let membership = self.membership_mut(team, user)?;
        if changes.display_name.is_some() {
            membership.display_name.clone_from(&changes.display_name);
        }
        set(
            &mut membership.profile_image_url,
            changes.profile_image_url.clone(),
        );
        Ok(())
    }

    pub(crate) fn show_profile(
        &self,
        team: TeamId,
        user: UserId,
        view: View,
    ) -> Result<MemberProfile, ApiError> {
        self.require_user(user)?;
        self.membership(team, user)
            .and_then(|membership| self.profile(membership, view))
            .ok_or_else(|| ApiError::membership_not_found(team, user))
    }

    fn profile(&self, membership: &Membership, view: View) -> Option<MemberProfile> {
        let user = self.user(membership.user)?;
        let own = |value: &Option<String>, users: &Option<String>| value.clone().or_else(|| users.clone());
        Some(MemberProfile {
            team_id: membership.team.to_string(),
            user_id: membership.user.to_string(),
            display_name: own(&membership.display_name, &user.display_name),
            profile_image_url: own(&membership.profile_image_url, &user.profile_image_url),
            user: match view {
                View::Server => Some(self.show_user(membership.user, view).ok()?),
                View::Client => None,
            },
        })
    }
}

fn shown(team: &Team, view: View) -> ShownTeam {
    let for_server = view == View::Server;
    ShownTeam {
        id: team.id.to_string(),
        display_name: team.display_name.clone(),
        profile_image_url: team.profile_image_url.clone(),
        client_metadata: team.client_metadata.clone(),
        client_read_only_metadata: team.client_read_only_metadata.clone(),
        server_metadata: for_server.then(|| team.server_metadata.clone()),
        created_at_millis: for_server.then_some(team.created_at_millis),
    }
}
