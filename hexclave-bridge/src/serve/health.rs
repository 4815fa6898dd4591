//! `/livez` and `/readyz`, and what makes the service ready.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use hexclave_core::{KeyState, Verifier};
use serde_json::json;
use tokio::time::sleep;

use super::{app::App, problem::Problem};
use crate::failure::Failure;

/// How often keys are asked for while there are none. The verifier itself asks less often where that is wiser.
const UNTIL_READY: Duration = Duration::from_secs(2);
/// How often it is looked whether the keys at hand are still fresh, so that they do not grow old where nobody asks.
const WHEN_READY: Duration = Duration::from_secs(60);

/// The process is there and answers.
pub(super) async fn live() -> Response {
    json_text(json!({ "status": "alive" }).to_string())
}

/// Tokens can be checked. While the project's keys cannot be fetched, those at hand count.
pub(super) async fn ready(State(app): State<App>) -> Result<Response, Problem> {
    let health = app.verifier().key_health();
    let keys = match health.state {
        KeyState::Fresh => "fresh",
        KeyState::Stale => "stale",
        _ => return Err(Problem::NOT_READY),
    };
    let age = health.age.map(|age| age.as_secs());
    Ok(json_text(
        json!({ "status": "ready", "keys": keys, "keyAgeSeconds": age }).to_string(),
    ))
}

/// Sees to it that keys are at hand, for as long as the service runs: a proxy sends no requests to one that is not ready,
/// and so none would cause a fetch.
pub(super) async fn keep_ready(verifier: Verifier) -> Infallible {
    let mut told = None;
    loop {
        let outcome = verifier.warm_up().await;
        let ready = verifier.key_health().state.is_ready();
        if told != Some(ready) {
            told = Some(ready);
            match outcome {
                _ if ready => tracing::info!("ready: the project's keys are at hand"),
                Err(error) => tracing::warn!(
                    error = %Failure::from(error).chain(),
                    "not ready: the project's keys are not at hand"
                ),
                Ok(()) => {}
            }
        }
        sleep(if ready { WHEN_READY } else { UNTIL_READY }).await;
    }
}

fn json_text(text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}
