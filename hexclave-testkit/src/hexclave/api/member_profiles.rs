use axum::extract::{Path, State};
use hexclave_core::{TeamId, UserId};

use super::{
    super::{
        api_error::ApiError,
        directory::{Directory, ProfileChanges, View},
    },
    Caller, Shared,
    answer::{Answer, List, json_answer},
    input::{JsonBody, Query, parameter},
};

pub(super) async fn list(State(app): Shared, caller: Caller, query: Query) -> Answer {
    let query = query.with_parameters(&["team_id", "user_id"])?;
    let team: Option<TeamId> = query.value("team_id")?;
    let user = query
        .text("user_id")
        .map(|text| caller.user_named(text))
        .transpose()?;
    let directory = app.directory();
    match team {
        Some(team) if caller.is_server() => directory.require_team(team)?,
        Some(team) => {
            let own = caller.user_id().ok_or_else(ApiError::no_current_user)?;
            directory.require_membership(team, own)?;
            if user != Some(own) {
                directory.require_permission(team, own, "$read_members")?;
            }
        }
        None if caller.is_server() => {}
        None => return Err(ApiError::text(400, "Clients have to say which team: team_id.")),
    }
    if let Some(user) = user {
        directory.require_user(user)?;
    }
    json_answer(&List::whole(directory.list_profiles(
        team,
        user,
        caller.access().into(),
    )))
}

pub(super) async fn read(
    State(app): Shared,
    caller: Caller,
    Path((team, user)): Path<(String, String)>,
) -> Answer {
    let (team, user) = (parameter("team_id", &team)?, caller.user_named(&user)?);
    let directory = app.directory();
    may_read(&directory, &caller, team, user)?;
    json_answer(&directory.show_profile(team, user, caller.access().into())?)
}

pub(super) async fn update(
    State(app): Shared,
    caller: Caller,
    Path((team, user)): Path<(String, String)>,
    body: JsonBody,
) -> Answer {
    let (team, user) = (parameter("team_id", &team)?, caller.user_named(&user)?);
    let changes: ProfileChanges = body.parse()?;
    let view: View = caller.access().into();
    if view == View::Client && caller.user_id() != Some(user) {
        return Err(ApiError::text(
            403,
            "A client may change its own user's profile only.",
        ));
    }
    let mut directory = app.directory();
    directory.update_profile(team, user, &changes)?;
    json_answer(&directory.show_profile(team, user, view)?)
}

fn may_read(directory: &Directory, caller: &Caller, team: TeamId, user: UserId) -> Result<(), ApiError> {
    if caller.is_server() {
        return Ok(());
    }
    let own = caller.user_id().ok_or_else(ApiError::no_current_user)?;
    if own == user {
        return Ok(());
    }
    directory.require_permission(team, own, "$read_members")
}
