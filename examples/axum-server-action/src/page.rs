use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use hexclave_core::{RestrictedReason, User, UserKind, web::Denial};

use crate::{
    App,
    failure::Failure,
    notes::{self, Note},
};

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    visitor: Visitor<'a>,
    message: Option<&'a str>,
}

/// What the page has to say to whom.
enum Visitor<'a> {
    SignedOut,
    Guest,
    Restricted {
        email: &'a str,
        /// Because of the address, and not for another reason.
        is_unconfirmed: bool,
    },
    Member {
        email: &'a str,
        notes: Vec<Note>,
    },
}

impl Visitor<'_> {
    fn is_signed_out(&self) -> bool {
        matches!(self, Self::SignedOut)
    }
}

pub(crate) async fn index(
    State(app): State<App>,
    user: Result<Option<User>, Denial>,
) -> Result<Response, Failure> {
    render(&app, user?.as_ref(), None).await
}

/// The page once more, for a form that cannot be done as it is.
pub(crate) async fn with_message(app: &App, user: Option<&User>, message: &str) -> Result<Response, Failure> {
    let page = render(app, user, Some(message)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

pub(crate) async fn style() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css")],
        include_str!("../templates/style.css"),
    )
}

async fn render(app: &App, user: Option<&User>, message: Option<&str>) -> Result<Response, Failure> {
    let visitor = match user {
        None => Visitor::SignedOut,
        Some(user) => {
            let email = user.email().unwrap_or_default();
            match user.kind() {
                UserKind::Anonymous => Visitor::Guest,
                UserKind::Restricted => Visitor::Restricted {
                    email,
                    is_unconfirmed: user.restricted_reason() == Some(&RestrictedReason::EmailNotVerified),
                },
                UserKind::Normal => Visitor::Member {
                    email,
                    notes: notes::newest(&app.database, user).await?,
                },
            }
        }
    };
    let page = Page { visitor, message };
    Ok(Html(page.render()?).into_response())
}
