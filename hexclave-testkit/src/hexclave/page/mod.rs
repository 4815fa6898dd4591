//! The page for people: who there is, what was asked, what goes wrong on purpose; and the confirmation of logins at
//! command lines.
//!
//! It needs no password, so it is for browsers of this machine only, and for no other page in them: see [`guard`].

mod actions;
mod cli_login;
mod guard;
mod html;
mod overview;
mod webhooks;

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{get, post},
};

use super::app::App;

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(overview::show))
        .route("/page/access-token", post(actions::access_token))
        .route("/page/add-user", post(actions::add_user))
        .route("/page/delete-user", post(actions::delete_user))
        .route("/page/verify-email", post(actions::verify_email))
        .route("/page/break", post(actions::inject))
        .route("/page/heal", post(actions::heal))
        .route("/page/webhook-faults", post(webhooks::set_faults))
        .route("/page/send-webhook-again", post(webhooks::send_again))
        .route(
            "/handler/cli-auth-confirm",
            get(cli_login::ask).post(cli_login::confirm),
        )
        .layer(middleware::from_fn(guard::protect))
        .with_state(app)
}
