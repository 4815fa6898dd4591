use std::{
    fmt::Write,
    sync::mpsc::{self, Receiver, SyncSender, TrySendError},
    thread,
    time::{Duration, SystemTime},
};

use anstyle::{AnsiColor, Style};
use hexclave_testkit::hexclave::{LoggedRequest, WebhookAttempt};

use crate::output::{self, QUIET, printable};

/// How many lines may wait for whoever reads them.
const LINES: usize = 1_000;
/// How long the last lines may take.
const PATIENCE: Duration = Duration::from_millis(200);

const GOOD: Style = AnsiColor::Green.on_default();
const REFUSED: Style = AnsiColor::Yellow.on_default();
const BROKEN: Style = AnsiColor::Red.on_default();

/// Lines on standard error about what was asked. Where nobody reads them they are lost, and nobody waits.
pub(crate) struct Log {
    lines: SyncSender<String>,
    ended: Receiver<()>,
}

impl Log {
    pub(crate) fn start() -> Self {
        let (lines, to_write) = mpsc::sync_channel::<String>(LINES);
        let (end, ended) = mpsc::channel();
        thread::spawn(move || {
            for line in to_write {
                output::notice(line);
            }
            // Nobody waits for it after a while.
            let _ = end.send(());
        });
        Self { lines, ended }
    }

    /// Writes a line about each request that it is told.
    pub(crate) fn writer(&self) -> impl Fn(&LoggedRequest) + Send + Sync + use<> {
        let lines = self.lines.clone();
        move |request| match lines.try_send(line(request)) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    /// Writes a line about each attempt to deliver a webhook that it is told.
    pub(crate) fn webhook_writer(&self) -> impl Fn(&WebhookAttempt) + use<> {
        let lines = self.lines.clone();
        move |attempt| match lines.try_send(webhook_line(attempt)) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    /// Writes what is left, unless nobody reads it. All writers must be gone.
    pub(crate) fn stop(self) {
        drop(self.lines);
        // A timeout means that nobody reads.
        let _ = self.ended.recv_timeout(PATIENCE);
    }
}

/// Time (UTC), method, path, status; the error's code, who asked, how long it took, and the request's id.
fn line(request: &LoggedRequest) -> String {
    let status = request.status.unwrap_or_default();
    let style = match status {
        ..400 => GOOD,
        400..500 => REFUSED,
        _ => BROKEN,
    };
    let mut line = format!(
        "{QUIET}{}{QUIET:#} {} {} {style}{status}{style:#}",
        time_of_day(request.arrived_at),
        printable(&request.method),
        printable(&request.path),
    );
    let mut add = |text: &str| {
        // Writing into a text does not fail.
        let _ = write!(line, " {text}");
    };
    if let Some(code) = &request.known_error {
        add(code);
    }
    if let Some(access_type) = request.access_type {
        add(access_type);
    }
    if let Some(user) = request.user_id {
        add(&format!("user={user}"));
    }
    if let Some(took) = request.took {
        add(&format!("{QUIET}{}ms{QUIET:#}", took.as_millis()));
    }
    if let Some(id) = &request.request_id {
        add(&format!("{QUIET}request={id}{QUIET:#}"));
    }
    line
}

/// Time (UTC), what is told and to whom, the answer; which attempt it was, when the next one is made, and the message's id.
fn webhook_line(attempt: &WebhookAttempt) -> String {
    let (style, answer) = match (attempt.status, attempt.withheld) {
        (Some(status @ 200..300), _) => (GOOD, status.to_string()),
        (Some(status), _) => (BROKEN, status.to_string()),
        (None, Some(fault)) => (REFUSED, format!("not sent ({fault})")),
        (None, None) => (BROKEN, "no answer".to_owned()),
    };
    let again = attempt
        .retry_after
        .map(|after| format!(" again in {}", output::span(after)));
    format!(
        "{QUIET}{}{QUIET:#} webhook {} to {} {style}{answer}{style:#} attempt={}{} {QUIET}message={}{QUIET:#}",
        time_of_day(attempt.attempted_at),
        printable(&attempt.event_type),
        printable(&attempt.url),
        attempt.number,
        again.unwrap_or_default(),
        attempt.id,
    )
}

fn time_of_day(time: SystemTime) -> String {
    let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = since_1970.as_secs();
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        seconds / 3_600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        since_1970.subsec_millis()
    )
}
