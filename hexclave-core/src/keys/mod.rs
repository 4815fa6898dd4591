//! Public keys: read, told apart by kind of user, fetched and kept.

mod document;
mod fetch;
mod health;
mod missing;
mod project;
mod public_key;
mod remote;
mod set;
mod source;

pub(crate) use document::default_client;
pub(crate) use fetch::Fetcher;
pub use health::{KeyHealth, KeyState};
pub use project::ProjectKeys;
pub(crate) use project::SignerOf;
pub use public_key::PublicKey;
pub use remote::{RemoteJwks, RemoteJwksBuilder};
pub use set::{KeySet, SkippedKey};
pub(crate) use source::{DEFAULT_STALE_IF_ERROR, Kept, KeySource};
