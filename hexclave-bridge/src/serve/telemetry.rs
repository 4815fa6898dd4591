//! `/metrics`: what Prometheus collects.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use metrics::{Counter, Gauge, Histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::sleep;

use super::app::App;
use crate::failure::Failure;

const REQUEST_SECONDS: &str = "hexclave_bridge_request_seconds";
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

/// What is counted of requests. Each metric is found by its labels once, and not for every request.
#[derive(Clone)]
pub(super) struct Requests(Arc<Found>);

struct Found {
    in_flight: Gauge,
    /// By route; there are as many as the service has.
    routes: RwLock<HashMap<String, Route>>,
}

struct Route {
    seconds: Histogram,
    /// By method and status.
    answered: HashMap<(&'static str, u16), Counter>,
}

impl Requests {
    /// Counts where measuring has begun before.
    pub(super) fn new() -> Self {
        Self(Arc::new(Found {
            in_flight: metrics::gauge!("hexclave_bridge_requests_in_flight"),
            routes: RwLock::default(),
        }))
    }

    /// A request is worked on until the end of what is returned; also one whose client goes away.
    pub(super) fn begin(&self) -> InFlight {
        self.0.in_flight.increment(1);
        InFlight(self.0.in_flight.clone())
    }

    /// A request was answered. Each route, method and status stays: they are not the client's to invent.
    pub(super) fn answered(&self, route: &str, method: &'static str, status: u16, seconds: f64) {
        if !self.count(route, method, status, seconds) {
            self.find(route, method, status);
            self.count(route, method, status, seconds);
        }
    }

    /// Whether it could be counted: the metrics were found before.
    fn count(&self, route: &str, method: &'static str, status: u16, seconds: f64) -> bool {
        let routes = self.0.routes.read().unwrap_or_else(PoisonError::into_inner);
        let Some(route) = routes.get(route) else {
            return false;
        };
        let Some(answered) = route.answered.get(&(method, status)) else {
            return false;
        };
        answered.increment(1);
        route.seconds.record(seconds);
        true
    }

    fn find(&self, route: &str, method: &'static str, status: u16) {
        let counter = metrics::counter!(
            "hexclave_bridge_requests_total",
            "route" => route.to_owned(), "method" => method, "status" => status.to_string()
        );
        let mut routes = self.0.routes.write().unwrap_or_else(PoisonError::into_inner);
        let found = routes.entry(route.to_owned()).or_insert_with(|| Route {
            seconds: metrics::histogram!(REQUEST_SECONDS, "route" => route.to_owned()),
            answered: HashMap::new(),
        });
        found.answered.insert((method, status), counter);
    }
}

/// A request that is worked on.
pub(super) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1);
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
