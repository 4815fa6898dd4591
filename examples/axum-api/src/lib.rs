//! An API for notes, whose users are Hexclave's: rows of a Supabase database as Row Level Security shows them to the
//! user, a token for supabase-js, and a Convex function called as the user.

mod database;
mod error;
mod notes;

use std::time::UNIX_EPOCH;

use axum::{
    Json, Router,
    extract::{FromRef, State},
    http::HeaderMap,
    routing::{get, post},
};
use deadpool_postgres::Pool;
use hexclave_convex::FunctionClient;
use hexclave_core::{Credentials, User, Verifier, web::AuthLayer};
use hexclave_supabase::Minter;
use serde_json::{Value, json};

pub use self::database::{connect, pool};
use self::error::Error;

/// What the API is made of, once per program. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// Says who asks, and lets in the kinds of users that the API is for.
    pub verifier: Verifier,
    /// Logs in as a role that may become `authenticated`, and nothing more.
    pub database: Pool,
    /// Makes tokens for supabase-js.
    pub minter: Minter,
    /// The deployment of `examples/convex-app`.
    pub convex: FunctionClient,
}

impl FromRef<App> for Verifier {
    fn from_ref(app: &App) -> Self {
        app.verifier.clone()
    }
}

/// The API: nobody comes in who is not signed in.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/notes", get(notes::list).post(notes::add))
        .route("/supabase/token", post(supabase_token))
        .route("/convex/me", get(convex_me))
        .route_layer(AuthLayer::required(app.verifier.clone()))
        .with_state(app)
}

/// A token with which the user's browser asks Supabase itself.
async fn supabase_token(State(app): State<App>, user: User) -> Result<Json<Value>, Error> {
    let token = app.minter.mint(&user)?;
    let expires_at = token.expires_at().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Json(
        json!({ "token": token.expose(), "expires_at": expires_at.as_secs() }),
    ))
}

/// What the query `users:me` says of the user. Convex verifies the token for itself.
async fn convex_me(State(app): State<App>, headers: HeaderMap) -> Result<Json<Value>, Error> {
    let credentials = Credentials::from_headers(&headers, app.verifier.config())?;
    let user = app.convex.as_user(credentials.require_access_token()?);
    Ok(Json(user.query("users:me", ()).await?))
}
