//! The log: a JSON object a line, on standard error.

use std::io;

use tracing::Level;
use tracing_subscriber::{
    Layer, filter::Targets, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt,
};

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
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(io::stderr)
        .with_filter(wanted);
    // It fails where a subscriber is there already, which then has the entries.
    let _ = registry().with(lines).try_init();
}
