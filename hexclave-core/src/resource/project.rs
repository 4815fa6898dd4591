use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Extra;
use crate::ProjectId;

/// The project as its clients see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Project {
    /// The project's id.
    pub id: ProjectId,
    /// The project's name.
    pub display_name: String,
    /// How users can sign in, and what they may do.
    pub config: ProjectSettings,
    /// Members that have no field here.
    #[serde(flatten)]
    pub extra: Extra,
}

/// How a project's users can sign in, and what they may do. What a server does not tell is off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ProjectSettings {
    /// Whether new users can sign up.
    pub sign_up_enabled: bool,
    /// Whether users can sign in with a password.
    pub credential_enabled: bool,
    /// Whether users can sign in with a link sent by e-mail.
    pub magic_link_enabled: bool,
    /// Whether users can sign in with a passkey.
    pub passkey_enabled: bool,
    /// Whether users can make teams.
    pub client_team_creation_enabled: bool,
    /// Whether users can delete themselves.
    pub client_user_deletion_enabled: bool,
    /// Whether local addresses count as trusted domains.
    pub allow_localhost: bool,
    /// Whether users can have API keys.
    pub allow_user_api_keys: bool,
    /// Whether teams can have API keys.
    pub allow_team_api_keys: bool,
    /// The OAuth providers, each an object with its `id`.
    pub enabled_oauth_providers: Vec<Map<String, Value>>,
    /// Where the project's own pages may be.
    pub domains: Vec<Domain>,
    /// Members that have no field here.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A trusted domain of a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Domain {
    /// The domain, with its scheme.
    pub domain: String,
    /// Where Hexclave's pages are below it, such as `/handler`.
    pub handler_path: String,
    /// Members that have no field here.
    #[serde(flatten)]
    pub extra: Extra,
}
