//! What is served where. Each route is entered together with its description, so that none goes without.

use std::sync::Arc;

use axum::{
    Router,
    http::header,
    middleware,
    routing::{MethodRouter, any, get, post},
};
use serde_json::{Map, Value};

use super::{
    app::App,
    convex, exchange, health,
    limits::{self, Gate, Limits},
    openapi,
    problem::Problem,
    supabase_token,
    telemetry::{self, Requests},
    verify, watch,
    webhook::{self, Webhooks},
};

/// Routes and their descriptions.
struct Routes<S> {
    router: Router<S>,
    paths: Map<String, Value>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    fn new() -> Self {
        Self {
            router: Router::new(),
            paths: Map::new(),
        }
    }

    /// `item` is a Path Item Object of OpenAPI 3.1 (section 4.8.9).
    fn add(mut self, path: &str, item: Value, methods: MethodRouter<S>) -> Self {
        self.router = self.router.route(path, methods);
        self.paths.insert(path.to_owned(), item);
        self
    }
}

/// All of the service.
pub(super) fn router(app: App, webhooks: Option<Webhooks>, limits: &Limits) -> Router {
    let shed = middleware::from_fn_with_state(Gate::new(limits), limits::shed);
    // Apart, so that no user has to wait for a database.
    let shed_webhooks = middleware::from_fn_with_state(Gate::new(limits), limits::shed);
    let mut routes = Routes::new()
        .add("/verify", openapi::verify(), any(verify::verify))
        .add(
            "/convex/auth-config.json",
            openapi::auth_config(),
            get(convex::auth_config),
        );
    let mut for_browsers = Routes::new();
    if app.mint().is_some() {
        routes = routes.add("/oauth/token", openapi::exchange(), post(exchange::exchange));
        for_browsers = for_browsers.add("/supabase/token", openapi::token(), get(supabase_token::token));
    }
    let mut for_hexclave = Routes::new();
    if webhooks.is_some() {
        for_hexclave = for_hexclave.add("/webhooks/hexclave", openapi::webhook(), post(webhook::receive));
    }
    let probes = Routes::new()
        .add("/livez", openapi::live(), get(health::live))
        .add("/readyz", openapi::ready(), get(health::ready))
        .add("/metrics", openapi::metrics(), get(telemetry::scrape));

    let mut paths = Map::new();
    for described in [routes.paths, for_browsers.paths, for_hexclave.paths, probes.paths] {
        paths.extend(described);
    }
    paths.insert("/openapi.json".to_owned(), openapi::itself());
    let document: Arc<str> = openapi::document(paths).to_string().into();
    let document = get(async move || {
        let json = [(header::CONTENT_TYPE, "application/json")];
        (json, document.to_string())
    });

    let for_browsers = for_browsers
        .router
        .method_not_allowed_fallback(not_allowed)
        .layer(shed.clone())
        // Outside of the limits, so that a page may read that there are too many requests.
        .layer(supabase_token::cross_origin(&app));
    let for_hexclave = match webhooks {
        Some(webhooks) => for_hexclave
            .router
            .method_not_allowed_fallback(not_allowed)
            .layer(shed_webhooks)
            .with_state(webhooks),
        None => Router::new(),
    };
    routes
        .router
        // Envoy puts the path of the request that it asks about behind that of the service.
        .route("/verify/", any(verify::verify))
        .route("/verify/{*path}", any(verify::verify))
        .route_layer(shed)
        .merge(for_browsers)
        .merge(for_hexclave)
        .merge(probes.router)
        .route("/openapi.json", document)
        .fallback(async || Problem::NOT_FOUND)
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn_with_state(Requests::new(), watch::watch))
        .with_state(app)
}

async fn not_allowed() -> Problem {
    Problem::METHOD_NOT_ALLOWED
}
