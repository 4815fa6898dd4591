use axum::extract::State;
use serde::Deserialize;

use super::{super::directory::View, Caller, Shared, answer::Answer, input::JsonBody, signed_in};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

pub(super) async fn sign_up(State(app): Shared, _: Caller, body: JsonBody) -> Answer {
    let Nothing {} = body.parse_or_default()?;
    let user_id = {
        let mut directory = app.directory();
        let user_id = directory.add_anonymous(app.now_millis());
        app.publish("user.created", &directory.show_user(user_id, View::Server)?)?;
        user_id
    };
    signed_in(&app, user_id)
}
