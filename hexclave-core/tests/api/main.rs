//! The client of the Hexclave API: against servers that do as a test tells them, and against the local Hexclave.
#![cfg(feature = "api")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod errors;
mod headers;
mod local;
mod online;
mod retries;
#[allow(dead_code)]
mod scripted;
