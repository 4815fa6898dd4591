//! Let the users of a [Hexclave](https://hexclave.com) project (Hexclave is the new name of Stack Auth) call
//! [Convex](https://convex.dev) functions.
//!
//! Convex takes Hexclave's access tokens as they are, once its `auth.config` names their issuers. This crate
//! writes that file, reads one by Convex's rules, and tells what Convex makes of a token: the identity that a
//! function sees, or the refusal.
//!
//! ```
//! use hexclave_convex::AuthConfig;
//! use hexclave_core::{AcceptedKinds, ProjectConfig, UserKind};
//!
//! let project = ProjectConfig::builder()
//!     .project_id("11111111-2222-4333-8444-555555555555".parse()?)
//!     .build()?;
//! let config = AuthConfig::for_project(&project)
//!     .kinds(AcceptedKinds::default().and(UserKind::Anonymous))
//!     .build();
//!
//! let file = config.to_typescript(); // goes into convex/auth.config.ts
//! assert!(file.ends_with("} satisfies AuthConfig;\n"));
//! # Ok::<(), hexclave_core::Error>(())
//! ```
//!
//! # Configuration
//! [`AuthConfig::for_project`] makes one provider of type `customJwt` for each API host that issues the
//! project's tokens (`api.hexclave.com` and `api.stack-auth.com` are two names of one) and each [kind of
//! user](hexclave_core::UserKind) that may come in, always with the audience to check.
//! [`Compatibility::Upstream`] makes the two of Hexclave's own JavaScript helper instead.
//!
//! The emitted file holds literals, since Convex evaluates it without network and clock. The one exception is
//! [the project's id](AuthConfigBuilder::project_id_from_environment), which may come from a variable. Convex
//! fetches the project's keys by itself, or has them [in the file](AuthConfigBuilder::build_inline); that
//! is needed where Convex cannot reach Hexclave, and for the project in 128 of which a key has a short coordinate:
//! Convex refuses all tokens of such a key. [`AuthConfig::review_keys`] tells such keys, and keys that are out of
//! date.
//!
//! [`AuthConfig::is_emitted`] tells whether a file may be overwritten. Providers of other issuers go outside the
//! two marked lines of an emitted script, or the two lines go into a script of one's own: then
//! [`AuthConfig::merge_into_script`] keeps everything else as it is, and [`AuthConfig::merge_into_json`] does so
//! for JSON.
//!
//! [`AuthConfig::from_json`] accepts and refuses what Convex does when a configuration is pushed. Either way
//! the [providers](AuthConfig::providers) are in the order in which Convex tries them, and only the first
//! that matches is ever tried.
//!
//! # Identity
//! [`UserIdentity`] is what `ctx.auth.getUserIdentity()` returns. Two things surprise: nothing is renamed
//! (`email_verified`, not `emailVerified`), and objects are flattened (`"restricted_reason.type"`). Never key
//! data on `tokenIdentifier`, which is not the same for ever; key on `project_id` and `subject`.
//!
//! # Inside Convex, and behind it
//! [`ConvexHelper`] emits `convex/hexclave.ts`, with which a function asks who calls it, by the policy of this crate:
//! normal users come in, others when told so.
//!
//! A Rust program that a Convex action calls gets the same user, as a [`PartialUser`], from the JSON of the identity. A
//! program that gets the token itself, in Convex's `Authorization: Bearer`, reads it with [`bearer_token`] and proves it with
//! [`hexclave_core::Verifier`]:
//!
//! | the header `Authorization` | answer |
//! |---|---|
//! | is not there | nobody is signed in |
//! | `Bearer <token>`, in whatever case, with blanks around the token | the token, to be verified |
//! | has less than 7 bytes, is no visible ASCII, is there twice | 400 `InvalidHeaderFailure` |
//! | `Bearer` with blanks behind it, another scheme | 400 `InvalidAdminKey` |
//!
//! # Calling functions
//! With the feature `functions`, [`FunctionClient`] calls queries, mutations and actions over HTTP, each as the user whose
//! token is at hand. A function that threw, a token that was refused and a deployment in trouble are told apart, and
//! what may have run is never sent again.
//!
//! With the feature `convex-client`, [`SignedInClient`] is Convex's own client for Rust, with live queries over a WebSocket,
//! signed in with the tokens of a session of `hexclave-core` ([`TokenProvider`]). By itself that client goes on as nobody
//! where it should not; here the application decides, and hears of it.
//!
//! # Trying out a token
//! [`ConvexVerifier`] gives a token Convex's verdict without a deployment:
//!
//! ```no_run
//! use hexclave_convex::{AuthConfig, ConvexVerifier};
//! use hexclave_core::{AccessToken, ProjectConfig};
//!
//! # async fn run(token: AccessToken) -> Result<(), Box<dyn std::error::Error>> {
//! let config = AuthConfig::for_project(&ProjectConfig::from_env()?).build();
//! match ConvexVerifier::new(config)?.verify(&token).await {
//!     Ok(identity) => println!("{}", identity.to_json()),
//!     Err(error) if error.is_unreachable() => println!("could not be checked: {error}"),
//!     Err(error) => println!("{} {}: {error}", error.http_status(), error.code()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`ConvexVerifier::explain`] tells the same to a person: what came of each step, how the nearest provider differs
//! from the token, and what to do.
//!
//! # Where the verifier differs from Convex
//! It refuses what stops Convex's own verifier with a panic:
//!
//! - times later than 8 200 000 000 000 seconds after 1970 (of which Convex lets some absurd `nbf` pass instead);
//! - a token for an ES256 provider whose `kid` names an RSA or symmetric key.
//!
//! It refuses what Convex accepts by accident, and what no Hexclave token or key set has:
//!
//! - a header with `crit`, or with an object for `alg`;
//! - a key whose `use` is not `sig`, or whose `key_ops` lack `verify`, for the token that names it;
//! - a P-256 key whose coordinates have not 32 bytes each, but 64 together;
//! - a key set, or a key in it, that is written as a list;
//! - a claim called `tokenIdentifier`, `issuer` or `subject`, which would take the place of the real one
//!   ([`UserIdentity::of_unproven`] shows how);
//! - an empty `sub`.
//!
//! It does not do all that Convex does:
//!
//! - An answer of a key server may have 1 MiB and take 10 seconds; more counts as no answer.
//! - OIDC providers are only matched. Convex refuses ES256 tokens through one; so does this crate, and all others
//!   with them.
//! - Keys are fetched for each token. Convex keeps them for as long as their `Cache-Control` says, and longer while the
//!   server does not answer. An unknown `kid` makes it fetch nothing.
//! - A Convex cloud deployment reaches no private addresses; this crate does.
//! - A production deployment on the cloud may leave details out of its error texts.
//!
//! # Errors
//! A [`ConvexError`] is what Convex refuses, or would refuse, with its codes. An [`Error`] is what this crate could not do,
//! or does not let through, with a [`kind`](Error::kind) to branch on. No text of either holds a token.
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | `convex-client` | [`SignedInClient`], Convex's client for Rust kept signed in; it uses rustls, no OpenSSL is built |
//! | `functions` | [`FunctionClient`], which calls Convex functions over HTTP |
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "convex-client")]
mod client;
mod config;
mod contexts;
#[cfg(any(feature = "convex-client", feature = "functions"))]
mod deployment_url;
mod error;
mod explanation;
mod failure;
#[cfg(feature = "functions")]
mod functions;
mod identity;
mod members;
mod verification;

#[cfg(feature = "convex-client")]
#[cfg_attr(docsrs, doc(cfg(feature = "convex-client")))]
pub use client::{Authentication, ClientEvent, SignedInClient, TokenProvider, TokenProviderBuilder};
pub use config::{Algorithm, AuthConfig, AuthConfigBuilder, Compatibility, KeyFinding, KeyProblem, Provider};
pub use contexts::{ConvexHelper, PartialUser, PartialUserReader, bearer_header, bearer_token};
/// Convex's client for Rust, in the version that [`SignedInClient`] is made of.
#[cfg(feature = "convex-client")]
#[cfg_attr(docsrs, doc(cfg(feature = "convex-client")))]
pub use convex;
#[cfg(any(feature = "convex-client", feature = "functions"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "convex-client", feature = "functions"))))]
pub use deployment_url::DeploymentUrl;
pub use error::ConvexError;
pub use explanation::{Explanation, Step, StepOutcome};
pub use failure::{Error, ErrorKind};
#[cfg(feature = "functions")]
#[cfg_attr(docsrs, doc(cfg(feature = "functions")))]
pub use functions::{Bytes, FunctionCaller, FunctionClient, FunctionClientBuilder, FunctionError, Int64};
pub use identity::UserIdentity;
pub use verification::{ConvexVerifier, ConvexVerifierBuilder};
