//! The local Hexclave over the wire: what real clients send and expect.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod auth;
mod cli_login;
mod faults;
mod page;
mod sessions;
mod support;
mod teams;
mod users;
mod webhooks;
