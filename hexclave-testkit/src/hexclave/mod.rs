//! A local Hexclave: a real HTTP server on loopback that issues real tokens, for tests and demonstrations.
//!
//! [`LocalHexclave`] serves one project: its public keys, sign-up and sign-in by password, anonymous sign-up,
//! token refresh, and the current user. Keys, tokens and answers are those of Hexclave to the byte, its oddities
//! included (keys with short coordinates, errors in `error`, status overrides); users live in memory and end with
//! the server. [`Issuer`] signs the same tokens without a server, and such as no Hexclave would.
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
//! # What is served
//! | endpoint | |
//! |---|---|
//! | `GET /api/v1/projects/{id}/.well-known/jwks.json` | with `include_restricted` and `include_anonymous` |
//! | `POST /api/v1/auth/password/sign-up` | also turns the anonymous user who calls it into a signed-up one |
//! | `POST /api/v1/auth/password/sign-in` | |
//! | `POST /api/v1/auth/anonymous/sign-up` | |
//! | `POST /api/v1/auth/oauth/token` | grant type `refresh_token` |
//! | `POST /api/v1/auth/sessions/current/refresh` | |
//! | `GET /api/v1/users/me` | for clients and servers |
//! | `GET /health` | |
//!
//! `/api/latest` is the same as `/api/v1`. Anything else is answered with 404.

mod answer;
mod caller;
mod directory;
mod error;
mod issuer;
mod routes;
mod server;
mod signing_key;

pub use error::HexclaveError;
pub use issuer::{AccessTokenClaims, Issuer, Subject};
pub use server::{LocalHexclave, LocalHexclaveBuilder, Tokens};
pub use signing_key::{PublicJwk, ServerSecret, SigningKey};

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
