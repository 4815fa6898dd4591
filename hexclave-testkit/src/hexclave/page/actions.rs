use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use hexclave_core::UserId;
use serde_json::json;
use tokio::task::spawn_blocking;
use url::form_urlencoded;

use super::{
    super::{
        Fault, HexclaveError,
        api::{JsonBody, users},
        api_error::ApiError,
        app::App,
        directory::NewSession,
    },
    html::{page, text},
};

/// Something that can be made to go wrong.
pub(super) struct Offer {
    /// What it is called in the form.
    pub(super) name: &'static str,
    /// What people read.
    pub(super) label: &'static str,
    fault: fn() -> Fault,
}

pub(super) const OFFERS: [Offer; 8] = [
    Offer::new("429", "429: too many requests", || Fault::too_many_requests(None)),
    Offer::new("500", "500: an error of the server", || {
        Fault::text(500, "This error was asked for.")
    }),
    Offer::new("503", "503: an error of a proxy", || Fault::status(503)),
    Offer::new("garbage", "An answer that is no JSON", Fault::garbage),
    Offer::new("hang", "No answer until it is switched off", Fault::hang),
    Offer::new("drip", "A slow answer", || Fault::drip(Duration::from_millis(20))),
    Offer::new("cut", "Half an answer", Fault::cut),
    Offer::new("close", "A closed connection", Fault::close),
];

impl Offer {
    const fn new(name: &'static str, label: &'static str, fault: fn() -> Fault) -> Self {
        Self { name, label, fault }
    }
}

/// The fields of a form.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(body: &str) -> Self {
        Self(form_urlencoded::parse(body.as_bytes()).into_owned().collect())
    }

    pub(super) fn field(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// Whether a box is ticked.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    pub(super) fn user(&self) -> Result<UserId, Trouble> {
        let parsed = self.field("user").parse();
        parsed.map_err(|_| Trouble("There is no such user.".to_owned()))
    }
}

/// Why something cannot be done, for the person who asked for it.
pub(super) struct Trouble(pub(super) String);

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        Self(error.message().to_owned())
    }
}

impl From<HexclaveError> for Trouble {
    fn from(error: HexclaveError) -> Self {
        Self(error.to_string())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let body = format!(
            "<p class=\"bad\">{}</p><p><a href=\"/\">Back</a></p>",
            text(&self.0)
        );
        (StatusCode::BAD_REQUEST, page("Local Hexclave", false, &body)).into_response()
    }
}

/// Signs a user in, whoever it is, and shows the access token.
pub(super) async fn access_token(State(app): State<Arc<App>>, body: String) -> Result<Html<String>, Trouble> {
    let id = Form::parse(&body).user()?;
    let now = app.now_millis();
    let subject = {
        let mut directory = app.directory();
        directory.require_user(id)?;
        let session = directory.open_session(id, NewSession::default(), now)?;
        directory.subject(&session, now)?
    };
    let token = app.issue(&subject)?;
    keep(&app).await?;
    let who = subject.email.unwrap_or_else(|| id.to_string());
    let body = format!(
        "<h2>An access token of {}</h2><p>It proves who this is for 10 minutes, and belongs to a new session.</p>\
         <textarea id=\"token\" readonly autofocus spellcheck=\"false\">{}</textarea><p><a href=\"/\">Back</a></p>",
        text(&who),
        text(&token),
    );
    Ok(page("Local Hexclave", false, &body))
}

/// Adds a user as a server does, with its webhook.
pub(super) async fn add_user(State(app): State<Arc<App>>, body: String) -> Result<Redirect, Trouble> {
    let form = Form::parse(&body);
    if form.field("email").is_empty() {
        return Err(Trouble("A user to sign in as has an e-mail address.".to_owned()));
    }
    let given = |name| Some(form.field(name)).filter(|value| !value.is_empty());
    let user = json!({
        "primary_email": form.field("email"),
        "primary_email_auth_enabled": true,
        "primary_email_verified": form.has("verified"),
        "display_name": given("name"),
        "password": given("password"),
    });
    users::add(&app, JsonBody::from(user))?;
    keep(&app).await?;
    Ok(Redirect::to("/"))
}

/// Deletes a user as a server does, with the webhooks.
pub(super) async fn delete_user(State(app): State<Arc<App>>, body: String) -> Result<Redirect, Trouble> {
    users::remove(&app, Form::parse(&body).user()?)?;
    keep(&app).await?;
    Ok(Redirect::to("/"))
}

pub(super) async fn verify_email(State(app): State<Arc<App>>, body: String) -> Result<Redirect, Trouble> {
    let id = Form::parse(&body).user()?;
    app.directory().verify_email(id)?;
    keep(&app).await?;
    Ok(Redirect::to("/"))
}

pub(super) async fn inject(State(app): State<Arc<App>>, body: String) -> Result<Redirect, Trouble> {
    let form = Form::parse(&body);
    let wrong = |text: &str| Trouble(text.to_owned());
    let offer = OFFERS
        .iter()
        .find(|offer| offer.name == form.field("fault"))
        .ok_or_else(|| wrong("There is no such fault."))?;
    let mut fault = (offer.fault)();
    match form.field("endpoint") {
        "" => {}
        endpoint => {
            let (method, path) = endpoint
                .split_once(' ')
                .filter(|(_, path)| path.starts_with('/'))
                .ok_or_else(|| wrong("An endpoint is a method and a path, such as GET /users/me."))?;
            fault = fault.on(method, path);
        }
    }
    match form.field("times") {
        "" => {}
        times => {
            let times = times.parse().ok().filter(|times| *times > 0);
            fault = fault.times(times.ok_or_else(|| wrong("How many times is a number from 1."))?);
        }
    }
    app.faults().add(fault);
    Ok(Redirect::to("/"))
}

pub(super) async fn heal(State(app): State<Arc<App>>) -> Redirect {
    app.faults().heal();
    Redirect::to("/")
}

/// Keeps the state, where it is kept.
pub(super) async fn keep(app: &Arc<App>) -> Result<(), Trouble> {
    let app = Arc::clone(app);
    match spawn_blocking(move || app.save()).await {
        Ok(kept) => Ok(kept?),
        Err(_) => Err(Trouble("The state could not be kept.".to_owned())),
    }
}
