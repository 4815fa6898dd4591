//! A local Hexclave: a real HTTP server on loopback that issues real tokens, for tests and demonstrations.
//!
//! [`LocalHexclave`] serves one project: its public keys, sign-up and sign-in, sessions, users, teams, permissions and
//! the login of command lines, to clients and servers. Keys, tokens and answers are those of Hexclave, its oddities
//! included (keys with short coordinates, errors in `error`, status overrides); Hexclave's own JavaScript SDK runs
//! against it. Users live in memory and end with the server, unless it is given a
//! [folder](LocalHexclaveBuilder::data). [`Issuer`] signs the same tokens without a server, and
//! such as no Hexclave would.
//!
//! ```no_run
//! use hexclave_core::Verifier;
//! use hexclave_testkit::hexclave::LocalHexclave;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let hexclave = LocalHexclave::start().await?;
//! let tokens = hexclave.sign_up("ada@example.com", "correct horse").await?;
//!
//! let verifier = Verifier::new(hexclave.config().clone())?;
//! let user = verifier.verify(&tokens.access_token).await?;
//! assert_eq!(user.email(), Some("ada@example.com"));
//! # Ok(())
//! # }
//! ```
//!
//! # What a test has in its hands
//! - **Users and teams** to begin with: [`add_user`](LocalHexclave::add_user), [`add_team`](LocalHexclave::add_team),
//!   permissions, granted and [defined](LocalHexclave::define_team_permission), and each user as
//!   [proven](LocalHexclave::user), without a sign-in. Or all of that from a document: [`Seed`].
//! - **Changes** that send their webhooks, by the thousand: [`create_user`](LocalHexclave::create_user),
//!   [`update_user`](LocalHexclave::update_user), [`delete_user`](LocalHexclave::delete_user).
//! - **Time**: tokens, sessions, second factors, command-line logins and webhooks follow the
//!   [clock](LocalHexclaveBuilder::clock) that the server is given.
//! - **Faults**: [`inject`](LocalHexclave::inject) makes an endpoint fail, hang, drip, answer late, or cut
//!   connections.
//! - **What was asked**: [`requests`](LocalHexclave::requests), without anything secret.
//! - **Webhooks**: [`deliver_webhooks`](LocalHexclave::deliver_webhooks) delivers them signed, in the order and as often
//!   as the test says, with Svix's retries. [`webhooks`](LocalHexclave::webhooks) has them without a delivery.
//!   [`keep_delivering_webhooks`](LocalHexclave::keep_delivering_webhooks) delivers them as things happen, with
//!   [faults](WebhookFault) on demand.
//!
//! ```no_run
//! use hexclave_testkit::hexclave::{DeliveryOrder, LocalHexclave, NewTeam, NewUser, WebhookSecret};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let hexclave = LocalHexclave::start().await?;
//! let ada = hexclave.add_user(NewUser::new("ada@example.com").password("correct horse"))?;
//! let team = hexclave.add_team(NewTeam::new("Engines").admin(ada))?;
//! hexclave.define_team_permission("read_docs", &[])?;
//! hexclave.grant_in_team(team, ada, "read_docs")?;
//!
//! let secret = WebhookSecret::random()?;
//! hexclave.add_webhook_endpoint("http://127.0.0.1:3000/webhooks", secret)?;
//! hexclave.sign_up_anonymously().await?; // Seeds send no webhooks; what goes over HTTP does.
//! let attempts = hexclave.deliver_webhooks(DeliveryOrder::Doubled).await;
//! assert_eq!(attempts.len(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! # What is served
#![doc = include_str!("served.md")]

mod acts;
mod api;
mod api_error;
mod app;
mod data;
mod directory;
mod error;
mod faults;
mod issuer;
mod optional;
mod page;
mod request_log;
mod seed;
mod seed_document;
mod server;
mod signing_key;
mod webhooks;

pub use error::{HexclaveError, HexclaveErrorKind};
pub use faults::{Fault, RetryAfter};
#[cfg(feature = "rls")]
pub(crate) use issuer::prove;
pub use issuer::{AccessTokenClaims, Issuer, Subject};
pub use request_log::LoggedRequest;
pub use seed::{NewTeam, NewUser};
pub use seed_document::{Seed, SeedError};
pub use server::{LocalHexclave, LocalHexclaveBuilder, Tokens};
pub use signing_key::{PublicJwk, ServerSecret, SigningKey};
pub use webhooks::{
    DeliveryOrder, UnknownWebhookFault, WebhookAttempt, WebhookFault, WebhookMessage, WebhookSecret,
};

/// Crockford's base 32 in lower case.
const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 224 random bits as 45 characters of base 32: what Hexclave's keys and refresh tokens are made of.
fn random_key() -> Result<String, HexclaveError> {
    Ok(base32(&signing_key::random_bytes::<28>()?))
}

/// The bytes in base 32, five bits a character, the last one filled up with zero bits.
fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut bits, mut count) = (0_u16, 0);
    for byte in bytes {
        bits = (bits << 8) | u16::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(digit(bits >> count));
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        text.push(digit(bits << (5 - count)));
    }
    text
}

fn digit(bits: u16) -> char {
    BASE32
        .get(usize::from(bits & 31))
        .map_or('0', |byte| char::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_crockfords() {
        assert_eq!(base32(&[]), "");
        assert_eq!(base32(&[0xff]), "zw");
        assert_eq!(base32(b"hello"), "d1jprv3f");
        assert_eq!(base32(&[0; 28]).len(), 45);
    }
}
