//! `/metrics`: what Prometheus collects.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::sleep;

use super::app::App;
use crate::failure::Failure;

pub(super) const REQUEST_SECONDS: &str = "hexclave_bridge_request_seconds";
/// A proof that is remembered takes microseconds; one that waits for keys, seconds.
const SECONDS: [f64; 11] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
/// How often what was measured is put in order, which reading it does too: nobody may ever read it.
const IN_ORDER: Duration = Duration::from_secs(5);

/// What was measured so far.
#[derive(Clone)]
pub(super) struct Measurements(PrometheusHandle);

impl Measurements {
    /// Begins to measure.
    pub(super) fn begin() -> Result<Self, Failure> {
        let unusable =
            |error| Failure::unchecked("metrics_unusable", "nothing can be measured").caused_by(&error);
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(REQUEST_SECONDS.to_owned()), &SECONDS)
            .map_err(unusable)?
            .install_recorder()
            .map_err(unusable)?;
        describe();
        Ok(Self(handle))
    }

    pub(super) async fn keep_in_order(self) -> Infallible {
        loop {
            sleep(IN_ORDER).await;
            self.0.run_upkeep();
        }
    }
}

/// The text format of Prometheus, version 0.0.4.
pub(super) async fn scrape(State(app): State<App>) -> Response {
    let ready = app.verifier().key_health().state.is_ready();
    metrics::gauge!("hexclave_bridge_ready").set(if ready { 1.0 } else { 0.0 });
    let headers = [
        (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, app.measurements().0.render()).into_response()
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};

    describe_counter!("hexclave_bridge_requests_total", "Requests that were answered");
    describe_histogram!(REQUEST_SECONDS, "How long requests took, in seconds");
    describe_gauge!(
        "hexclave_bridge_requests_in_flight",
        "Requests that are worked on"
    );
    describe_gauge!("hexclave_bridge_connections", "Connections that are open");
    describe_gauge!("hexclave_bridge_ready", "1 where tokens can be checked");
    describe_counter!(
        "hexclave_bridge_connections_turned_away_total",
        "Connections beyond the limit"
    );
    describe_counter!(
        "hexclave_bridge_tokens_issued_total",
        "Tokens that were handed out"
    );
}
