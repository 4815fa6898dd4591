//! Two hours in the life of a verifier whose key server does everything wrong, with the clock moved by hand.
#![allow(clippy::expect_used, clippy::indexing_slicing)]

mod support;

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use hexclave_core::{AcceptedKinds, Clock, ErrorKind, UserKind};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, ServerSecret, Subject},
};

use support::{Answer, KeyServer, NOW, token};

const STEP_SECONDS: u64 = 10;
const STEPS: u64 = 720;
/// How many steps a fault lasts.
const SPELL: u64 = 9;
const COOLDOWN_SECONDS: u64 = 30;

/// What the server does, spell after spell. Every other one it is well, or it would never be heard of again.
const FAULTS: [Answer; 11] = [
    Answer::Status(StatusCode::INTERNAL_SERVER_ERROR),
    Answer::Status(StatusCode::TOO_MANY_REQUESTS),
    Answer::Garbage,
    Answer::Html,
    Answer::Huge,
    Answer::Redirect,
    Answer::NoKeys,
    Answer::Cut,
    Answer::Status(StatusCode::NOT_FOUND),
    Answer::Hang,
    Answer::Drip,
];

/// A token of another deployment under the key id of this one.
fn forged(genuine: &Issuer, now: u64) -> String {
    let secret = ServerSecret::new("CCCC").expect("a secret");
    let other = Issuer::new(&secret, genuine.config().clone()).expect("an issuer");
    let header = format!(
        r#"{{"alg":"ES256","kid":"{}"}}"#,
        genuine.keys(UserKind::Normal)[0].id()
    );
    let claims = serde_json::to_string(&other.claims(&Subject::new("mallory@example.com"), now));
    let token = other.keys(UserKind::Normal)[0].sign(&header, &claims.expect("JSON"));
    token.expect("a token")
}

#[tokio::test]
async fn known_keys_work_forged_tokens_do_not_and_the_server_is_left_in_peace() {
    let clock = Arc::new(TestClock::at(NOW));
    let server = KeyServer::start_at(Arc::clone(&clock)).await;
    let verifier = server.verifier(AcceptedKinds::default(), &clock);
    verifier.warm_up().await.expect("keys");
    let mut issuer = server.rotate("AAAA");
    let mut former = Arc::clone(&issuer);
    let (mut accepted, mut unknown, mut unchecked) = (0, 0, 0);

    for step in 0..STEPS {
        clock.advance(STEP_SECONDS);
        let now = clock.unix_seconds();
        let spell = step / SPELL;
        server.answer(match spell % 2 {
            0 => Answer::Keys,
            _ => FAULTS[usize::try_from(spell / 2).expect("few") % FAULTS.len()],
        });
        if step % 150 == 149 {
            former = issuer;
            issuer = server.rotate(if (step / 150) % 2 == 0 { "BBBB" } else { "AAAA" });
        }

        for who in [&issuer, &former] {
            let known_before = verifier.project_keys().expect("keys");
            let key_id = who.keys(UserKind::Normal)[0].id();
            let result = verifier.verify(&token(who, UserKind::Normal, now)).await;
            let known_after = verifier.project_keys().expect("keys");
            let was_known =
                |keys: &hexclave_core::ProjectKeys| keys.of(UserKind::Normal).get(key_id).is_some();
            match result.map_err(|error| error.kind()) {
                Ok(_) => {
                    assert!(was_known(&known_before) || was_known(&known_after), "step {step}");
                    accepted += 1;
                }
                Err(ErrorKind::UnknownKey) => {
                    assert!(
                        !was_known(&known_before) || !was_known(&known_after),
                        "step {step}"
                    );
                    unknown += 1;
                }
                Err(ErrorKind::KeysUnavailable) => {
                    assert!(
                        !was_known(&known_before),
                        "step {step}: a known key is refused in an outage"
                    );
                    unchecked += 1;
                }
                Err(other) => panic!("step {step}: {other:?}"),
            }
            let forged = forged(who, now).into();
            let error = verifier
                .verify(&forged)
                .await
                .expect_err("a forged token is accepted");
            assert!(
                matches!(
                    error.kind(),
                    ErrorKind::InvalidSignature | ErrorKind::UnknownKey | ErrorKind::KeysUnavailable
                ),
                "step {step}: {error}"
            );
        }
        // What runs in the background gets its turn.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    assert!(accepted > STEPS / 2, "{accepted} accepted");
    assert!(
        unknown > 0 && unchecked > 0,
        "{unknown} unknown, {unchecked} unchecked"
    );
    let times = server.times();
    assert!(times.len() > 10, "{} fetches", times.len());
    for pair in times.windows(2) {
        assert!(
            pair[1] - pair[0] >= COOLDOWN_SECONDS,
            "two fetches {} seconds apart",
            pair[1] - pair[0]
        );
    }
}
