//! Row Level Security on a real Postgres: each user sees their own rows and nobody else's, whatever happens on
//! the connection.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod attacks;
mod interleaved;
mod lint;
mod matrix;
mod policies;
mod pools;
mod refusals;
mod requests;
mod rows;
mod support;
mod wire;
