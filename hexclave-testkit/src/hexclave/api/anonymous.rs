use axum::extract::State;
use serde::Deserialize;

use super::{Caller, Shared, answer::Answer, input::JsonBody, signed_in};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

pub(super) async fn sign_up(State(app): Shared, _: Caller, body: JsonBody) -> Answer {
    let Nothing {} = body.parse_or_default()?;
    let user_id = app.directory().add_anonymous(app.now_millis());
    signed_in(&app, user_id)
}
