//! Rust programs that call Convex.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "all of this is test code"
)]

mod functions;
mod log;
mod scripted;
mod signed_in;
mod stage;
mod sync_server;
