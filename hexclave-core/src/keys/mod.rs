//! The project's public keys: read, told apart by kind of user, fetched and kept.

mod fetch;
mod health;
mod missing;
mod project;
mod public_key;
mod set;
mod source;

pub(crate) use fetch::{Fetched, Fetcher, default_client};
pub use health::{KeyHealth, KeyState};
pub use project::ProjectKeys;
pub use public_key::PublicKey;
pub use set::{KeySet, SkippedKey};
pub(crate) use source::{Kept, KeySource};
