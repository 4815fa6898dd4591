//! Take a proven Hexclave user to Supabase: as a token that its services accept, or as a Postgres transaction in
//! which Row Level Security applies.
//!
//! ```
//! use hexclave_core::{AccessToken, Verifier};
//! use hexclave_supabase::{JwtSecret, Minter};
//!
//! # async fn run(verifier: Verifier, token: AccessToken) -> Result<String, Box<dyn std::error::Error>> {
//! let minter = Minter::new(JwtSecret::from_env()?); // SUPABASE_JWT_SECRET
//!
//! let user = verifier.verify(&token).await?;
//! Ok(minter.mint(&user)?.expose().to_owned())
//! # }
//! ```
//!
//! # Who gets in
//! Tokens and claims are made from a [`User`](hexclave_core::User), which only verification can make. Restricted and
//! anonymous users carry the role `authenticated` in Hexclave's own tokens too, and most policies ask for nothing
//! else; so they are refused here unless the application [lets them in](Minter::accept).
//!
//! # Tokens
//! [`Minter`] signs `{"sub", "role", "iat", "exp"}` with the project's legacy JWT secret (HS256, no `kid`), for an
//! hour unless told otherwise. PostgREST, Storage, Realtime and Edge Functions accept it as
//! `Authorization: Bearer`, beside a publishable key as `apikey`. Supabase Auth's own endpoints (`getUser` and the
//! like) do not: its users table knows nothing of Hexclave's users.
//!
//! In a browser, give supabase-js a callback that returns `null` when nobody is signed in. An empty text, which
//! Hexclave's setup guide returns there, closes Realtime channels.
//!
//! # Rows
//! [`rls`] opens transactions as PostgREST does, for servers that talk to Postgres themselves.
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | `tokio-postgres` | [`rls::tokio_postgres`] |
//! | `postgres` | [`rls::postgres`] |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod claims;
mod error;
mod minter;
#[cfg(any(feature = "postgres", feature = "tokio-postgres"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "postgres", feature = "tokio-postgres"))))]
pub mod rls;
mod secret;

pub use claims::{Role, SupabaseClaims};
pub use error::{Error, ErrorKind};
pub use minter::{Minter, SupabaseToken};
pub use secret::JwtSecret;
