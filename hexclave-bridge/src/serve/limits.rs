//! How much at once, and for how long.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::{sync::Semaphore, time::timeout};

use super::problem::Problem;

/// The most bytes of a request's line and headers. Hexclave's tokens in their longest form take 24 KiB of it.
pub(super) const LONGEST_HEAD: usize = 64 * 1024;

/// What a server gives out at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections at once.
    pub(super) connections: usize,
    /// Requests at once.
    pub(super) requests: usize,
    /// For a request's headers, counted from the end of the answer before.
    pub(super) headers_within: Duration,
    /// For a request, from the end of its headers to its answer.
    pub(super) request_within: Duration,
    /// For what is under way when the server is told to end.
    pub(super) drained_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            requests: 512,
            headers_within: Duration::from_secs(30),
            request_within: Duration::from_secs(20),
            drained_within: Duration::from_secs(25),
        }
    }
}

/// Lets so many requests through at once, each for so long.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    places: Arc<Semaphore>,
    within: Duration,
}

impl Gate {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits.requests.min(Semaphore::MAX_PERMITS))),
            within: limits.request_within,
        }
    }
}

/// Turns away what is too much at once: an answer now is worth more than a place in a queue.
pub(super) async fn shed(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let Ok(_place) = gate.places.try_acquire() else {
        return Problem::OVERLOADED.into_response();
    };
    match timeout(gate.within, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::TIMED_OUT.into_response(),
    }
}
