use axum::extract::{Path, State};
use hexclave_core::TeamId;

use super::{
    super::{
        api_error::ApiError,
        directory::{PermissionFilter, ShownPermission, is_permission_id},
    },
    Caller, Shared,
    answer::{Answer, List, created, json_answer, success},
    input::{JsonBody, Query, parameter},
};

pub(super) async fn list_of_teams(State(app): Shared, caller: Caller, query: Query) -> Answer {
    let query = query.with_parameters(&["team_id", "user_id", "permission_id", "recursive"])?;
    let filter = PermissionFilter {
        team: query.value("team_id")?,
        ..filter(&caller, &query)?
    };
    json_answer(&List::whole(app.directory().list_team_permissions(&filter)))
}

pub(super) async fn list_of_project(State(app): Shared, caller: Caller, query: Query) -> Answer {
    let query = query.with_parameters(&["user_id", "permission_id", "recursive"])?;
    let filter = filter(&caller, &query)?;
    json_answer(&List::whole(app.directory().list_project_permissions(&filter)))
}

type InTeam = Path<(String, String, String)>;

pub(super) async fn grant_in_team(
    State(app): Shared,
    caller: Caller,
    Path((team, user, permission)): InTeam,
    body: JsonBody,
) -> Answer {
    caller.require_server()?;
    body.parse_empty()?;
    let team: TeamId = parameter("team_id", &team)?;
    let user = caller.user_named(&user)?;
    let permission = permission_id(permission)?;
    app.directory().grant_in_team(team, user, &permission)?;
    let permission = ShownPermission::new(&permission, user, Some(team));
    app.publish("team_permission.created", &permission)?;
    created(&permission)
}

pub(super) async fn revoke_in_team(
    State(app): Shared,
    caller: Caller,
    Path((team, user, permission)): InTeam,
    _: JsonBody,
) -> Answer {
    caller.require_server()?;
    let team: TeamId = parameter("team_id", &team)?;
    let user = caller.user_named(&user)?;
    let permission = permission_id(permission)?;
    app.directory().revoke_in_team(team, user, &permission)?;
    app.publish(
        "team_permission.deleted",
        &ShownPermission::new(&permission, user, Some(team)),
    )?;
    success()
}

type InProject = Path<(String, String)>;

pub(super) async fn grant(
    State(app): Shared,
    caller: Caller,
    Path((user, permission)): InProject,
    body: JsonBody,
) -> Answer {
    caller.require_server()?;
    body.parse_empty()?;
    let user = caller.user_named(&user)?;
    let permission = permission_id(permission)?;
    app.directory().grant(user, &permission)?;
    let permission = ShownPermission::new(&permission, user, None);
    app.publish("project_permission.created", &permission)?;
    created(&permission)
}

pub(super) async fn revoke(
    State(app): Shared,
    caller: Caller,
    Path((user, permission)): InProject,
    _: JsonBody,
) -> Answer {
    caller.require_server()?;
    let user = caller.user_named(&user)?;
    let permission = permission_id(permission)?;
    app.directory().revoke(user, &permission)?;
    app.publish(
        "project_permission.deleted",
        &ShownPermission::new(&permission, user, None),
    )?;
    success()
}

fn filter(caller: &Caller, query: &Query) -> Result<PermissionFilter, ApiError> {
    Ok(PermissionFilter {
        user: caller.own_or_any(query.text("user_id"))?,
        team: None,
        id: query
            .text("permission_id")
            .map(|id| permission_id(id.to_owned()))
            .transpose()?,
        recursive: query.flag("recursive")?,
    })
}

fn permission_id(id: String) -> Result<String, ApiError> {
    match is_permission_id(&id) {
        true => Ok(id),
        false => Err(ApiError::schema(
            "permission_id may have lower-case letters, digits, `:` and `_`, and be one of the system's with `$`",
        )),
    }
}
