//! Prove who a signed-in [Hexclave](https://hexclave.com) user is (Hexclave is the new name of Stack Auth).
//!
//! Hexclave issues short-lived ES256 access tokens. This crate takes one from a request, verifies it locally
//! against the project's public keys, and hands out a [`User`] that cannot be had in any other way.
//!
//! ```no_run
//! use hexclave_core::{Credentials, ProjectConfig, Verifier};
//!
//! # async fn run(headers: http::HeaderMap) -> Result<(), hexclave_core::Error> {
//! // HEXCLAVE_PROJECT_ID and its other names; see `ProjectConfig`.
//! let verifier = Verifier::new(ProjectConfig::from_env()?)?;
//!
//! let credentials = Credentials::from_headers(&headers, verifier.config())?;
//! let Some(token) = credentials.access_token() else {
//!     return Ok(()); // nobody is signed in
//! };
//! match verifier.verify(token).await {
//!     Ok(user) => println!("{} may come in", user.id()),
//!     Err(error) if error.is_retryable() => println!("503: {error}"),
//!     Err(error) => println!("401: {error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Credentials
//! Hexclave's clients send tokens in five ways, and [`Credentials`] reads them all: headers with an access token,
//! `Authorization` in the SDK's form and in the plain one, `x-stack-auth`, and cookies. Cookies are read only where the
//! application [asks for them](CredentialSources#cookies), and a request that carries two different tokens is refused.
//! To send a token to another backend: [`AccessToken::authorization_header`]; to keep a session in a browser:
//! [`SessionCookies`].
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
//! A function that takes a [`Verified<Normal>`](Verified) cannot be called for anybody else.
//!
//! # Web servers
//! [`web`] has layers for `tower`, axum, actix-web and tonic, and the one table of who is answered what: 401, 403, 503.
//!
//! # Keys
//! A [`Verifier`] fetches the project's keys when it first needs them, or when it is told to
//! [warm up](Verifier::warm_up), and keeps them:
//!
//! - They are fresh for as long as `Cache-Control` says, between a minute and an hour (10 minutes if it says nothing).
//!   In the last fifth of that time they are fetched anew in the background; verifying takes no lock meanwhile.
//! - However many callers need a fetch, there is one, and it goes on when a caller goes away.
//! - A token with an unknown key causes a fetch past all caches, at most one in 30 seconds, counted from the end of the
//!   last one. Within that time the answer is immediate. The same unknown key again pauses longer each time, up to five
//!   minutes.
//! - While the key server does not answer, known keys stay in use for [24 hours](VerifierBuilder::stale_if_error) beyond
//!   their freshness and nobody waits for the server; after that, and for keys that nobody could be asked about, the
//!   answer is *could not check*, never *bad token*. A withdrawn key stops working when the set without it arrives.
//! - Answers are capped at 64 KiB, 64 keys and 5 seconds, must be JSON with status 200, and redirects are not followed.
//!   A key that cannot be used never spoils the others.
//!
//! [`Verifier::key_health`] tells how it stands, for a readiness probe. To verify without a network, give the keys to
//! the [builder](VerifierBuilder::keys); to start without waiting for it, give it those of
//! [an earlier run](VerifierBuilder::initial_keys).
//!
//! Hexclave drops leading zero bytes of key coordinates, which makes about one signing key in 128 unusable for
//! strict libraries; [`PublicKey`] puts them back and checks that the point is on the curve.
//!
//! # Speed
//! A token is verified once and then remembered, by default the last 10,000: see
//! [`cached_tokens`](VerifierBuilder::cached_tokens). A remembered token is refused at the same second and for the same
//! reasons as it would be otherwise.
//!
//! # Watching
//! Verifications and fetches are `tracing` spans (`hexclave.verify`, `hexclave.fetch_keys`); a fetch that fails is a
//! warning, and a request that a layer of [`web`] does not let in is an event of level debug. With the feature
//! `metrics`, the `metrics` facade is told:
//!
//! | counter | label `result` |
//! |---|---|
//! | `hexclave_verifications_total` | `ok`, or the error's code |
//! | `hexclave_token_cache_total` | `hit`, `miss` |
//! | `hexclave_key_fetches_total` | `ok`, `error` |
//! | `hexclave_stale_key_uses_total` | |
//!
//! The gauge `hexclave_key_age_seconds` says how old the keys at hand are whenever a token is verified that was not
//! remembered. What is said of keys has the label `issuer`: `hexclave`, or that of a [`RemoteJwks`]. No token, key id or
//! personal data is in any of these.
//!
//! # The API
//! With the feature `api`, [`api::Client`] asks the Hexclave API for users, sessions, teams and permissions, and signs
//! users in; [`session::Session`] keeps a signed-in user's tokens fresh; [`api::OnlineVerifier`] verifies a token and
//! then asks whether its user is still there, for those to whom a token's ten minutes are too long. The
//! [documentation of `api`](api#beside-the-javascript-sdk) has each capability of the JavaScript SDK beside its Rust
//! form. A server that makes trouble never looks like a user who is signed out, and neither does a wrong key.
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | `actix-web` | middleware, extractors and answers for actix-web 4 |
//! | `api` | [`api::Client`], the Hexclave API: users, sessions, teams, permissions, signing in; [`api::OnlineVerifier`]; [`session::Session`] |
//! | `axum` | extractors and answers for axum 0.8; with `webhooks`, deliveries too; turns `tower` on |
//! | `blocking` | [`blocking::Verifier`], for programs without an async runtime |
//! | `cli-login` | `api`, and [`cli_login::CliLogin`], signing in at a command line by way of a browser |
//! | `file-store` | `api`, and [`session::FileStore`], which keeps a session's tokens in a file |
//! | `metrics` | the counters and the gauge above |
//! | `tonic` | answers in gRPC for tonic 0.14; turns `tower` on |
//! | `tower` | a layer that lets in who is signed in |
//! | `webhooks` | [`webhooks`]: deliveries of Hexclave's webhooks, proven and read |
//!
//! # Errors
//! One opaque [`Error`] with a [`kind`](Error::kind) to branch on. *The token is bad* and *the token could not be
//! checked* are never mixed.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access_token;
#[cfg(feature = "api")]
#[cfg_attr(docsrs, doc(cfg(feature = "api")))]
pub mod api;
mod api_url;
#[cfg(feature = "blocking")]
#[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
pub mod blocking;
mod claims;
#[cfg(feature = "cli-login")]
#[cfg_attr(docsrs, doc(cfg(feature = "cli-login")))]
pub mod cli_login;
mod clock;
mod config;
mod credentials;
mod error;
mod id;
mod jws;
mod keys;
mod kind;
mod member;
mod refresh_token;
#[cfg(any(feature = "api", feature = "webhooks"))]
mod resource;
#[cfg(feature = "api")]
#[cfg_attr(docsrs, doc(cfg(feature = "api")))]
pub mod session;
mod telemetry;
mod token_cache;
mod user;
#[cfg(test)]
mod vectors;
mod verified;
mod verifier;
pub mod web;
#[cfg(feature = "webhooks")]
#[cfg_attr(docsrs, doc(cfg(feature = "webhooks")))]
pub mod webhooks;

pub use access_token::AccessToken;
pub use api_url::ApiUrl;
pub use clock::{Clock, SystemClock};
pub use config::{ProjectConfig, ProjectConfigBuilder, SecretKey};
pub use credentials::{CredentialSource, CredentialSources, Credentials, SessionCookies};
pub use error::{Error, ErrorKind};
pub use id::{ProjectId, SessionId, TeamId, UserId};
pub use keys::{
    KeyHealth, KeySet, KeyState, ProjectKeys, PublicKey, RemoteJwks, RemoteJwksBuilder, SkippedKey,
};
pub use kind::{AcceptedKinds, RestrictedReason, UserKind};
pub use refresh_token::RefreshToken;
pub use user::User;
pub use verified::{Anonymous, Kinds, Normal, Restricted, Verified};
pub use verifier::{Verifier, VerifierBuilder};
