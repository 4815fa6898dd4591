//! The project's users and what belongs to them, in memory.

mod cli_logins;
mod overview;
mod password;
mod permissions;
mod second_factor;
mod sessions;
mod shown_user;
mod teams;
mod user_changes;
mod users;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hexclave_core::UserId;
use serde::{Deserialize, Serialize};

pub(crate) use cli_logins::PolledLogin;
pub(crate) use overview::{SessionRow, UserRow};
pub(crate) use permissions::{PermissionFilter, PermissionScope, ShownPermission, is_permission_id};
pub(crate) use second_factor::one_time_password;
pub(crate) use sessions::NewSession;
pub(crate) use shown_user::ShownUser;
pub(crate) use teams::{ProfileChanges, ShownMembership, ShownTeam, TeamChanges};
pub(crate) use user_changes::UserChanges;
pub(crate) use users::{UserFilter, UserPage};

use cli_logins::CliLogin;
use permissions::Definitions;
use second_factor::Attempt;
use sessions::Session;
use teams::{Membership, Team};
use users::UserRecord;

/// What a project's owner sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) requires_verified_email: bool,
    pub(crate) requires_publishable_key: bool,
    pub(crate) allows_sign_up: bool,
    pub(crate) allows_client_team_creation: bool,
    pub(crate) allows_client_user_deletion: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            requires_verified_email: false,
            requires_publishable_key: false,
            allows_sign_up: true,
            allows_client_team_creation: false,
            allows_client_user_deletion: false,
        }
    }
}

/// Who sees something: servers see more than clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Client,
    Server,
}

/// Neither it nor what it has can be printed: it is full of secrets. What is kept in a file is what lasts for longer than
/// minutes.
#[derive(Deserialize, Serialize)]
pub(crate) struct Directory {
    #[serde(skip)]
    settings: Settings,
    users: HashMap<UserId, UserRecord>,
    /// By refresh token.
    sessions: HashMap<String, Session>,
    /// In the order in which they were made, and so are the memberships.
    teams: Vec<Team>,
    memberships: Vec<Membership>,
    definitions: Definitions,
    /// The project's permissions that users have directly.
    grants: BTreeMap<UserId, BTreeSet<String>>,
    /// Sign-ins that wait for a second factor, by code.
    #[serde(skip)]
    attempts: HashMap<String, Attempt>,
    #[serde(skip)]
    cli_logins: Vec<CliLogin>,
}

impl Directory {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            users: HashMap::new(),
            sessions: HashMap::new(),
            teams: Vec::new(),
            memberships: Vec::new(),
            definitions: Definitions::default(),
            grants: BTreeMap::new(),
            attempts: HashMap::new(),
            cli_logins: Vec::new(),
        }
    }

    /// The same with what the project's owner sets now.
    pub(crate) fn with_settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }
}
