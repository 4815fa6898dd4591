use axum::extract::{Path, State};
use hexclave_core::UserId;
use serde_json::json;

use super::{
    super::{
        api_error::ApiError,
        app::App,
        directory::{ShownMembership, ShownUser, UserChanges, UserFilter, UserPage, View},
    },
    Caller, Shared,
    answer::{Answer, List, created, json_answer, success},
    input::{JsonBody, Query, parameter},
};

const PARAMETERS: [&str; 9] = [
    "limit",
    "cursor",
    "order_by",
    "desc",
    "query",
    "team_id",
    "include_restricted",
    "include_anonymous",
    "only_anonymous",
];

pub(super) async fn list(State(app): Shared, caller: Caller, query: Query) -> Answer {
    caller.require_server()?;
    let query = query.with_parameters(&PARAMETERS)?;
    let filter = UserFilter {
        include_restricted: query.flag("include_restricted")?,
        include_anonymous: query.flag("include_anonymous")?,
        only_anonymous: query.flag("only_anonymous")?,
        team: query.value("team_id")?,
        text: query.text("query").map(str::to_owned),
    };
    let limit: Option<usize> = query.value("limit")?;
    let page = UserPage {
        by_last_active: match query.text("order_by") {
            None | Some("signed_up_at") => false,
            Some("last_active_at") => true,
            Some(_) => {
                return Err(ApiError::schema(
                    "query.order_by must be signed_up_at or last_active_at",
                ));
            }
        },
        descending: query.flag("desc")?,
        limit,
        cursor: query.value("cursor")?,
    };
    if limit == Some(0) {
        return Err(ApiError::schema("query.limit must be at least 1"));
    }
    if filter.only_anonymous && !filter.include_anonymous {
        return Err(ApiError::text(
            400,
            "only_anonymous=true requires include_anonymous=true",
        ));
    }
    let (items, next) = app.directory().list_users(&filter, &page);
    json_answer(&List::page(items, next.map(|id| id.to_string())))
}

pub(super) async fn create(State(app): Shared, caller: Caller, body: JsonBody) -> Answer {
    caller.require_server()?;
    created(&add(&app, body)?)
}

pub(super) async fn read(State(app): Shared, caller: Caller, Path(user): Path<String>) -> Answer {
    caller.require_server()?;
    let id: UserId = parameter("user_id", &user)?;
    json_answer(&app.directory().show_user(id, View::Server)?)
}

pub(super) async fn update(
    State(app): Shared,
    caller: Caller,
    Path(user): Path<String>,
    body: JsonBody,
) -> Answer {
    caller.require_server()?;
    let id: UserId = parameter("user_id", &user)?;
    json_answer(&change(&app, id, &changes(body)?)?)
}

pub(super) async fn delete(
    State(app): Shared,
    caller: Caller,
    Path(user): Path<String>,
    _: JsonBody,
) -> Answer {
    caller.require_server()?;
    let id: UserId = parameter("user_id", &user)?;
    remove(&app, id)?;
    success()
}

/// Adds a user, and tells it.
pub(crate) fn add(app: &App, body: JsonBody) -> Result<ShownUser, ApiError> {
    let changes: UserChanges = body.parse()?;
    if changes.selected_team_id.is_some() {
        return Err(ApiError::schema(
            "A new user is in no team: selected_team_id is not known here",
        ));
    }
    let changes = changes.checked()?;
    let mut directory = app.directory();
    let id = directory.create_user(&changes, app.now_millis())?;
    let user = directory.show_user(id, View::Server)?;
    app.publish("user.created", &user)?;
    Ok(user)
}

/// Changes a user, and tells it.
pub(crate) fn change(app: &App, id: UserId, changes: &UserChanges) -> Result<ShownUser, ApiError> {
    let mut directory = app.directory();
    directory.update_user(id, changes, app.now_millis())?;
    let user = directory.show_user(id, View::Server)?;
    app.publish("user.updated", &user)?;
    Ok(user)
}

/// Deletes a user, and tells that the teams have lost a member.
pub(crate) fn remove(app: &App, id: UserId) -> Result<(), ApiError> {
    let teams = app.directory().delete_user(id)?;
    for team in &teams {
        app.publish("team_membership.deleted", &ShownMembership::new(*team, id))?;
    }
    let teams: Vec<_> = teams
        .iter()
        .map(|team| json!({ "id": team.to_string() }))
        .collect();
    app.publish("user.deleted", &json!({ "id": id.to_string(), "teams": teams }))?;
    Ok(())
}

/// What servers change of users that there are.
pub(crate) fn changes(body: JsonBody) -> Result<UserChanges, ApiError> {
    let changes: UserChanges = body.parse()?;
    if changes.has_oauth_providers() {
        return Err(ApiError::schema("oauth_providers can be given to new users only"));
    }
    changes.checked()
}
