//! Convex's `auth.config`: built, read, emitted, merged, and its keys reviewed.

pub(crate) mod auth_config;
mod builder;
pub(crate) mod emit;
pub(crate) mod issuer;
mod key_review;
mod merge;
mod parse;
pub(crate) mod provider;

pub use auth_config::AuthConfig;
pub use builder::{AuthConfigBuilder, Compatibility};
pub use key_review::{KeyFinding, KeyProblem};
pub use provider::{Algorithm, Provider};
