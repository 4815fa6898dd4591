use std::str::FromStr;

use anyhow::{Context, bail};
use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{App, failure::Failure};

/// Where browsers find the pages, as they say it themselves: `https://notes.example.com`.
#[derive(Clone, Debug)]
pub struct Origin(HeaderValue);

impl Origin {
    pub(crate) fn is_https(&self) -> bool {
        self.0.as_bytes().starts_with(b"https:")
    }
}

impl FromStr for Origin {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let expected = || format!("{text:?} is no origin: expected one such as https://notes.example.com");
        let uri: Uri = text.parse().with_context(expected)?;
        let (Some("http" | "https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            bail!(expected());
        };
        if !text.ends_with(authority.as_str()) {
            bail!(expected());
        }
        Ok(Self(text.to_ascii_lowercase().parse().with_context(expected)?))
    }
}

/// Refuses whatever changes something and does not come from a form of our own page: browsers send our users' cookies
/// along, whoever has made them send a request. Signing in is an action too; nobody is to be signed in as somebody else.
///
/// Every browser of today says in `Origin` where a form was sent from, and no page can have it say anything else.
pub(crate) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_ours = request.headers().get(header::ORIGIN) == Some(&app.origin.0);
    if is_ours || [Method::GET, Method::HEAD].contains(request.method()) {
        next.run(request).await
    } else {
        Failure::ForeignOrigin.into_response()
    }
}
