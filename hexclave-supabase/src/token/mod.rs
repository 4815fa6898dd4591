//! Supabase tokens: minted, kept, and verified when they come back.

mod cache;
mod jws;
mod minter;
mod verified;
mod verifier;

pub use cache::TokenCache;
pub use minter::{Minter, SupabaseToken};
pub use verified::VerifiedToken;
pub use verifier::SupabaseVerifier;
