//! The throw-away PostgreSQL: what is in it, and that nothing of it stays behind.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod before;
mod child;
mod content;
mod databases;
mod migrations;
mod servers;
mod support;

use hexclave_testkit::postgres::{Database, Migrations, Postgres, PostgresError};

const fn shareable<T: Send + Sync>() {}
const _: () = {
    shareable::<Postgres>();
    shareable::<Database>();
    shareable::<Migrations>();
    shareable::<PostgresError>();
};
