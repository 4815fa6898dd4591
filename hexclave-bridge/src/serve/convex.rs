//! `GET /convex/auth-config.json`: the configuration with which Convex accepts the project's users.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use hexclave_convex::AuthConfig;

use super::app::App;

/// The same for everybody, until the service is configured anew.
pub(super) async fn auth_config(State(app): State<App>) -> Response {
    let verifier = app.verifier();
    let config = AuthConfig::for_project(verifier.config())
        .kinds(verifier.accepted_kinds())
        .build();
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, config.to_json()).into_response()
}
