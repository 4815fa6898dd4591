//! A page with notes and the actions of its forms, rendered on the server, without a script. Hexclave's cookies say who
//! asks, and Row Level Security whose notes there are.

mod actions;
mod failure;
mod notes;
mod origin;
mod page;
mod session;

use axum::{
    Router,
    extract::FromRef,
    http::{HeaderValue, header},
    middleware::{from_fn_with_state, map_response},
    response::Response,
    routing::{get, post},
};
use hexclave_core::{
    SessionCookies, Verifier,
    api::{Client, Public},
};
use sqlx::PgPool;

pub use self::origin::Origin;

/// What the pages are made of, once per program. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// Says who asks. It lets in every kind of user: the page has something to say to each, and the actions choose.
    pub verifier: Verifier,
    /// Signs in and out, and has fresh access tokens for sessions.
    pub hexclave: Client<Public>,
    /// Logs in as a role that may become `authenticated`, and nothing more.
    pub database: PgPool,
    /// Where browsers find the pages.
    pub origin: Origin,
}

impl App {
    fn cookies(&self) -> SessionCookies {
        let cookies = SessionCookies::new(self.verifier.config());
        match self.origin.is_https() {
            true => cookies,
            false => cookies.insecure(),
        }
    }
}

impl FromRef<App> for Verifier {
    fn from_ref(app: &App) -> Self {
        app.verifier.clone()
    }
}

/// The page, its style and its actions.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/notes", post(actions::add_note))
        .route("/notes/delete", post(actions::delete_note))
        .route("/sign-in", post(actions::sign_in))
        .route("/sign-out", post(actions::sign_out))
        .route_layer(from_fn_with_state(app.clone(), session::find))
        .route_layer(from_fn_with_state(app.clone(), origin::check))
        .route("/style.css", get(page::style))
        .layer(map_response(with_headers))
        .with_state(app)
}

/// No script runs, nothing comes from elsewhere, no other page frames this one, and no cache keeps it.
async fn with_headers(mut response: Response) -> Response {
    const ALWAYS: [(header::HeaderName, HeaderValue); 5] = [
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            ),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        // With `no-referrer` browsers would not tell where a form was sent from.
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        ),
        (header::VARY, HeaderValue::from_static("cookie")),
    ];
    response.headers_mut().extend(ALWAYS);
    response
}
