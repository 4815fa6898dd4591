use axum::extract::State;
use serde_json::json;

use super::{
    Caller, Shared,
    answer::{Answer, json_answer},
    input::Query,
};

pub(super) async fn read(State(app): Shared, _: Caller) -> Answer {
    let settings = app.settings();
    json_answer(&json!({
        "id": app.config().project_id().as_str(),
        "display_name": "Local Hexclave",
        "config": {
            "sign_up_enabled": settings.allows_sign_up,
            "credential_enabled": true,
            "magic_link_enabled": false,
            "passkey_enabled": false,
            "client_team_creation_enabled": settings.allows_client_team_creation,
            "client_user_deletion_enabled": settings.allows_client_user_deletion,
            "allow_localhost": true,
            "allow_user_api_keys": false,
            "allow_team_api_keys": false,
            "enabled_oauth_providers": [],
            "domains": [],
        },
    }))
}

/// Where the API can be reached, best first: what SDKs ask that have their base URL from the environment.
pub(super) async fn backend_urls(State(app): Shared, query: Query) -> Answer {
    query.with_parameters(&[])?;
    json_answer(&json!({ "urls": [app.config().api_url().as_str()] }))
}
