use std::collections::{BTreeMap, BTreeSet};

use hexclave_core::{TeamId, UserId};
use serde::{Deserialize, Serialize};

use super::{super::api_error::ApiError, Directory};

/// The permissions of teams that every project has.
const SYSTEM: [&str; 6] = [
    "$delete_team",
    "$invite_members",
    "$manage_api_keys",
    "$read_members",
    "$remove_members",
    "$update_team",
];

/// What is known about the project's own permissions: which there are, and which they contain.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Definitions(BTreeMap<String, Definition>);

#[derive(Debug, Deserialize, Serialize)]
struct Definition {
    scope: PermissionScope,
    contains: Vec<String>,
}

/// Where a permission holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PermissionScope {
    Team,
    Project,
}

impl Default for Definitions {
    /// What Hexclave gives a new project.
    fn default() -> Self {
        let all = SYSTEM.map(str::to_owned).to_vec();
        let few = ["$read_members", "$invite_members"].map(str::to_owned).to_vec();
        let team = |id: &str, contains| {
            let scope = PermissionScope::Team;
            (id.to_owned(), Definition { scope, contains })
        };
        Self(BTreeMap::from([
            team("team_admin", all),
            team("team_member", few),
        ]))
    }
}

impl Definitions {
    fn has(&self, scope: PermissionScope, id: &str) -> bool {
        let own = self.0.get(id).is_some_and(|definition| definition.scope == scope);
        own || (scope == PermissionScope::Team && SYSTEM.contains(&id))
    }

    /// The permissions that these are, or that these contain.
    fn closure<'a>(&'a self, direct: &'a BTreeSet<String>) -> BTreeSet<&'a str> {
        let mut all = BTreeSet::new();
        let mut open: Vec<&str> = direct.iter().map(String::as_str).collect();
        while let Some(id) = open.pop() {
            if all.insert(id) {
                let contained = self.0.get(id).map(|definition| definition.contains.as_slice());
                open.extend(contained.unwrap_or_default().iter().map(String::as_str));
            }
        }
        all
    }
}

/// Whether a text can be the id of a permission.
pub(crate) fn is_permission_id(text: &str) -> bool {
    let plain = text.strip_prefix('$').unwrap_or(text);
    let known = !text.starts_with('$') || SYSTEM.contains(&text);
    known
        && !plain.is_empty()
        && plain
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b':')
}

/// A permission that a user has, as the API shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ShownPermission {
    pub(crate) id: String,
    pub(crate) user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) team_id: Option<String>,
}

impl ShownPermission {
    pub(crate) fn new(id: &str, user: UserId, team: Option<TeamId>) -> Self {
        Self {
            id: id.to_owned(),
            user_id: user.to_string(),
            team_id: team.map(|team| team.to_string()),
        }
    }
}

/// Which permissions a list has.
#[derive(Debug, Default)]
pub(crate) struct PermissionFilter {
    pub(crate) user: Option<UserId>,
    pub(crate) team: Option<TeamId>,
    pub(crate) id: Option<String>,
    /// Also those that are contained in others.
    pub(crate) recursive: bool,
}

impl Directory {
    /// Makes a permission known to the project.
    pub(crate) fn define_permission(
        &mut self,
        scope: PermissionScope,
        id: &str,
        contains: &[&str],
    ) -> Result<(), ApiError> {
        if !is_permission_id(id) || id.starts_with('$') {
            return Err(ApiError::schema(format!(
                "{id} cannot be a permission: lower-case letters, digits, `_` and `:` can"
            )));
        }
        if let Some(unknown) = contains.iter().find(|id| !self.definitions.has(scope, id)) {
            return Err(ApiError::permission_not_found(unknown));
        }
        let contains = contains.iter().map(|&id| id.to_owned()).collect();
        self.definitions
            .0
            .insert(id.to_owned(), Definition { scope, contains });
        Ok(())
    }

    /// The permissions of teams' members, by team, user and id.
    pub(crate) fn list_team_permissions(&self, filter: &PermissionFilter) -> Vec<ShownPermission> {
        let mut memberships: Vec<_> = self
            .memberships
            .iter()
            .filter(|membership| filter.team.is_none_or(|team| membership.team == team))
            .filter(|membership| filter.user.is_none_or(|user| membership.user == user))
            .collect();
        memberships.sort_by_key(|membership| (membership.team, membership.user));
        memberships
            .into_iter()
            .flat_map(|membership| {
                self.listed(&membership.permissions, filter)
                    .map(|id| ShownPermission::new(id, membership.user, Some(membership.team)))
            })
            .collect()
    }

    /// The project's permissions of users, by user and id.
    pub(crate) fn list_project_permissions(&self, filter: &PermissionFilter) -> Vec<ShownPermission> {
        self.grants
            .iter()
            .filter(|(user, _)| filter.user.is_none_or(|wanted| wanted == **user))
            .flat_map(|(user, permissions)| {
                self.listed(permissions, filter)
                    .map(|id| ShownPermission::new(id, *user, None))
            })
            .collect()
    }

    fn listed<'a>(
        &'a self,
        direct: &'a BTreeSet<String>,
        filter: &'a PermissionFilter,
    ) -> impl Iterator<Item = &'a str> {
        let ids = match filter.recursive {
            true => self.definitions.closure(direct),
            false => direct.iter().map(String::as_str).collect(),
        };
        let wanted = |id: &&str| filter.id.as_deref().is_none_or(|wanted| wanted == *id);
        ids.into_iter().filter(wanted)
    }

    /// # Errors
    /// When the user is no member or, as a member, does not have the permission, not even in another.
    pub(crate) fn require_permission(&self, team: TeamId, user: UserId, id: &str) -> Result<(), ApiError> {
        self.require_membership(team, user)?;
        let has = self
            .membership(team, user)
            .is_some_and(|membership| self.definitions.closure(&membership.permissions).contains(id));
        match has {
            true => Ok(()),
            false => Err(ApiError::permission_required(team, user, id)),
        }
    }

    pub(crate) fn grant_in_team(&mut self, team: TeamId, user: UserId, id: &str) -> Result<(), ApiError> {
        self.require_membership(team, user)?;
        if !self.definitions.has(PermissionScope::Team, id) {
            return Err(ApiError::permission_not_found(id));
        }
        let membership = self.membership_mut(team, user)?;
        membership.permissions.insert(id.to_owned());
        Ok(())
    }

    pub(crate) fn revoke_in_team(&mut self, team: TeamId, user: UserId, id: &str) -> Result<(), ApiError> {
        match self.membership_mut(team, user)?.permissions.remove(id) {
            true => Ok(()),
            false => Err(ApiError::team_permission_not_found(team, user, id)),
        }
    }

    pub(crate) fn grant(&mut self, user: UserId, id: &str) -> Result<(), ApiError> {
        self.require_user(user)?;
        if !self.definitions.has(PermissionScope::Project, id) {
            return Err(ApiError::permission_not_found(id));
        }
        self.grants.entry(user).or_default().insert(id.to_owned());
        Ok(())
    }

    pub(crate) fn revoke(&mut self, user: UserId, id: &str) -> Result<(), ApiError> {
        self.require_user(user)?;
        match self.grants.entry(user).or_default().remove(id) {
            true => Ok(()),
            false => Err(ApiError::permission_not_found(id)),
        }
    }
}
