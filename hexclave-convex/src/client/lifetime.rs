use hexclave_core::AccessToken;

use crate::verification::token::Token;

/// In seconds: a token is renewed so long before its end, if it lives long enough.
const MARGIN: u64 = 60;
const SHORTEST_MARGIN: u64 = 15;

/// When an access token was issued and when it ends, in seconds since 1970 by this machine's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lifetime {
    issued_at: u64,
    life: u64,
}

impl Lifetime {
    /// Of a token that is at hand at this time. One that does not say is as good as over.
    pub(super) fn of(token: &AccessToken, now: u64) -> Self {
        let payload = Token::parse(token.expose()).map(|token| token.payload);
        let times = payload
            .ok()
            .and_then(|payload| Some((payload.issued_at?, payload.expires_at?)));
        let (issued_at, expires_at) = times.unwrap_or_default();
        Self {
            // Clocks need not agree, but nothing was issued in the future.
            issued_at: issued_at.min(now),
            life: expires_at.saturating_sub(issued_at),
        }
    }

    /// Of a token that was issued since then: what the clocks of others say does not matter.
    pub(super) fn since(self, asked_at: u64) -> Self {
        Self {
            issued_at: self.issued_at.max(asked_at),
            ..self
        }
    }

    /// In seconds. A clock that was put back makes no token live longer.
    pub(super) fn rest(self, now: u64) -> u64 {
        self.life.saturating_sub(self.age(now))
    }

    /// In seconds.
    pub(super) fn age(self, now: u64) -> u64 {
        now.saturating_sub(self.issued_at)
    }

    /// How much later the token is to be renewed, in seconds: some time before its end, and up to a sixtieth of its life
    /// earlier at random, so that not all clients come at once.
    pub(super) fn until_renewal(self, now: u64, jitter: u8) -> u64 {
        let margin = (self.life / 10).clamp(SHORTEST_MARGIN, MARGIN).min(self.life / 2);
        let earlier = self.life / 60 * u64::from(jitter) / 255;
        self.rest(now).saturating_sub(margin + earlier)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    fn token(claims: &str) -> AccessToken {
        let [header, payload] = ["{}", claims].map(|json| URL_SAFE_NO_PAD.encode(json));
        format!("{header}.{payload}.c2ln").into()
    }

    #[test]
    fn tokens_are_renewed_before_their_end() {
        let lifetime = Lifetime::of(&token(r#"{"iat":1000,"exp":1600}"#), 1000);
        for (now, rest, first, last) in [
            (1000, 600, 530, 540),
            (1300, 300, 230, 240),
            (1530, 70, 0, 10),
            (1540, 60, 0, 0),
            (1600, 0, 0, 0),
            (9999, 0, 0, 0),
            // A clock that was put back.
            (500, 600, 530, 540),
        ] {
            assert_eq!(lifetime.rest(now), rest, "{now}");
            assert_eq!(lifetime.until_renewal(now, 255), first, "{now}");
            assert_eq!(lifetime.until_renewal(now, 0), last, "{now}");
        }
        for (life, renewed_after) in [(3600, 3540), (100, 85), (20, 10), (1, 1), (0, 0)] {
            let claims = format!(r#"{{"iat":1000,"exp":{}}}"#, 1000 + life);
            let lifetime = Lifetime::of(&token(&claims), 1000);
            assert_eq!(lifetime.until_renewal(1000, 0), renewed_after, "{life}");
        }
    }

    #[test]
    fn clocks_need_not_agree() {
        let token = token(r#"{"iat":1000,"exp":1600}"#);
        // Ours is behind, and ahead.
        assert_eq!(Lifetime::of(&token, 10).rest(10), 600);
        assert_eq!(Lifetime::of(&token, 5000).rest(5000), 0);
        assert_eq!(Lifetime::of(&token, 5000).since(4999).rest(5000), 599);
    }

    #[test]
    fn a_token_that_does_not_say_is_over() {
        for claims in [
            "{}",
            r#"{"iat":1000}"#,
            r#"{"exp":1600}"#,
            r#"{"iat":1600,"exp":1000}"#,
            "[]",
        ] {
            assert_eq!(Lifetime::of(&token(claims), 1000).rest(1000), 0, "{claims}");
        }
        assert_eq!(Lifetime::of(&AccessToken::from("x"), 1000).rest(1000), 0);
    }
}
