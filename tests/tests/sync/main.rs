//! Users in a table of a real Postgres, kept in step with a local Hexclave, whatever becomes of the webhooks.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod deliveries;
mod http;
mod many;
mod races;
mod reconciliation;
mod support;
mod table;
