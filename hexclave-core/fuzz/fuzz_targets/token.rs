//! Nobody comes in but by a token that one of the project's keys has signed and whose claims are right.
//!
//! The first byte of an input says what the rest is: a token, or a header and a payload (the first line and what
//! follows it) of which a token is made.
#![no_main]

mod rules;

use std::{
    pin::pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll, Waker},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::{AcceptedKinds, AccessToken, Clock, ProjectConfig, User, UserKind, Verifier};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, ServerSecret},
};
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const OTHER_SECRET: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA";

/// When the seed tokens are valid: they were issued at this second, and live for ten minutes.
const NOW: u64 = 1_795_300_079;

/// Tokens of this project.
const SEED_TOKENS: &str = include_str!("seed_tokens.txt");

/// A token that is let in is looked at again, now that the verifier may remember it, at the edges of the life of one
/// that was issued `NOW`.
const EDGES: [u64; 6] = [NOW, NOW - 5, NOW + 604, NOW - 6, NOW + 605, NOW];

static HARNESS: LazyLock<Harness> = LazyLock::new(Harness::new);

struct Harness {
    clock: Arc<TestClock>,
    verifier: Verifier,
    issuer: Issuer,
    /// Issues for the same project of another deployment.
    stranger: Issuer,
}

fuzz_target!(|input: &[u8]| {
    let Some((switch, rest)) = input.split_first() else {
        return;
    };
    let harness = &*HARNESS;
    match switch.wrapping_sub(b'0') % 9 {
        0 => harness.present(rest),
        1 => harness.forge(rest),
        key => harness.sign(key - 2, rest),
    }
});

impl Harness {
    fn new() -> Self {
        let issuer = issuer_with(SECRET);
        let clock = Arc::new(TestClock::at(NOW));
        let verifier = Verifier::builder(issuer.config().clone())
            .keys(issuer.project_keys().expect("keys"))
            .accept(AcceptedKinds::ALL)
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .build()
            .expect("a verifier");
        let harness = Self {
            clock,
            verifier,
            issuer,
            stranger: issuer_with(OTHER_SECRET),
        };
        for token in SEED_TOKENS.lines() {
            assert!(
                harness.verify(token).is_some(),
                "a seed token is refused: {token}"
            );
        }
        harness
    }

    /// The input is the token.
    fn present(&self, input: &[u8]) {
        let Ok(token) = std::str::from_utf8(input) else {
            return;
        };
        if self.verify(token).is_some() {
            assert!(is_seed(token), "a token that nobody signed is let in: {token}");
        }
    }

    /// The input is header and payload, and the signature is that of another token.
    fn forge(&self, input: &[u8]) {
        let (header, payload) = header_and_payload(input);
        let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
        for seed in SEED_TOKENS.lines() {
            let (_, signature) = seed.rsplit_once('.').expect("a seed token has a signature");
            let token = format!("{header}.{payload}.{signature}");
            if self.verify(&token).is_some() {
                assert!(is_seed(&token), "a forged token is let in: {token}");
            }
        }
    }

    /// The input is header and payload, and a real key signs them.
    fn sign(&self, key: u8, input: &[u8]) {
        let (header, payload) = header_and_payload(input);
        let (Ok(header), Ok(payload)) = (std::str::from_utf8(header), std::str::from_utf8(payload)) else {
            return;
        };
        let kind = UserKind::ALL.get(usize::from(key / 2)).copied();
        let [first, second] = match kind {
            Some(kind) => self.issuer.keys(kind),
            None => self.stranger.keys(UserKind::Normal),
        };
        let key = if key % 2 == 0 { first } else { second };
        let token = key.sign(header, payload).expect("random bytes");

        let is_let_in_at = |now| {
            self.clock.set(now);
            let user = self.verify(&token);
            let expected = kind.filter(|kind| {
                token.len() <= AccessToken::MAX_LEN && rules::are_kept(header, payload, key.id(), *kind, now)
            });
            assert_eq!(
                user.as_ref().map(User::kind),
                expected,
                "signed with {key:?}, at {now}: {header} {payload}"
            );
            if let Some(user) = &user {
                assert_eq!(user.payload(), payload);
                assert_eq!(user.project_id().as_str(), rules::PROJECT);
            }
            user.is_some()
        };
        if is_let_in_at(NOW) {
            for now in EDGES {
                is_let_in_at(now);
            }
            self.clock.set(NOW);
        }
    }

    fn verify(&self, token: &str) -> Option<User> {
        let token = AccessToken::from(token);
        // With keys at hand there is nothing to wait for.
        let Poll::Ready(result) =
            pin!(self.verifier.verify(&token)).poll(&mut Context::from_waker(Waker::noop()))
        else {
            panic!("the verifier waits for something");
        };
        result
            .map_err(|error| {
                let text = error.to_string();
                assert!(error.is_refusal(), "{error:?}");
                assert!(!text.contains(char::is_control) && text.len() < 2000, "{error:?}");
            })
            .ok()
    }
}

fn issuer_with(secret: &str) -> Issuer {
    let project = ProjectConfig::builder()
        .project_id(rules::PROJECT.parse().expect("a project id"))
        .build()
        .expect("a project");
    Issuer::new(&ServerSecret::new(secret).expect("a secret"), project).expect("an issuer")
}

fn header_and_payload(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(input.len());
    (&input[..end], input.get(end + 1..).unwrap_or_default())
}

fn is_seed(token: &str) -> bool {
    SEED_TOKENS.lines().any(|seed| seed == token)
}
