use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

use super::{
    super::{api_error::ApiError, directory::NewSession},
    Caller, Shared, access_token,
    answer::{Answer, json_answer},
    input::JsonBody,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecondFactor {
    #[serde(rename = "type")]
    kind: String,
    totp: String,
    code: String,
}

pub(super) async fn sign_in(State(app): Shared, _: Caller, body: JsonBody) -> Answer {
    let SecondFactor { kind, totp, code } = body.parse()?;
    if kind != "totp" {
        return Err(ApiError::schema("type must be totp"));
    }
    let now = app.now_millis();
    let user_id = app.directory().show_second_factor(&code, &totp, now)?;
    let refresh_token = app
        .directory()
        .open_session(user_id, NewSession::default(), now)?;
    json_answer(&json!({
        "access_token": access_token(&app, &refresh_token)?,
        "refresh_token": refresh_token,
        "is_new_user": false,
        "user_id": user_id.to_string(),
    }))
}
