//! Prove who a signed-in [Hexclave](https://hexclave.com) user is (Hexclave is the new name of Stack Auth).
//!
//! Hexclave issues short-lived ES256 access tokens. This crate takes one from a request, verifies it locally
//! against the project's public keys, and hands out a [`User`] that cannot be had in any other way.
//!
//! ```no_run
//! use hexclave_core::{AccessToken, ProjectConfig, Verifier};
//!
//! # async fn run(headers: http::HeaderMap) -> Result<(), hexclave_core::Error> {
//! // HEXCLAVE_PROJECT_ID and its other names; see `ProjectConfig`.
//! let verifier = Verifier::new(ProjectConfig::from_env()?)?;
//!
//! let Some(token) = AccessToken::from_headers(&headers)? else {
//!     return Ok(()); // nobody is signed in
//! };
//! match verifier.verify(&token).await {
//!     Ok(user) => println!("{} may come in", user.id()),
//!     Err(error) if error.is_retryable() => println!("503: {error}"),
//!     Err(error) => println!("401: {error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Kinds of users
//! Hexclave issues tokens to [normal, restricted and anonymous users](UserKind), each kind with an issuer, an
//! audience and keys of its own; all of them carry `role: "authenticated"`. Which kinds come in is the
//! application's decision, [`AcceptedKinds`], and by default only normal users do:
//!
//! ```no_run
//! # use hexclave_core::{AcceptedKinds, ProjectConfig, UserKind, Verifier};
//! # fn run() -> Result<(), hexclave_core::Error> {
//! let verifier = Verifier::builder(ProjectConfig::from_env()?)
//!     .accept(AcceptedKinds::default().and(UserKind::Anonymous))
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Keys
//! A [`Verifier`] fetches the project's keys when it first needs them and keeps them: for as long as
//! `Cache-Control` says (between a minute and an hour), and for up to 24 hours more while the key server does not
//! answer, so that an outage locks nobody out. A token with an unknown key causes a new fetch, at most one in 30
//! seconds. Answers are capped at 64 KiB and 5 seconds, redirects are not followed, and a key that cannot be used
//! never spoils the others.
//!
//! Hexclave drops leading zero bytes of key coordinates, which makes about one signing key in 128 unusable for
//! strict libraries; [`PublicKey`] puts them back and checks that the point is on the curve.
//!
//! To verify without a network, give the keys to the [builder](VerifierBuilder::keys).
//!
//! # Errors
//! One opaque [`Error`] with a [`kind`](Error::kind) to branch on. *The token is bad* and *the token could not be
//! checked* are never mixed.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access_token;
mod api_url;
mod claims;
mod clock;
mod config;
mod crypto;
mod error;
mod id;
mod jws;
mod keys;
mod kind;
mod member;
mod user;
mod verifier;

pub use access_token::AccessToken;
pub use api_url::ApiUrl;
pub use clock::{Clock, SystemClock};
pub use config::{ProjectConfig, ProjectConfigBuilder, SecretKey};
pub use crypto::install_default_crypto_provider;
pub use error::{Error, ErrorKind};
pub use id::{ProjectId, SessionId, TeamId, UserId};
pub use keys::{KeySet, ProjectKeys, PublicKey, SkippedKey};
pub use kind::{AcceptedKinds, RestrictedReason, UserKind};
pub use user::User;
pub use verifier::{Verifier, VerifierBuilder};
