//! Where a command line sends people to confirm its login.

use std::{fmt::Write, sync::Arc};

use axum::{
    extract::{RawQuery, State},
    response::Html,
};
use hexclave_core::UserKind;

use super::{
    super::{app::App, directory::NewSession},
    actions::{Form, Trouble, keep},
    html::{page, text},
};

const TITLE: &str = "Log in at a command line";

/// Asks as whom. No password is wanted: this is for development.
pub(super) async fn ask(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, Trouble> {
    let query = Form::parse(query.as_deref().unwrap_or_default());
    let code = query.field("login_code");
    let now = app.now_millis();
    let users = {
        let mut directory = app.directory();
        directory.cli_login_has_guest(code, now)?;
        directory.overview(now)
    };
    let mut body = "<p>A program at a command line wants to act as a user. If you have just started it, say as whom.</p>\n"
        .to_owned();
    let normal: Vec<_> = users
        .iter()
        .filter(|user| user.kind == UserKind::Normal)
        .collect();
    if normal.is_empty() {
        body.push_str(
            "<p class=\"empty\">There is no user yet who may: sign one up, then load this page again.</p>",
        );
    }
    for user in normal {
        let who = user.email.clone().or_else(|| user.name.clone());
        // Writing into a text does not fail.
        let _ = writeln!(
            body,
            "<div><form method=\"post\" action=\"/handler/cli-auth-confirm\">\
             <input type=\"hidden\" name=\"login_code\" value=\"{}\">\
             <input type=\"hidden\" name=\"user\" value=\"{}\"><button>Log in as {}</button></form></div>",
            text(code),
            user.id,
            text(&who.unwrap_or_else(|| user.id.to_string())),
        );
    }
    Ok(page(TITLE, false, &body))
}

pub(super) async fn confirm(State(app): State<Arc<App>>, body: String) -> Result<Html<String>, Trouble> {
    let form = Form::parse(&body);
    let user = form.user()?;
    let now = app.now_millis();
    {
        let mut directory = app.directory();
        directory.require_unrestricted(user)?;
        directory.cli_login_has_guest(form.field("login_code"), now)?;
        let session = directory.open_session(user, NewSession::default(), now)?;
        directory.confirm_cli_login(form.field("login_code"), Some(session), now)?;
    }
    keep(&app).await?;
    Ok(page(
        TITLE,
        false,
        "<p class=\"good\">Done. The program at the command line goes on; this page can be closed.</p>",
    ))
}
