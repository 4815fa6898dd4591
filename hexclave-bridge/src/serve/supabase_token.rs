//! `GET /supabase/token`: what supabase-js's `accessToken` callback asks in a browser.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, Method, header},
    response::{IntoResponse, Response},
};
use hexclave_core::CredentialSources;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{
    app::{App, Denied},
    issuance::{TokenType, not_stored},
    problem::Problem,
    watch::REQUEST_ID,
};

/// How long a browser need not ask again whether it may ask.
const PREFLIGHT: Duration = Duration::from_secs(600);

/// A token for the user of the request, or `null` where nobody is signed in.
pub(super) async fn token(State(app): State<App>, headers: HeaderMap) -> Result<Response, NoToken> {
    let mint = app.mint().ok_or(NoToken::Problem(Problem::NOT_FOUND))?;
    let mut response = match app.user(&headers).await.map_err(NoToken::Denied)? {
        Some(user) => mint
            .issue(&user, TokenType::AccessToken)
            .map_err(NoToken::Problem)?,
        None => not_stored(Json(())),
    };
    app.vary(response.headers_mut());
    Ok(response)
}

/// Lets pages of the listed origins read the answers, and no other page of another origin.
pub(super) fn cross_origin(app: &App) -> CorsLayer {
    let origins = AllowOrigin::list(app.origins().iter().cloned());
    let credentials = CredentialSources::default().header_names();
    let exposed: [HeaderName; 3] = [REQUEST_ID, header::RETRY_AFTER, header::WWW_AUTHENTICATE];
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET])
        .allow_headers(credentials.chain([REQUEST_ID]).collect::<Vec<_>>())
        .allow_credentials(app.takes_cookies())
        .expose_headers(exposed)
        .max_age(PREFLIGHT)
}

/// Why there is no token.
pub(super) enum NoToken {
    Denied(Denied),
    Problem(Problem),
}

impl IntoResponse for NoToken {
    fn into_response(self) -> Response {
        match self {
            Self::Denied(denied) => denied.into_response(),
            Self::Problem(problem) => problem.into_response(),
        }
    }
}
