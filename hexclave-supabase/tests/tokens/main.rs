//! Supabase tokens: minted, kept, verified, and the keys for all that.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::string_slice)]

mod attacks;
mod cache;
mod claims;
mod jwks;
mod minting;
mod published_keys;
mod signing_keys;
mod support;
mod verification;
