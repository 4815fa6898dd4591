//! The blocking face, with threads and without a runtime of the caller's.
#![cfg(feature = "blocking")]
#![allow(clippy::expect_used)]

mod support;

use std::{sync::Arc, thread};

use hexclave_core::{ErrorKind, KeyState, UserKind, blocking::Verifier};
use hexclave_testkit::TestClock;
use tokio::runtime::Runtime;

use support::{Answer, KeyServer, NOW};

/// The server needs a runtime; those who verify do not.
fn server() -> (Runtime, KeyServer) {
    let runtime = Runtime::new().expect("a runtime");
    let server = runtime.block_on(KeyServer::start());
    (runtime, server)
}

#[test]
fn threads_verify_and_share_one_fetch() {
    let (_runtime, server) = server();
    let clock = Arc::new(TestClock::at(NOW));
    let verifier = Verifier::from_builder(server.builder(&clock)).expect("a verifier");
    thread::scope(|scope| {
        for _ in 0..8 {
            let (verifier, token) = (verifier.clone(), server.token(UserKind::Normal, NOW));
            scope.spawn(move || {
                let user = verifier.verify(&token).expect("a user");
                assert_eq!(verifier.verify(&token).expect("the same"), user);
            });
        }
    });
    assert_eq!(server.asked(), [""]);
    assert_eq!(verifier.as_async().key_health().state, KeyState::Fresh);
}

#[test]
fn a_remembered_token_keeps_the_keys_fresh() {
    let (runtime, server) = server();
    let clock = Arc::new(TestClock::at(NOW));
    let verifier = Verifier::from_builder(server.builder(&clock)).expect("a verifier");
    verifier.warm_up().expect("keys");
    clock.set(NOW + 2800);
    let token = server.token(UserKind::Normal, NOW + 2800);
    verifier.verify(&token).expect("a user");
    assert_eq!(server.asked(), [""]);
    clock.set(NOW + 3300);
    verifier.verify(&token).expect("the same");
    assert_eq!(runtime.block_on(server.asked_in_the_background(1)), [""]);
    assert!(verifier.as_async().key_health().last_error.is_none());
}

#[test]
fn errors_are_those_of_the_async_verifier() {
    let (_runtime, server) = server();
    let clock = Arc::new(TestClock::at(NOW));
    let verifier = Verifier::from_builder(server.builder(&clock)).expect("a verifier");
    server.answer(Answer::Garbage);
    assert_eq!(
        verifier.warm_up().map_err(|error| error.kind()),
        Err(ErrorKind::KeysUnavailable)
    );
    let garbage = verifier.verify(&"garbage".into()).map_err(|error| error.kind());
    assert_eq!(garbage.map(drop), Err(ErrorKind::TokenMalformed));
}

#[tokio::test]
async fn it_may_be_used_and_dropped_inside_a_runtime() {
    let (runtime, server) = thread::spawn(server).join().expect("a server");
    let clock = Arc::new(TestClock::at(NOW));
    let verifier = Verifier::from_builder(server.builder(&clock)).expect("a verifier");
    verifier.warm_up().expect("keys");
    verifier
        .verify(&server.token(UserKind::Normal, NOW))
        .expect("a user");
    drop(verifier);
    runtime.shutdown_background();
}
