//! Sessions: when they ask for new tokens, when they end, and where they are kept.
#![cfg(feature = "file-store")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

#[path = "../api/scripted.rs"]
#[allow(dead_code)]
mod scripted;

mod file_store;
mod freshness;
mod lifecycle;
