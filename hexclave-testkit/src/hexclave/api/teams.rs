use axum::extract::{Path, State};
use hexclave_core::{TeamId, UserId};
use serde_json::json;

use super::{
    super::{
        api_error::ApiError,
        directory::{TeamChanges, View},
    },
    Caller, Shared,
    answer::{Answer, List, created, json_answer, success},
    input::{JsonBody, Query, parameter},
};

pub(super) async fn list(State(app): Shared, caller: Caller, query: Query) -> Answer {
    let query = query.with_parameters(&["user_id"])?;
    let member = caller.own_or_any(query.text("user_id"))?;
    json_answer(&List::whole(
        app.directory().list_teams(member, caller.access().into()),
    ))
}

pub(super) async fn create(State(app): Shared, caller: Caller, query: Query, body: JsonBody) -> Answer {
    let query = query.with_parameters(&["add_current_user"])?;
    let view: View = caller.access().into();
    let body = match view {
        View::Server => body,
        View::Client => {
            let [name, image, metadata] = TeamChanges::OF_CLIENTS;
            body.with_members(&[name, image, metadata, TeamChanges::OF_NEW])?
        }
    };
    let changes: TeamChanges = body.parse()?;
    let mut creator = match &changes.creator_user_id {
        Some(text) => Some(caller.user_named(text)?),
        None => None,
    };
    if query.flag("add_current_user")? {
        creator = Some(caller.user_id().ok_or_else(|| {
            ApiError::text(401, "Nobody is signed in who could become a member of the team.")
        })?);
    }
    if view == View::Client {
        let own = caller
            .user_id()
            .ok_or_else(ApiError::user_authentication_required)?;
        if !app.settings().allows_client_team_creation {
            return Err(ApiError::text(
                403,
                "Clients may not make teams: the project has that turned off.",
            ));
        }
        if *creator.get_or_insert(own) != own {
            return Err(ApiError::text(403, "A client makes teams for its own user only."));
        }
    }
    let mut directory = app.directory();
    if let Some(creator) = creator {
        directory.require_user(creator)?;
    }
    let id = directory.create_team(&changes, app.now_millis())?;
    if let Some(creator) = creator {
        directory.join_team(id, creator, &["team_admin"])?;
    }
    app.publish("team.created", &directory.show_team(id, View::Server)?)?;
    created(&directory.show_team(id, view)?)
}

pub(super) async fn read(State(app): Shared, caller: Caller, Path(team): Path<String>) -> Answer {
    let team: TeamId = parameter("team_id", &team)?;
    let directory = app.directory();
    if !caller.is_server() {
        directory.require_membership(team, current(&caller)?)?;
    }
    json_answer(&directory.show_team(team, caller.access().into())?)
}

pub(super) async fn update(
    State(app): Shared,
    caller: Caller,
    Path(team): Path<String>,
    body: JsonBody,
) -> Answer {
    let team: TeamId = parameter("team_id", &team)?;
    let view: View = caller.access().into();
    let body = match view {
        View::Server => body,
        View::Client => body.with_members(&TeamChanges::OF_CLIENTS)?,
    };
    let changes: TeamChanges = body.parse()?;
    if changes.creator_user_id.is_some() {
        return Err(ApiError::schema("creator_user_id can be given to new teams only"));
    }
    let mut directory = app.directory();
    if view == View::Client {
        directory.require_permission(team, current(&caller)?, "$update_team")?;
    }
    directory.update_team(team, &changes)?;
    app.publish("team.updated", &directory.show_team(team, View::Server)?)?;
    json_answer(&directory.show_team(team, view)?)
}

pub(super) async fn delete(
    State(app): Shared,
    caller: Caller,
    Path(team): Path<String>,
    _: JsonBody,
) -> Answer {
    let team: TeamId = parameter("team_id", &team)?;
    let mut directory = app.directory();
    if !caller.is_server() {
        directory.require_permission(team, current(&caller)?, "$delete_team")?;
    }
    directory.delete_team(team)?;
    app.publish("team.deleted", &json!({ "id": team.to_string() }))?;
    success()
}

fn current(caller: &Caller) -> Result<UserId, ApiError> {
    caller
        .user_id()
        .ok_or_else(ApiError::user_authentication_required)
}
