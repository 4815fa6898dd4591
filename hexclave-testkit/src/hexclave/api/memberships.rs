use axum::extract::{Path, State};
use hexclave_core::{TeamId, UserId};

use super::{
    super::{
        api_error::ApiError,
        directory::{ShownMembership, ShownPermission},
    },
    Caller, Shared,
    answer::{Answer, created, success},
    input::{JsonBody, parameter},
};

/// What Hexclave gives the members of a new project's teams.
const OF_MEMBERS: [&str; 1] = ["team_member"];

pub(super) async fn create(
    State(app): Shared,
    caller: Caller,
    Path((team, user)): Path<(String, String)>,
    body: JsonBody,
) -> Answer {
    caller.require_server()?;
    body.parse_empty()?;
    let (team, user) = named(&caller, &team, &user)?;
    app.directory().join_team(team, user, &OF_MEMBERS)?;
    let membership = ShownMembership::new(team, user);
    app.publish("team_membership.created", &membership)?;
    for permission in OF_MEMBERS {
        app.publish(
            "team_permission.created",
            &ShownPermission::new(permission, user, Some(team)),
        )?;
    }
    created(&membership)
}

pub(super) async fn delete(
    State(app): Shared,
    caller: Caller,
    Path((team, user)): Path<(String, String)>,
    _: JsonBody,
) -> Answer {
    let (team, user) = named(&caller, &team, &user)?;
    let mut directory = app.directory();
    if !caller.is_server() {
        let own = caller.user_id().ok_or_else(ApiError::no_current_user)?;
        if user != own {
            directory.require_permission(team, own, "$remove_members")?;
        }
    }
    directory.leave_team(team, user)?;
    app.publish("team_membership.deleted", &ShownMembership::new(team, user))?;
    success()
}

fn named(caller: &Caller, team: &str, user: &str) -> Result<(TeamId, UserId), ApiError> {
    Ok((parameter("team_id", team)?, caller.user_named(user)?))
}
