//! Supabase tokens, as they are handed out.

use std::time::{Duration, SystemTime};

use axum::{
    Json,
    http::header,
    response::{IntoResponse, Response},
};
use hexclave_core::User;
use hexclave_supabase::{Algorithm, Minter, SupabaseToken, TokenCache};
use metrics::Counter;
use serde::Serialize;

use super::problem::Problem;
use crate::failure::Failure;

/// How many tokens are kept to be given out again, each of which takes a KiB or more.
const KEPT: usize = 4096;

/// RFC 8693, section 3: what kind of token is meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum TokenType {
    AccessToken,
    Jwt,
}

impl TokenType {
    pub(super) fn of(uri: &str) -> Option<Self> {
        [Self::AccessToken, Self::Jwt]
            .into_iter()
            .find(|known| known.uri() == uri)
    }

    pub(super) const fn uri(self) -> &'static str {
        match self {
            Self::AccessToken => "urn:ietf:params:oauth:token-type:access_token",
            Self::Jwt => "urn:ietf:params:oauth:token-type:jwt",
        }
    }
}

/// What hands out Supabase tokens.
pub(super) struct Mint {
    tokens: Tokens,
    issued: Counter,
}

enum Tokens {
    /// To sign one costs no more than to find it again.
    Anew(Minter),
    Kept(TokenCache),
}

impl Mint {
    /// Counts where measuring has begun before.
    pub(super) fn new(minter: Minter) -> Self {
        let tokens = match minter.algorithm() {
            Algorithm::Hs256 => Tokens::Anew(minter),
            _ => Tokens::Kept(TokenCache::new(minter, KEPT)),
        };
        Self {
            tokens,
            issued: metrics::counter!("hexclave_bridge_tokens_issued_total", "target" => "supabase"),
        }
    }

    /// The answer with a token for a proven user.
    pub(super) fn issue(&self, user: &User, as_type: TokenType) -> Result<Response, Problem> {
        let answered = match &self.tokens {
            Tokens::Anew(minter) => minter.mint(user).map(|token| answer(&token, as_type)),
            Tokens::Kept(tokens) => tokens.mint(user).map(|token| answer(&token, as_type)),
        };
        match answered {
            Ok(response) => {
                self.issued.increment(1);
                Ok(response)
            }
            Err(error) => {
                tracing::error!(error = %Failure::from(error).chain(), "no token could be minted");
                Err(Problem::NOT_MINTED)
            }
        }
    }
}

/// RFC 8693, section 2.2.1.
#[derive(Serialize)]
struct Answer<'a> {
    access_token: &'a str,
    issued_token_type: &'static str,
    token_type: &'static str,
    /// In seconds.
    expires_in: u64,
}

fn answer(token: &SupabaseToken, as_type: TokenType) -> Response {
    let left = token.expires_at().duration_since(SystemTime::now());
    not_stored(Json(Answer {
        access_token: token.expose(),
        issued_token_type: as_type.uri(),
        token_type: "Bearer",
        expires_in: left.unwrap_or(Duration::ZERO).as_secs(),
    }))
}

/// RFC 6749, section 5.1: neither a token nor what stands in its place is kept on the way.
pub(super) fn not_stored(body: impl IntoResponse) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    (headers, body).into_response()
}
