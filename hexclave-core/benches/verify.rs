//! What it costs to verify a token, beside the operations that bound it. `benchmarks/run` compares with other
//! libraries.
#![allow(clippy::expect_used, clippy::panic)]

use std::{
    future::Future,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll, Waker},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use divan::{Bencher, black_box};
use hexclave_core::{AccessToken, UserKind, Verifier};
use hexclave_testkit::hexclave::{Issuer, Subject};

const THREADS: [usize; 2] = [1, 2];

fn main() {
    divan::main();
}

/// Tokens of one project, and what is needed to verify them.
struct Tokens {
    issuer: Issuer,
    tokens: Vec<AccessToken>,
    next: AtomicUsize,
}

impl Tokens {
    fn new(count: usize) -> Self {
        let issuer = Issuer::random().expect("an issuer");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time");
        let tokens = (0..count)
            .map(|_| {
                issuer
                    .token(&Subject::new("ada@example.com"), now.as_secs())
                    .expect("a token")
            })
            .map(AccessToken::from)
            .collect();
        Self {
            issuer,
            tokens,
            next: AtomicUsize::new(0),
        }
    }

    fn verifier(&self, cached_tokens: usize) -> Verifier {
        Verifier::builder(self.issuer.config().clone())
            .keys(self.issuer.project_keys().expect("keys"))
            .cached_tokens(cached_tokens)
            .build()
            .expect("a verifier")
    }

    /// `04`, x, y.
    fn signing_point(&self) -> Vec<u8> {
        let [key, _] = self.issuer.keys(UserKind::Normal);
        let keys = self.issuer.project_keys().expect("keys");
        let jwk = keys
            .of(UserKind::Normal)
            .get(key.id())
            .expect("the signing key")
            .to_jwk();
        let mut point = vec![0x04];
        for name in ["x", "y"] {
            let coordinate = jwk.get(name).and_then(|value| value.as_str());
            let bytes = URL_SAFE_NO_PAD.decode(coordinate.expect("a coordinate"));
            point.extend(bytes.expect("base64url"));
        }
        point
    }

    /// One after the other, whichever thread asks.
    fn next(&self) -> &AccessToken {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        self.tokens
            .get(next % self.tokens.len())
            .expect("at least one token")
    }
}

/// With given keys a verification never waits, so it is over at the first poll.
fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("nothing is waited for"),
    }
}

#[divan::bench(threads = THREADS)]
fn first_sight(bencher: Bencher<'_, '_>) {
    let tokens = Tokens::new(1_000);
    let verifier = tokens.verifier(0);
    bencher.bench(|| now_or_never(verifier.verify(tokens.next())).expect("a user"));
}

#[divan::bench(threads = THREADS, args = [1, 5_000])]
fn seen_before(bencher: Bencher<'_, '_>, different: usize) {
    let tokens = Tokens::new(different);
    let verifier = tokens.verifier(10_000);
    for token in &tokens.tokens {
        now_or_never(verifier.verify(token)).expect("a user");
    }
    bencher.bench(|| now_or_never(verifier.verify(tokens.next())).expect("a user"));
}

/// The signature alone: no verifier can be faster at first sight.
#[divan::bench(threads = THREADS)]
fn signature(bencher: Bencher<'_, '_>) {
    let tokens = Tokens::new(1_000);
    let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, tokens.signing_point()).expect("a key");
    let parts: Vec<_> = tokens
        .tokens
        .iter()
        .map(|token| {
            let (signed, signature) = token.expose().rsplit_once('.').expect("a token");
            (signed, URL_SAFE_NO_PAD.decode(signature).expect("base64url"))
        })
        .collect();
    let next = AtomicUsize::new(0);
    bencher.bench(|| {
        let (signed, signature) = parts
            .get(next.fetch_add(1, Ordering::Relaxed) % parts.len())
            .expect("at least one token");
        key.verify_sig(black_box(signed.as_bytes()), black_box(signature))
            .expect("a right signature");
    });
}

/// What a cache that looks tokens up by their SHA-256 would pay before it looks anything up.
#[divan::bench]
fn sha256(bencher: Bencher<'_, '_>) {
    let tokens = Tokens::new(5_000);
    bencher.bench(|| digest(&SHA256, tokens.next().expose().as_bytes()));
}
