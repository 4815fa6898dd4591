//! Tests of Row Level Security: that each assertion passes when it should, and fails with the right words when not.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod denials;
mod filters;
mod people;
mod rows;
mod statements;
mod support;

use hexclave_testkit::rls::{Actor, DeniedBy, Sql, TestDatabase, TestUser};

const fn shareable<T: Send + Sync>() {}
const _: () = {
    shareable::<TestDatabase>();
    shareable::<TestUser>();
    shareable::<Actor<'static>>();
    shareable::<Sql>();
    shareable::<DeniedBy>();
};
