//! The keys of Supabase tokens: to sign, to verify, and as documents for others who verify.

mod jwks;
mod private_jwk;
mod secret;
mod signing_key;
mod verifying_key;

pub use jwks::{SecretJwks, SupabaseJwks};
pub use secret::JwtSecret;
pub use signing_key::SigningKey;
pub(crate) use signing_key::unusable;
pub use verifying_key::{Algorithm, VerifyingKey};
