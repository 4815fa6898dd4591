//! What the forms do. Each action ends by leading back to the page, so that reloading it does nothing twice.

use std::time::SystemTime;

use axum::{
    Form,
    extract::{State, rejection::FormRejection},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use hexclave_core::{
    Normal, User, Verified,
    api::{ErrorCode, SignIn},
    session::Session,
    web::Denial,
};
use serde::Deserialize;

use crate::{
    App,
    failure::Failure,
    notes::{self, NotAdded},
    page, session,
};

#[derive(Deserialize)]
pub(crate) struct NewNote {
    text: String,
}

#[derive(Deserialize)]
pub(crate) struct OldNote {
    id: i64,
}

#[derive(Deserialize)]
pub(crate) struct EmailAndPassword {
    email: String,
    password: String,
}

pub(crate) async fn add_note(
    State(app): State<App>,
    user: Result<Verified<Normal>, Denial>,
    form: Result<Form<NewNote>, FormRejection>,
) -> Result<Response, Failure> {
    let (user, Form(note)) = (user?, form?);
    match notes::add(&app.database, &user, &note.text).await {
        Ok(()) => Ok(back()),
        Err(NotAdded::Length) => {
            page::with_message(&app, Some(&user), "A note has 1 to 1000 characters.").await
        }
        Err(NotAdded::Failed(failure)) => Err(failure),
    }
}

pub(crate) async fn delete_note(
    State(app): State<App>,
    user: Result<Verified<Normal>, Denial>,
    form: Result<Form<OldNote>, FormRejection>,
) -> Result<Response, Failure> {
    let (user, Form(note)) = (user?, form?);
    notes::delete(&app.database, &user, note.id).await?;
    Ok(back())
}

pub(crate) async fn sign_in(
    State(app): State<App>,
    user: Result<Option<User>, Denial>,
    form: Result<Form<EmailAndPassword>, FormRejection>,
) -> Result<Response, Failure> {
    let (user, Form(form)) = (user?, form?);
    let signed_in = app
        .hexclave
        .sign_in_with_password(&form.email, &form.password)
        .await;
    let tokens = match signed_in {
        Ok(SignIn::Complete(signed_in)) => signed_in.tokens,
        Ok(SignIn::NeedsTotp(_)) => {
            let message = "You sign in with a second factor, which this page does not ask for.";
            return page::with_message(&app, user.as_ref(), message).await;
        }
        Err(error)
            if error.api().and_then(|answer| answer.code()) == Some(&ErrorCode::EmailPasswordMismatch) =>
        {
            let message = "Nobody has this e-mail address and password.";
            return page::with_message(&app, user.as_ref(), message).await;
        }
        Err(error) => return Err(Denial::from(error).into()),
    };
    let now = SystemTime::now();
    let mut response = back();
    let kept = app
        .cookies()
        .keep(&tokens.refresh_token, &tokens.access_token, now);
    session::set(&mut response, kept);
    Ok(response)
}

/// Ends the session at Hexclave, too: nothing can be had any more with cookies that somebody may have copied.
pub(crate) async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Failure> {
    let credentials = session::credentials(&app, &headers).map_err(Denial::from)?;
    if let Some(token) = credentials.refresh_token() {
        let session = Session::from_refresh_token(&app.hexclave, token.clone());
        session.sign_out().await.map_err(Denial::from)?;
    }
    let mut response = back();
    session::set(&mut response, app.cookies().forget(&headers));
    Ok(response)
}

fn back() -> Response {
    Redirect::to("/").into_response()
}
