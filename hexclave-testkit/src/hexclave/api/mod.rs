//! The endpoints.

mod anonymous;
mod answer;
mod caller;
mod cli;
mod current_user;
mod input;
mod jwks;
mod member_profiles;
mod memberships;
mod mfa;
mod password;
mod permissions;
mod project;
mod refresh;
mod sessions;
mod teams;
pub(crate) mod users;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    middleware,
    routing::{delete, get, post},
};
use hexclave_core::UserId;
use serde_json::json;

use super::{
    api_error::ApiError,
    app::App,
    data,
    directory::{NewSession, View},
    faults, request_log,
};
pub(crate) use answer::{ActualStatus, REQUEST_ID, Refusal, SignedIn};
use answer::{Answer, json_answer};
use caller::{Access, Caller};
pub(crate) use input::JsonBody;

type Shared = State<Arc<App>>;

/// The longest body that Hexclave reads, in bytes.
const LONGEST_BODY: usize = 8 * 1024 * 1024;

pub(crate) fn router(app: Arc<App>) -> Router {
    let users = Router::new()
        .route("/users", get(users::list).post(users::create))
        .route(
            "/users/me",
            get(current_user::read)
                .patch(current_user::update)
                .delete(current_user::delete),
        )
        .route(
            "/users/{user}",
            get(users::read).patch(users::update).delete(users::delete),
        );
    let teams = Router::new()
        .route("/teams", get(teams::list).post(teams::create))
        .route(
            "/teams/{team}",
            get(teams::read).patch(teams::update).delete(teams::delete),
        )
        .route(
            "/team-memberships/{team}/{user}",
            post(memberships::create).delete(memberships::delete),
        )
        .route("/team-member-profiles", get(member_profiles::list))
        .route(
            "/team-member-profiles/{team}/{user}",
            get(member_profiles::read).patch(member_profiles::update),
        );
    let permissions = Router::new()
        .route("/team-permissions", get(permissions::list_of_teams))
        .route(
            "/team-permissions/{team}/{user}/{permission}",
            post(permissions::grant_in_team).delete(permissions::revoke_in_team),
        )
        .route("/project-permissions", get(permissions::list_of_project))
        .route(
            "/project-permissions/{user}/{permission}",
            post(permissions::grant).delete(permissions::revoke),
        );
    let auth = Router::new()
        .route("/auth/password/sign-up", post(password::sign_up))
        .route("/auth/password/sign-in", post(password::sign_in))
        .route("/auth/password/set", post(password::set))
        .route("/auth/password/update", post(password::update))
        .route("/auth/anonymous/sign-up", post(anonymous::sign_up))
        .route("/auth/mfa/sign-in", post(mfa::sign_in))
        .route("/auth/cli", post(cli::start))
        .route("/auth/cli/poll", post(cli::poll))
        .route("/auth/cli/complete", post(cli::complete))
        .route("/auth/oauth/token", post(refresh::oauth_token))
        .route("/auth/sessions", get(sessions::list).post(sessions::create))
        .route("/auth/sessions/current", delete(sessions::sign_out))
        .route("/auth/sessions/current/refresh", post(refresh::current_session))
        .route("/auth/sessions/{id}", delete(sessions::revoke));
    let api = Router::new()
        .route("/projects/{id}/.well-known/jwks.json", get(jwks::read))
        .route("/projects/current", get(project::read))
        .route("/internal/backend-urls", get(project::backend_urls))
        .merge(users)
        .merge(teams)
        .merge(permissions)
        .merge(auth);
    Router::new()
        .nest("/api/v1", api.clone())
        .nest("/api/latest", api)
        .route(
            "/health",
            get(|| async { json_answer(&json!({ "status": "ok" })) }),
        )
        .fallback(|| async {
            ApiError::text(
                404,
                "The local Hexclave has no such endpoint; its documentation lists those it has.",
            )
        })
        .method_not_allowed_fallback(|| async {
            ApiError::text(405, "The endpoint does not know this method.")
        })
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), data::keep))
        .layer(middleware::from_fn(answer::finish))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), faults::inject))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            request_log::record,
        ))
        .with_state(app)
}

impl From<Access> for View {
    fn from(access: Access) -> Self {
        match access {
            Access::Client => Self::Client,
            Access::Server => Self::Server,
        }
    }
}

/// Opens a session for somebody who has signed in.
fn signed_in(app: &App, user_id: UserId) -> Answer {
    let now = app.now_millis();
    let refresh_token = app
        .directory()
        .open_session(user_id, NewSession::default(), now)?;
    let mut answer = json_answer(&json!({
        "access_token": access_token(app, &refresh_token)?,
        "refresh_token": refresh_token,
        "user_id": user_id.to_string(),
    }))?;
    answer.extensions_mut().insert(SignedIn(user_id));
    Ok(answer)
}

fn access_token(app: &App, refresh_token: &str) -> Result<String, ApiError> {
    let (token, _) = fresh_token(app, refresh_token)?;
    Ok(token)
}

/// An access token of a session, and whose it is.
fn fresh_token(app: &App, refresh_token: &str) -> Result<(String, SignedIn), ApiError> {
    let subject = app.directory().subject(refresh_token, app.now_millis())?;
    Ok((app.issue(&subject)?, SignedIn(subject.id)))
}
