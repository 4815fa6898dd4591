//! The log: a JSON object a line, on standard error.

use std::io::{self, Write};

use axum::http::HeaderValue;
use jiff::Timestamp;
use serde::ser::{SerializeMap, Serializer};
use tracing::{Event, Level, Subscriber};
use tracing_serde::{AsSerde, SerdeMapVisitor};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, SubscriberExt},
    registry,
    util::SubscriberInitExt,
};

use super::watch::CURRENT_REQUEST;

/// Whose entries are wanted. Other libraries tell of headers where they tell much, so they are never asked for more than
/// warnings.
const OURS: [&str; 4] = [
    "hexclave_bridge",
    "hexclave_convex",
    "hexclave_core",
    "hexclave_supabase",
];

/// Begins to log what is at least this severe.
pub(super) fn begin(level: Level) {
    let others = level.min(Level::WARN);
    let wanted = Targets::new()
        .with_default(others)
        // It warns of each connection that is slow or closed, which is the client's doing.
        .with_target("hyper", Level::ERROR)
        .with_targets(OURS.map(|target| (target, level)));
    // It fails where a subscriber is there already, which then has the entries.
    let _ = registry().with(Lines.with_filter(wanted)).try_init();
}

/// Writes each entry, and so one for each request: `tracing_subscriber::fmt` takes three times the instructions for it, which
/// were a fifth of all those of a request.
struct Lines;

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if let Ok(line) = line(event) {
            // There is nowhere to say that there is no log.
            let _ = io::stderr().write_all(&line);
        }
    }
}

fn line(event: &Event<'_>) -> serde_json::Result<Vec<u8>> {
    let mut line = Vec::with_capacity(512);
    let mut json = serde_json::Serializer::new(&mut line);
    let mut entries = json.serialize_map(None)?;
    entries.serialize_entry("timestamp", &format_args!("{:.6}", Timestamp::now()))?;
    entries.serialize_entry("level", &event.metadata().level().as_serde())?;
    let mut fields = SerdeMapVisitor::new(entries);
    event.record(&mut fields);
    let mut entries = fields.take_serializer()?;
    let request = CURRENT_REQUEST.try_with(HeaderValue::clone);
    if let Some(id) = request.as_ref().ok().and_then(|id| id.to_str().ok()) {
        entries.serialize_entry("request_id", id)?;
    }
    entries.serialize_entry("target", event.metadata().target())?;
    entries.end()?;
    line.push(b'\n');
    Ok(line)
}
