use std::{fmt::Write, sync::Arc};

use axum::{
    extract::{RawQuery, State},
    response::Html,
};
use hexclave_core::UserKind;

use super::{
    super::{
        LoggedRequest,
        app::App,
        directory::{SessionRow, UserRow},
    },
    actions::{OFFERS, Offer},
    html::{TABLE_END, ago, cell, page, table, text, time_of_day},
    webhooks,
};

/// How many requests are shown.
const REQUESTS: usize = 100;
/// How many sessions of a user are shown.
const SESSIONS: usize = 3;
/// Endpoints to choose from; any other can be typed.
const ENDPOINTS: [&str; 8] = [
    "GET /users/me",
    "GET /users/{id}",
    "POST /auth/password/sign-in",
    "POST /auth/password/sign-up",
    "POST /auth/anonymous/sign-up",
    "POST /auth/oauth/token",
    "POST /auth/sessions/current/refresh",
    "GET /projects/{id}/.well-known/jwks.json",
];

pub(super) async fn show(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Html<String> {
    let is_live = query.as_deref() == Some("live");
    let users = app.directory().overview(app.now_millis());
    let body = [
        project(&app, is_live),
        user_table(&users, app.now_millis()),
        faults(&app),
        webhooks::section(&app),
        requests(&app, &users),
    ]
    .concat();
    page("Local Hexclave", is_live, &body)
}

fn project(app: &App, is_live: bool) -> String {
    let config = app.config();
    let live = match is_live {
        true => "<a href=\"/\">stop refreshing</a>",
        false => "<a href=\"/?live\">refresh every 3 seconds</a>",
    };
    format!(
        "<dl><dt>API</dt><dd><code>{}</code></dd><dt>Project</dt><dd><code>{}</code></dd>\
         <dt>Publishable client key</dt><dd><code>{}</code></dd></dl>\n<p>{live}</p>\n",
        text(config.api_url().as_str()),
        text(config.project_id().as_str()),
        text(config.publishable_client_key().unwrap_or_default()),
    )
}

fn user_table(users: &[UserRow], now_millis: u64) -> String {
    let mut html = format!("<h2>Users ({})</h2>\n", users.len());
    if users.is_empty() {
        html.push_str("<p class=\"empty\">Nobody has signed up yet.</p>\n");
    } else {
        html.push_str(&table("users", &["User", "Kind", "Teams", "Sessions", ""]));
        for user in users {
            html.push_str(&user_row(user, now_millis));
        }
        html.push_str(TABLE_END);
    }
    html + ADD_USER
}

const ADD_USER: &str = "<form id=\"add-user\" method=\"post\" action=\"/page/add-user\">\
    <label>E-mail<input name=\"email\" type=\"email\" autocomplete=\"username\" required></label><label>Name<input name=\"name\"></label>\
    <label>Password<input name=\"password\" type=\"password\" minlength=\"8\" autocomplete=\"new-password\" \
    placeholder=\"none\"></label><label class=\"tick\"><input name=\"verified\" type=\"checkbox\" checked>E-mail verified</label>\
    <button>Add a user</button></form>\n";

fn user_row(user: &UserRow, now_millis: u64) -> String {
    let class = match user.kind {
        UserKind::Normal => "good",
        UserKind::Restricted => "warn",
        UserKind::Anonymous => "soft",
    };
    let reason = match (&user.restricted_reason, user.kind) {
        (Some(reason), UserKind::Restricted) => format!("<small>{}</small>", text(reason.as_str())),
        _ => String::new(),
    };
    let email = match (&user.email, user.email_verified) {
        (None, _) => "<span class=\"soft\">no e-mail</span>".to_owned(),
        (Some(email), true) => text(email),
        (Some(email), false) => format!("{} <span class=\"warn\">not verified</span>", text(email)),
    };
    let name = user
        .name
        .as_deref()
        .map(|name| format!("<small>{}</small>", text(name)));
    let verify = match (&user.email, user.email_verified) {
        (Some(_), false) => button("/page/verify-email", user, "Verify e-mail"),
        _ => String::new(),
    };
    [
        "<tr>".to_owned(),
        cell(
            "User",
            &format!(
                "{email}{}<small><code>{}</code></small>",
                name.unwrap_or_default(),
                user.id
            ),
        ),
        cell(
            "Kind",
            &format!("<span class=\"tag {class}\">{}</span>{reason}", user.kind),
        ),
        cell("Teams", &text(&user.teams.join(", "))),
        cell("Sessions", &sessions(&user.sessions, now_millis)),
        format!(
            "<td class=\"actions\">{}{verify}{}</td></tr>\n",
            button("/page/access-token", user, "Access token"),
            button("/page/delete-user", user, "Delete"),
        ),
    ]
    .concat()
}

fn sessions(sessions: &[SessionRow], now_millis: u64) -> String {
    let mut html = String::new();
    for session in sessions.iter().take(SESSIONS) {
        let start: String = session.id.chars().take(8).collect();
        let used = ago(session.last_used_at_millis, now_millis);
        // Writing into a text does not fail; so everywhere here.
        let _ = write!(
            html,
            "<div class=\"tight\"><code title=\"{}\">{}…</code> <span class=\"soft\">{used}</span></div>",
            text(&session.id),
            text(&start)
        );
    }
    match sessions.len().saturating_sub(SESSIONS) {
        0 => html,
        more => html + &format!("<span class=\"soft\">and {more} more</span>"),
    }
}

fn button(action: &str, user: &UserRow, label: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{action}\"><input type=\"hidden\" name=\"user\" value=\"{}\">\
         <button>{label}</button></form>",
        user.id
    )
}

fn faults(app: &App) -> String {
    let active = app.faults().descriptions();
    let mut html = "<h2>Faults</h2>\n<div class=\"bar\">\
        <form id=\"break\" method=\"post\" action=\"/page/break\"><label>Endpoint<input name=\"endpoint\" list=\"endpoints\" size=\"34\" \
        placeholder=\"every endpoint\"></label><datalist id=\"endpoints\">"
        .to_owned();
    for endpoint in ENDPOINTS {
        let _ = write!(html, "<option value=\"{}\">", text(endpoint));
    }
    html.push_str("</datalist><label>What goes wrong<select name=\"fault\">");
    for Offer { name, label, .. } in OFFERS {
        let _ = write!(html, "<option value=\"{name}\">{label}</option>");
    }
    html.push_str(
        "</select></label><label>Times<input name=\"times\" type=\"number\" min=\"1\" placeholder=\"always\"></label>\
         <button>Switch on</button></form>",
    );
    if active.is_empty() {
        return html + "</div>\n<p class=\"empty\">Everything works.</p>\n";
    }
    html.push_str(
        "<form method=\"post\" action=\"/page/heal\"><button>Switch all off</button></form></div>\n<ul id=\"faults\">",
    );
    for fault in active {
        let _ = write!(html, "<li class=\"bad\">{}</li>", text(&fault));
    }
    html + "</ul>\n"
}

fn requests(app: &App, users: &[UserRow]) -> String {
    let all = app.log().all();
    let mut html = "<h2>Recent requests</h2>\n".to_owned();
    if all.is_empty() {
        return html + "<p class=\"empty\">Nothing has been asked yet.</p>\n";
    }
    html.push_str(&table("requests", &["Time (UTC)", "Request", "Answer", "Who"]));
    for request in all.iter().rev().take(REQUESTS) {
        html.push_str(&request_row(request, users));
    }
    html + TABLE_END
}

fn request_row(request: &LoggedRequest, users: &[UserRow]) -> String {
    let (class, status) = match request.status {
        Some(status @ ..400) => ("good", status.to_string()),
        Some(status @ 400..500) => ("warn", status.to_string()),
        Some(status) => ("bad", status.to_string()),
        None => ("soft", "no answer".to_owned()),
    };
    let who = request.user_id.map(|id| {
        let user = users.iter().find(|user| user.id == id);
        let email = user.and_then(|user| user.email.clone());
        email.unwrap_or_else(|| id.to_string())
    });
    let took = request
        .took
        .map(|took| format!(" <span class=\"soft\">{}&nbsp;ms</span>", took.as_millis()));
    let id = request
        .request_id
        .as_deref()
        .map(|id| format!("<small><code>{}</code></small>", text(id)));
    let who = [
        request.access_type.unwrap_or_default(),
        " ",
        &text(&who.unwrap_or_default()),
    ]
    .concat();
    [
        "<tr>".to_owned(),
        cell("Time", &time_of_day(request.arrived_at)),
        cell(
            "Request",
            &format!(
                "<code>{} {}</code>{}",
                text(&request.method),
                text(&request.path),
                id.unwrap_or_default()
            ),
        ),
        cell(
            "Answer",
            &format!(
                "<span class=\"{class}\">{status}</span>{}{}",
                took.unwrap_or_default(),
                request
                    .known_error
                    .as_deref()
                    .map(|code| format!("<small>{}</small>", text(code)))
                    .unwrap_or_default()
            ),
        ),
        cell("Who", who.trim()),
        "</tr>\n".to_owned(),
    ]
    .concat()
}
