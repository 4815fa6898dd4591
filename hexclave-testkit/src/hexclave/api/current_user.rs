use axum::extract::State;

use super::{
    super::{
        api_error::ApiError,
        directory::{UserChanges, View},
    },
    Caller, Shared,
    answer::{Answer, json_answer, success},
    input::JsonBody,
    users,
};

pub(super) async fn read(State(app): Shared, caller: Caller) -> Answer {
    let id = caller.user_id().ok_or_else(ApiError::no_current_user)?;
    json_answer(&app.directory().show_user(id, caller.access().into())?)
}

pub(super) async fn update(State(app): Shared, caller: Caller, body: JsonBody) -> Answer {
    let view: View = caller.access().into();
    let changes = match view {
        View::Server => users::changes(body)?,
        View::Client => users::changes(body.with_members(&UserChanges::OF_CLIENTS)?)?,
    };
    let id = caller.user_id().ok_or_else(ApiError::no_current_user)?;
    users::change(&app, id, &changes)?;
    json_answer(&app.directory().show_user(id, view)?)
}

pub(super) async fn delete(State(app): Shared, caller: Caller, _: JsonBody) -> Answer {
    let id = caller.user_id().ok_or_else(ApiError::no_current_user)?;
    if !caller.is_server() && !app.settings().allows_client_user_deletion {
        return Err(ApiError::text(
            400,
            "Users may not delete themselves: the project has that turned off.",
        ));
    }
    users::remove(&app, id)?;
    success()
}
