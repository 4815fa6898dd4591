//! The project's public keys: read, told apart by kind of user, fetched and kept.

mod project;
mod public_key;
mod set;
mod source;

pub use project::ProjectKeys;
pub use public_key::PublicKey;
pub use set::{KeySet, SkippedKey};
pub(crate) use source::{FetchedKeys, KeySource, default_client};
