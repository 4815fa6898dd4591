use axum::extract::{Path, State};
use hexclave_core::{SessionId, UserId};
use serde::Deserialize;
use serde_json::json;

use super::{
    super::{api_error::ApiError, directory::NewSession, optional::given},
    Caller, Shared, access_token,
    answer::{Answer, List, json_answer, success},
    input::{JsonBody, Query, parameter},
};

/// The longest that a session may live: 367 days, in milliseconds.
const LONGEST_MILLIS: f64 = 367.0 * 24.0 * 60.0 * 60.0 * 1000.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSessionBody {
    user_id: String,
    #[serde(default, deserialize_with = "given")]
    expires_in_millis: Option<f64>,
    #[serde(default)]
    is_impersonation: bool,
}

pub(super) async fn create(State(app): Shared, caller: Caller, body: JsonBody) -> Answer {
    caller.require_server()?;
    let body: NewSessionBody = body.parse()?;
    let user_id: UserId = parameter("user_id", &body.user_id)?;
    let lifetime_millis = match body.expires_in_millis {
        Some(millis) if !(0.0..=LONGEST_MILLIS).contains(&millis) => {
            return Err(ApiError::schema("expires_in_millis must be at most 367 days"));
        }
        // The range is checked, and fractions of a millisecond count for nothing.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Some(millis) => Some(millis as u64),
        None => None,
    };
    let new = NewSession {
        lifetime_millis,
        is_impersonation: body.is_impersonation,
    };
    if app.directory().user(user_id).is_none() {
        return Err(
            ApiError::known(400, "USER_ID_DOES_NOT_EXIST", "There is no user with this id.")
                .with("user_id", body.user_id),
        );
    }
    let refresh_token = app.directory().open_session(user_id, new, app.now_millis())?;
    json_answer(&json!({
        "refresh_token": refresh_token,
        "access_token": access_token(&app, &refresh_token)?,
    }))
}

pub(super) async fn list(State(app): Shared, caller: Caller, query: Query) -> Answer {
    let query = query.with_parameters(&["user_id"])?;
    let named = query
        .text("user_id")
        .ok_or_else(|| ApiError::schema("query.user_id must be defined"))?;
    let user_id = caller.own_or_any(Some(named))?;
    let user_id = user_id.ok_or_else(ApiError::no_current_user)?;
    json_answer(&List::whole(
        app.directory().sessions_of(user_id, caller.session_id()),
    ))
}

pub(super) async fn revoke(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<String>,
    query: Query,
    _: JsonBody,
) -> Answer {
    let id: SessionId = parameter("id", &id)?;
    let query = query.with_parameters(&["user_id"])?;
    let named = query
        .text("user_id")
        .ok_or_else(|| ApiError::schema("query.user_id must be defined"))?;
    caller.user_named(named)?;
    let owner = app.directory().owner_of_session(id);
    if owner.is_none() || !caller.is_server() && owner != caller.user_id() {
        return Err(ApiError::text(404, "There is no such session."));
    }
    if caller.session_id() == Some(id) {
        return Err(ApiError::known(
            400,
            "CANNOT_DELETE_CURRENT_SESSION",
            "The session that asks cannot be revoked; sign out of it.",
        ));
    }
    app.directory().end_session(id);
    success()
}

pub(super) async fn sign_out(State(app): Shared, caller: Caller, _: JsonBody) -> Answer {
    let session = caller.session_id().ok_or_else(|| {
        ApiError::known(
            401,
            "ACCESS_TOKEN_EXPIRED",
            "There is no access token that names a session.",
        )
    })?;
    let mut directory = app.directory();
    directory
        .owner_of_session(session)
        .ok_or_else(ApiError::session_ended)?;
    directory.end_session(session);
    success()
}
