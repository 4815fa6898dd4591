use std::collections::BTreeMap;

use hexclave_core::User;
use serde::{Serialize, ser::SerializeMap};
use serde_json::Value;

/// The audience of every token of Supabase Auth.
pub(crate) const AUDIENCE: &str = "authenticated";

/// The claims of a user, apart from id and role.
#[derive(Clone, PartialEq)]
pub(super) struct Made {
    pub(super) user: User,
    pub(super) is_anonymous: bool,
    pub(super) is_restricted: Option<bool>,
    pub(super) email: Option<String>,
    pub(super) aal: Option<&'static str>,
    pub(super) app_metadata: Option<AppMetadata>,
    pub(super) user_metadata: Option<Value>,
    pub(super) custom: BTreeMap<String, Value>,
}

/// What the application says about a user.
#[derive(Clone, PartialEq, Serialize)]
pub(super) struct AppMetadata {
    project_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    selected_team_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) teams: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) permissions: Option<Vec<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) team_permissions: BTreeMap<String, Vec<String>>,
}

impl Made {
    pub(super) fn of(user: &User) -> Self {
        Self {
            user: user.clone(),
            is_anonymous: false,
            is_restricted: None,
            email: None,
            aal: None,
            app_metadata: None,
            user_metadata: None,
            custom: BTreeMap::new(),
        }
    }

    pub(super) fn app_metadata_mut(&mut self) -> &mut AppMetadata {
        self.app_metadata.get_or_insert_with(|| AppMetadata {
            project_id: self.user.project_id().to_string(),
            selected_team_id: self.user.selected_team_id().map(|team| team.to_string()),
            teams: None,
            permissions: None,
            team_permissions: BTreeMap::new(),
        })
    }

    pub(super) fn serialize_into<M: SerializeMap>(&self, claims: &mut M) -> Result<(), M::Error> {
        claims.serialize_entry("aud", AUDIENCE)?;
        claims.serialize_entry("is_anonymous", &self.is_anonymous)?;
        if let Some(is_restricted) = &self.is_restricted {
            claims.serialize_entry("is_restricted", is_restricted)?;
        }
        if let Some(email) = &self.email {
            claims.serialize_entry("email", email)?;
        }
        if let Some(aal) = &self.aal {
            claims.serialize_entry("aal", aal)?;
        }
        if let Some(app_metadata) = &self.app_metadata {
            claims.serialize_entry("app_metadata", app_metadata)?;
        }
        if let Some(user_metadata) = &self.user_metadata {
            claims.serialize_entry("user_metadata", user_metadata)?;
        }
        for (name, value) in &self.custom {
            claims.serialize_entry(name, value)?;
        }
        Ok(())
    }
}
