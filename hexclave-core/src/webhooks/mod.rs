//! Webhooks of Hexclave: proven to be genuine, and read.
//!
//! Hexclave delivers through [Svix](https://www.svix.com), whose signature scheme is that of
//! [Standard Webhooks](https://www.standardwebhooks.com): HMAC-SHA256 over `{id}.{timestamp}.{body}` with the
//! endpoint's secret. Give [`Verifier::verify`] the body as it arrived, byte for byte; JSON that was parsed and written
//! again does not verify.
//!
//! ```
//! use hexclave_core::webhooks::{Event, Secret, Verifier};
//!
//! # async fn receive(headers: http::HeaderMap, body: Vec<u8>) -> Result<(), hexclave_core::Error> {
//! // Once per program, so that it remembers what it has seen. HEXCLAVE_WEBHOOK_SECRET, from the endpoint's page.
//! let verifier = Verifier::from_env()?;
//!
//! let delivery = verifier.verify(&headers, &body).await?;
//! match delivery.event() {
//!     Event::UserCreated(user) | Event::UserUpdated(user) => println!("look at {}", user.id),
//!     Event::UserDeleted(user) => println!("{} is gone", user.id),
//!     other => println!("nothing to do for {}", other.event_type()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What a delivery is good for
//! Treat it as a hint that something has changed, and read the current state by the API:
//!
//! - **Order is not promised**, and an event can be lost: an update may arrive after the deletion.
//! - **Events are sent again**, with the same [id](Delivery::id), when the answer was not a success within 15 seconds
//!   or so, or when somebody asks for it. Make what you do idempotent, or remember the ids.
//! - Not everything that changes a user sends an event: verifying an e-mail address or signing in does not.
//! - `user.created` is sent for anonymous users too.
//!
//! # Replays
//! A delivery is refused when its timestamp is more than [five minutes](TOLERANCE) away from now. Within that time a
//! [`ReplayStore`] sees to it that the same attempt is taken once only, whoever sends it again; an honest second attempt
//! of Svix has a timestamp of its own and passes. Unless told otherwise, a verifier has a [`MemoryReplays`] of its own;
//! several processes behind one address should share a store.
//!
//! # axum
//! With the feature `axum`, a [`Delivery`] is an extractor, for a state from which a [`Verifier`] can be had:
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use axum::{Router, routing::post};
//! use hexclave_core::webhooks::{Delivery, Verifier};
//!
//! async fn receive(delivery: Delivery) {
//!     println!("{}: {}", delivery.id(), delivery.event().event_type());
//! }
//!
//! # fn app() -> Result<Router, hexclave_core::Error> {
//! let app = Router::new().route("/webhooks", post(receive)).with_state(Verifier::from_env()?);
//! # Ok(app)
//! # }
//! ```
//!
//! It reads [so many](Verifier::max_body) bytes and no more, and answers 400, 401, 409, 413 or 503 by itself.

#[cfg(feature = "axum")]
mod axum;
mod delivery;
mod event;
mod replays;
mod seal;
mod secret;
mod verifier;

use http::{HeaderName, StatusCode};

#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
pub use self::axum::Rejection;
pub use delivery::Delivery;
pub use event::{Event, TeamDeleted, UserDeleted};
pub use replays::{MemoryReplays, Noting, ReplayStore, Sighting};
pub use secret::Secret;
pub use verifier::{TOLERANCE, Verifier};

use crate::{Error, ErrorKind};

#[doc(inline)]
pub use crate::resource::{
    ClientUser, Extra, OAuthProvider, PermissionId, ProjectPermission, ServerUser, Team, TeamMembership,
    TeamPermission,
};

/// The status to answer a request with that [`Verifier::verify`] has refused, so that Hexclave's sender knows what came of
/// it: 400, 401, 409, 413 or 503.
#[must_use]
pub fn status(error: &Error) -> StatusCode {
    match error.kind() {
        ErrorKind::WebhookSignatureMismatch | ErrorKind::WebhookOutOfTime => StatusCode::UNAUTHORIZED,
        ErrorKind::WebhookReplayed => StatusCode::CONFLICT,
        ErrorKind::WebhookTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::WebhookNotChecked => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// The request headers that are looked at, for those who have to pick them out of something else than a
/// [`HeaderMap`](http::HeaderMap).
pub fn header_names() -> impl Iterator<Item = HeaderName> {
    seal::SPELLINGS.into_iter().flatten().map(HeaderName::from_static)
}
