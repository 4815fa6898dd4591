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
//! else; so they are refused here unless the application [lets them in](ClaimsPolicy::accept).
//!
//! # Tokens
//! [`Minter`] signs `sub`, `role`, `aud`, `is_anonymous`, `iat` and `exp`, for an hour unless told otherwise. PostgREST,
//! Storage, Realtime and Edge Functions accept that as `Authorization: Bearer`, beside a publishable key as `apikey`.
//! Supabase Auth's own endpoints (`getUser` and the like) do not: its users table knows nothing of Hexclave's users.
//!
//! - What else a token says is the application's choice, a [`ClaimsPolicy`]: a verified e-mail, `aal`, project and team in
//!   `app_metadata`, roles of the database's own. [`SupabaseClaims`] takes teams, permissions and claims of the
//!   application's own. What would give a claim a second meaning, or break `auth.uid()`, is refused.
//! - A [`SigningKey`] is the project's legacy [JWT secret](JwtSecret), or a key of your own that you have imported into
//!   the project (HS256, ES256, RS256).
//! - A [`TokenCache`] gives a token out again while it is good.
//! - [`SupabaseVerifier`] verifies the tokens that come back to servers of your own; [`ProjectVerifier`] does so with the
//!   keys that a project publishes.
//!
//! In a browser, give supabase-js a callback that returns `null` when nobody is signed in. An empty text, which
//! Hexclave's setup guide returns there, closes Realtime channels.
//!
//! # Two ways
//! Supabase can also accept Hexclave's own access tokens, which are signed with ES256 and carry a UUID as `sub` and the
//! role `authenticated`. It needs Hexclave's public keys for that: [`SupabaseJwks`] writes the documents.
//!
//! | | mint | third-party auth |
//! |---|---|---|
//! | shared secret | the legacy secret, or an imported key's private half | none |
//! | a server has to | sign each user's token | nothing; renew the document when Hexclave's keys change |
//! | kinds of users | those that the minter accepts | those whose keys are in the document |
//! | claims | chosen | Hexclave's, with name and e-mail (verified or not) |
//! | life of a token | chosen, up to 24 hours | 10 minutes, unless the deployment says otherwise |
//! | hosted projects | any | third-party users are billed; register by `jwks_url` or `custom_jwks`, for there is no OpenID discovery document |
//! | several projects or issuers in one database | tell them apart by a claim or key | needs the fence by issuer |
//!
//! Third-party auth is what Supabase recommends, and what to choose where nothing speaks against it: the legacy secret
//! loses its place in the product. Mint where tokens shall say something that Hexclave's do not, where guests shall be
//! told apart before the database, or where Supabase is self-hosted with the secret alone.
//!
//! # Fences
//! Every kind of user has the role `authenticated`, and neither PostgREST nor Storage looks at issuer and audience of a
//! token: what is to be kept out has to be kept out by restrictive policies, one for each table. With third-party auth,
//! always set the first; it lets one project's normal users in, whichever host issued their tokens. The others are for
//! databases into which more kinds of users come, by either way.
//!
//! ```sql
#![doc = include_str!("fences.sql")]
//! ```
//!
//! # Rows
//! [`rls`] opens transactions as PostgREST does, for servers that talk to Postgres themselves. [`policies`] writes the
//! SQL of the common shapes of tables, [`inspect::lint`] finds what is wrong with a database's, and [`inspect::matrix`]
//! tries who can see, add, change and delete which rows.
//!
//! # Users
//! Row Level Security knows who asks, and the database knows nobody else: names, addresses and metadata stay with
//! Hexclave. [`sync`] keeps a table of users that follows Hexclave's webhooks, for policies and queries to join.
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | `tokio-postgres` | [`rls::tokio_postgres`], [`inspect`] |
//! | `deadpool-postgres` | [`rls::deadpool_postgres`], and the feature above |
//! | `postgres` | [`rls::postgres`] |
//! | `sqlx` | [`rls::sqlx`]; chooses sqlx's `runtime-tokio` and no TLS |
//! | `sync` | [`sync`], and the feature `tokio-postgres` |
//! | `terminal` | [`inspect::matrix`] as text for terminals, and the feature `tokio-postgres` |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod claims;
mod error;
mod identifier;
#[cfg(feature = "tokio-postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio-postgres")))]
pub mod inspect;
mod keys;
pub mod policies;
#[cfg(any(feature = "postgres", feature = "sqlx", feature = "tokio-postgres"))]
#[cfg_attr(
    docsrs,
    doc(cfg(any(feature = "postgres", feature = "sqlx", feature = "tokio-postgres")))
)]
pub mod rls;
#[cfg(feature = "sync")]
#[cfg_attr(docsrs, doc(cfg(feature = "sync")))]
pub mod sync;
mod token;

pub use claims::{ClaimsPolicy, CustomRole, Role, SupabaseClaims};
pub use error::{Error, ErrorKind};
pub use keys::{Algorithm, JwtSecret, SecretJwks, SigningKey, SupabaseJwks, VerifyingKey};
pub use token::{
    Minter, ProjectVerifier, ProjectVerifierBuilder, SupabaseToken, SupabaseVerifier, TokenCache,
    VerifiedToken,
};
