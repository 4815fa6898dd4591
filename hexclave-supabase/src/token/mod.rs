//! Supabase tokens: minted, kept, and verified when they come back.

mod cache;
mod jws;
mod minter;
mod project_verifier;
mod verified;
mod verifier;

pub use cache::TokenCache;
pub use minter::{Minter, SupabaseToken};
pub use project_verifier::{ProjectVerifier, ProjectVerifierBuilder};
pub use verified::VerifiedToken;
pub use verifier::SupabaseVerifier;
