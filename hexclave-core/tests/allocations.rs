//! A remembered token costs no memory: nothing is allocated to recognise it.
#![allow(clippy::expect_used)]

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use hexclave_core::{AccessToken, User, Verifier};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, Subject},
};

const NOW: u64 = 1_795_300_079;

/// With given keys a verification never waits, so it is over at the first poll.
fn verify(verifier: &Verifier, token: &AccessToken) -> User {
    let mut verification = pin!(verifier.verify(token));
    match verification
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(result) => result.expect("a user"),
        Poll::Pending => unreachable!("nothing is waited for"),
    }
}

#[test]
fn a_remembered_token_is_recognised_without_an_allocation() {
    let issuer = Issuer::random().expect("an issuer");
    let verifier = Verifier::builder(issuer.config().clone())
        .keys(issuer.project_keys().expect("keys"))
        .clock(Arc::new(TestClock::at(NOW)))
        .build()
        .expect("a verifier");
    let token = AccessToken::from(
        issuer
            .token(&Subject::new("ada@example.com"), NOW)
            .expect("a token"),
    );

    let first = allocation_counter::measure(|| drop(verify(&verifier, &token)));
    assert!(first.count_total > 0, "the counter counts");
    for _ in 0..3 {
        let again = allocation_counter::measure(|| drop(verify(&verifier, &token)));
        assert_eq!((again.count_total, again.bytes_total), (0, 0));
    }
}
