//! A token judged as Convex judges it.

mod fetch;
pub(crate) mod jwks;
pub(crate) mod token;
pub(crate) mod verifier;

pub use verifier::{ConvexVerifier, ConvexVerifierBuilder};
