//! What tests of a Hexclave application need and what never runs in production.
//!
//! - [`hexclave`]: a local Hexclave that issues real tokens, keeps users, teams and permissions, sends webhooks, and
//!   fails on demand; and an issuer for the tokens that it would not issue;
//! - [`postgres`]: a throw-away PostgreSQL with the roles and functions of Supabase, and your migrations;
//! - [`rls`]: tests of Row Level Security: who sees what, who is denied, whose statements are filtered;
//! - [`TestClock`]: a clock that stands still until it is told to move.
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | `docker` (default) | PostgreSQL in a container where no server is installed |
//! | `rls` (default) | [`rls`] |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
pub mod hexclave;
pub mod postgres;
#[cfg(feature = "rls")]
#[cfg_attr(docsrs, doc(cfg(feature = "rls")))]
pub mod rls;

pub use clock::TestClock;
