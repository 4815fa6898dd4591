use std::time::SystemTime;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hexclave_core::{CredentialSource, CredentialSources, Credentials, Error, ErrorKind, User, web::Denial};

use crate::{App, failure::Failure};

/// Finds the user of the session cookies, for core's extractors. Where the access token in the cookies has expired, as it
/// has after ten minutes, the session is asked for a fresh one, and the browser is given it.
pub(crate) async fn find(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let (user, cookies) = match look(&app, request.headers()).await {
        Ok(found) => found,
        // Nobody is signed out by that: the cookies stay.
        Err(error) => return Failure::from(Denial::from(error)).into_response(),
    };
    request.extensions_mut().insert(user);
    let mut response = next.run(request).await;
    // An action that signs in or out has the last word.
    if !response.headers().contains_key(header::SET_COOKIE) {
        set(&mut response, cookies);
    }
    response
}

/// The session's tokens.
pub(crate) fn credentials(app: &App, headers: &HeaderMap) -> Result<Credentials, Error> {
    CredentialSources::only(CredentialSource::Cookie).read(headers, app.verifier.config())
}

/// Has the browser keep, or forget, what these cookies say.
pub(crate) fn set(response: &mut Response, cookies: Vec<HeaderValue>) {
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Who it is, and what the browser is to keep from now on.
async fn look(app: &App, headers: &HeaderMap) -> Result<(Option<User>, Vec<HeaderValue>), Error> {
    let credentials = credentials(app, headers)?;
    let Some(refresh_token) = credentials.refresh_token() else {
        return Ok((None, Vec::new()));
    };
    if let Some(token) = credentials.access_token() {
        match app.verifier.verify(token).await {
            Ok(user) => return Ok((Some(user), Vec::new())),
            Err(error) if error.is_retryable() => return Err(error),
            // It has expired, or is another project's: the session has a better one.
            Err(_) => {}
        }
    }
    match app.hexclave.refresh(refresh_token).await {
        Ok(token) => {
            let user = app.verifier.verify(&token).await?;
            let kept = app.cookies().keep(refresh_token, &token, SystemTime::now());
            Ok((Some(user), kept))
        }
        Err(error) if error.kind() == ErrorKind::SessionEnded => Ok((None, app.cookies().forget(headers))),
        Err(error) => Err(error),
    }
}
