use crate::{AccessToken, claims::RawClaims, jws::Jws, member::Member};

/// Hexclave's SDKs hand out no access token that ends sooner, in seconds.
const SHORTEST_REST: u64 = 20;
/// Nor one that others look at and that is older.
const OLDEST: u64 = 75;

/// What an access token is needed for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Need {
    /// To be used at once.
    Usable,
    /// To be looked at by others, who go by what it says.
    Fresh,
}

/// When an access token was issued and when it ends, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lifetime {
    issued_at: u64,
    expires_at: u64,
}

impl Lifetime {
    /// `None` when the token does not say, which is none that one should hold on to.
    pub(super) fn of(token: &AccessToken) -> Option<Self> {
        let jws = Jws::parse(token.expose()).ok()?;
        let claims = RawClaims::parse(&jws.payload).ok()?;
        match (claims.iat, claims.exp) {
            (Member::Is(issued_at), Member::Is(expires_at)) => Some(Self {
                issued_at,
                expires_at,
            }),
            _ => None,
        }
    }

    /// The same by this machine's clock, which may differ from Hexclave's: the token was issued after it was asked
    /// for and before it came.
    pub(super) fn between(self, asked_at: u64, came_at: u64) -> Self {
        let issued_at = self.issued_at.max(asked_at).min(came_at);
        let life = self.expires_at.saturating_sub(self.issued_at);
        Self {
            issued_at,
            expires_at: issued_at.saturating_add(life),
        }
    }

    /// Whether the token will do at this time.
    pub(super) fn meets(self, need: Need, now: u64) -> bool {
        let usable = self.expires_at.saturating_sub(now) > SHORTEST_REST;
        match need {
            Need::Usable => usable,
            Need::Fresh => usable && now.saturating_sub(self.issued_at) < OLDEST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_do_for_as_long_as_in_hexclaves_sdks() {
        let lifetime = Lifetime {
            issued_at: 1000,
            expires_at: 1600,
        };
        for (now, usable, fresh) in [
            (1000, true, true),
            (1074, true, true),
            (1075, true, false),
            (1579, true, false),
            (1580, false, false),
            (1601, false, false),
            // A clock that is behind.
            (900, true, true),
        ] {
            assert_eq!(lifetime.meets(Need::Usable, now), usable, "{now}");
            assert_eq!(lifetime.meets(Need::Fresh, now), fresh, "{now}");
        }
        let short = Lifetime {
            issued_at: 1000,
            expires_at: 1060,
        };
        assert!(short.meets(Need::Fresh, 1039) && !short.meets(Need::Usable, 1040));
    }

    #[test]
    fn clocks_need_not_agree() {
        let of = |issued_at| Lifetime {
            issued_at,
            expires_at: issued_at + 600,
        };
        assert_eq!(of(1000).between(999, 1001), of(1000));
        // Ours is ahead, and behind.
        assert_eq!(of(1000).between(5000, 5001), of(5000));
        assert_eq!(of(1000).between(10, 11), of(11));
        // The program was suspended while it waited for the answer.
        assert!(!of(1000).between(999, 4999).meets(Need::Usable, 4999));
        // The clock was put back meanwhile.
        assert_eq!(of(1000).between(999, 500), of(500));
    }

    #[test]
    fn a_token_that_does_not_say_is_not_held_on_to() {
        for bad in ["", "a.b.c", "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.e30.c2ln"] {
            assert_eq!(Lifetime::of(&bad.into()), None, "{bad}");
        }
    }
}
