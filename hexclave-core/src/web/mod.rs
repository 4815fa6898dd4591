//! Web servers: what is answered to whom, and the layers that do it.
//!
//! | who calls | answer | `error` of `WWW-Authenticate` | gRPC status |
//! |---|---|---|---|
//! | nobody, where somebody is required | 401 | none | `UNAUTHENTICATED` |
//! | somebody with a token that is bad, or that cannot be read | 401 | `invalid_token` | `UNAUTHENTICATED` |
//! | a user of a kind that is not let in | 403 | `insufficient_scope` | `PERMISSION_DENIED` |
//! | somebody with tokens of two users | 400 | `invalid_request` | `INVALID_ARGUMENT` |
//! | anybody, while the project's keys cannot be had | 503 and `Retry-After` | | `UNAVAILABLE` |
//!
//! [`Denial`] is that table, for any server that speaks in types of the `http` crate. Where a user is optional, nobody
//! goes on as nobody; *bad* credentials are refused all the same, since whoever sends them takes himself for signed in
//! and would otherwise see what strangers see.
//!
//! The body is a problem in JSON (RFC 9457) with the error's stable [`code`](crate::ErrorKind::code), and `kind` where a
//! kind of user is not let in; its texts are fixed, so that nothing about the server leaks. Why a token was refused in
//! detail says [`Denial::error`]; behind a layer that error is in the response's extensions (in actix-web, it is the
//! response's `error()`). The layers also say so in a `tracing` event of level debug, with the code alone.
//!
//! Every response of a protected route, error or not, has `Cache-Control: private, no-store`, unless the handler has set
//! its own, and a `Vary` with the headers that were looked at beside those of the handler: no cache on the way hands one
//! user's page to another.
//!
//! # Layers
//! | framework | feature | layer | the handler finds |
//! |---|---|---|---|
//! | `tower`, and what is built on it | `tower` | `AuthLayer` | the extensions `User` and `Option<User>` |
//! | axum | `axum` | `AuthLayer` | the extractors `User`, `Option<User>`, `Verified<K>` |
//! | actix-web | `actix-web` | `AuthMiddleware` | the extractors `User`, `Option<User>`, `Verified<K>` |
//! | tonic | `tonic` | `AuthLayer::grpc` | the extension `User` |
//!
//! Each has two forms, `required` and `optional`, and looks at all headers and at no cookies until it is told
//! [otherwise](crate::CredentialSources). `examples/` has a small service for each.
//!
//! Browsers send CORS preflights without credentials: what answers those belongs outside of these layers.
#![cfg_attr(
    feature = "axum",
    doc = r#"
# With axum
```no_run
use axum::{Router, routing::get};
use hexclave_core::{ProjectConfig, User, Verifier, web::AuthLayer};

# fn run() -> Result<(), hexclave_core::Error> {
let verifier = Verifier::new(ProjectConfig::from_env()?)?;
let router: Router = Router::new()
    .route("/me", get(async |user: User| user.id().to_string()))
    .route_layer(AuthLayer::required(verifier.clone()))
    .route("/", get(async || "open to all"))
    .with_state(verifier);
# Ok(())
# }
```

The extractors take the user that the layer has found, if the [`Verifier`](crate::Verifier) of the router's state would
let it in too. On routes without the layer they read the headers (no cookies) and ask that verifier. Prefer the layer: an
extractor cannot set the headers of a response that the handler makes.
"#
)]

mod caching;
mod denial;
#[cfg(any(feature = "tower", feature = "actix-web"))]
mod gate;

#[cfg(feature = "actix-web")]
mod actix;
#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "tonic")]
mod grpc;
#[cfg(feature = "tower")]
mod layer;

#[cfg(feature = "actix-web")]
#[cfg_attr(docsrs, doc(cfg(feature = "actix-web")))]
pub use self::actix::AuthMiddleware;
pub use self::denial::Denial;
#[cfg(feature = "tonic")]
#[cfg_attr(docsrs, doc(cfg(feature = "tonic")))]
pub use self::grpc::Grpc;
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub use self::layer::{AuthLayer, AuthService, Http};
