//! Who is told what has happened, and how that went.

use std::{fmt::Write, sync::Arc};

use axum::{extract::State, response::Redirect};

use super::{
    super::{WebhookAttempt, WebhookFault, app::App},
    actions::{Form, Trouble},
    html::{TABLE_END, cell, table, text, time_of_day},
};

/// How many attempts are shown.
const ATTEMPTS: usize = 50;

pub(super) fn section(app: &App) -> String {
    let mut html = "<h2>Webhooks</h2>\n".to_owned();
    let urls = app.outbox().urls();
    if urls.is_empty() {
        return html + "<p class=\"empty\">Nobody is told: <code>--webhook URL</code> names who is.</p>\n";
    }
    html.push_str("<ul id=\"endpoints-told\">");
    for url in urls {
        // Writing into a text does not fail; so everywhere here.
        let _ = write!(html, "<li><code>{}</code></li>", text(url.as_str()));
    }
    html.push_str(
        "</ul>\n<form id=\"webhook-faults\" class=\"ticks\" method=\"post\" action=\"/page/webhook-faults\">",
    );
    let faults = app.outbox().faults();
    for fault in WebhookFault::ALL {
        let _ = write!(
            html,
            "<label class=\"tick\"><input type=\"checkbox\" name=\"{fault}\"{}>{}</label>",
            match faults.contains(&fault) {
                true => " checked",
                false => "",
            },
            label(fault),
        );
    }
    html.push_str("<button>Set</button></form>\n");
    let attempts = app.outbox().attempts();
    if attempts.is_empty() {
        return html + "<p class=\"empty\">Nothing has been told yet.</p>\n";
    }
    html.push_str(&table("webhooks", &["Time (UTC)", "Event", "To", "Answer", ""]));
    for attempt in attempts.iter().rev().take(ATTEMPTS) {
        html.push_str(&row(attempt));
    }
    html + TABLE_END
}

fn label(fault: WebhookFault) -> &'static str {
    match fault {
        WebhookFault::Reversed => "Newest first, of 2 seconds each",
        WebhookFault::Doubled => "Each twice",
        WebhookFault::Late => "Late, with the second attempt",
        WebhookFault::Lost => "Lost",
    }
}

fn row(attempt: &WebhookAttempt) -> String {
    let answer = match (attempt.status, attempt.withheld) {
        (Some(status @ 200..300), _) => format!("<span class=\"good\">{status}</span>"),
        (Some(status), _) => format!("<span class=\"bad\">{status}</span>"),
        (None, Some(fault)) => format!("<span class=\"warn\">not sent: {fault}</span>"),
        (None, None) => "<span class=\"bad\">no answer</span>".to_owned(),
    };
    let next = match attempt.retry_after.map(|after| after.as_secs()) {
        Some(seconds @ ..120) => format!("<small>again after {seconds} s</small>"),
        Some(seconds @ 120..7_200) => format!("<small>again after {} min</small>", seconds / 60),
        Some(seconds) => format!("<small>again after {} h</small>", seconds / 3_600),
        None => String::new(),
    };
    [
        "<tr>".to_owned(),
        cell("Time", &time_of_day(attempt.attempted_at)),
        cell(
            "Event",
            &format!(
                "{}<small><code>{}</code></small>",
                text(&attempt.event_type),
                text(&attempt.id)
            ),
        ),
        cell("To", &format!("<code>{}</code>", text(&attempt.url))),
        cell(
            "Answer",
            &format!(
                "{answer} <span class=\"soft\">attempt&nbsp;{}</span>{next}",
                attempt.number
            ),
        ),
        format!(
            "<td class=\"actions\"><form method=\"post\" action=\"/page/send-webhook-again\">\
             <input type=\"hidden\" name=\"id\" value=\"{}\"><button>Send again</button></form></td></tr>\n",
            text(&attempt.id)
        ),
    ]
    .concat()
}

pub(super) async fn set_faults(State(app): State<Arc<App>>, body: String) -> Redirect {
    let form = Form::parse(&body);
    let faults = WebhookFault::ALL
        .into_iter()
        .filter(|fault| form.has(fault.name()));
    app.outbox().set_faults(faults.collect());
    Redirect::to("/")
}

pub(super) async fn send_again(State(app): State<Arc<App>>, body: String) -> Result<Redirect, Trouble> {
    let form = Form::parse(&body);
    match app.outbox().send_again(form.field("id"), app.now_seconds()) {
        true => Ok(Redirect::to("/")),
        false => Err(Trouble("There is no such webhook.".to_owned())),
    }
}
