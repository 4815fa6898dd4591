//! What the metrics say of a few verifications, and that they say nothing else.
#![cfg(feature = "metrics")]
#![allow(clippy::expect_used)]

mod support;

use std::{collections::BTreeMap, sync::Arc};

use hexclave_core::{AcceptedKinds, UserKind};
use hexclave_testkit::TestClock;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use support::{Answer, KeyServer, NOW};

#[tokio::test]
async fn verifications_fetches_and_cache_hits_are_counted() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().expect("the only recorder of this program");

    let (server, clock) = (KeyServer::start().await, Arc::new(TestClock::at(NOW)));
    let verifier = server.verifier(AcceptedKinds::default(), &clock);
    let token = server.token(UserKind::Normal, NOW);
    for _ in 0..3 {
        verifier.verify(&token).await.expect("a user");
    }
    verifier.verify(&"garbage".into()).await.expect_err("no token");
    server.answer(Answer::Garbage);
    clock.set(NOW + 3600);
    let later = server.token(UserKind::Normal, NOW + 3600);
    verifier
        .verify(&later)
        .await
        .expect("known keys serve in an outage");

    let mut counted = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let key = key.key();
        let labels: Vec<_> = key.labels().map(|label| label.value().to_owned()).collect();
        let value = match value {
            DebugValue::Counter(count) => count as f64,
            DebugValue::Gauge(value) => value.into_inner(),
            DebugValue::Histogram(_) => -1.0,
        };
        counted.insert((key.name().to_owned(), labels.join(",")), value);
    }
    let expected = [
        (("hexclave_key_age_seconds", "hexclave"), 3600.0),
        (("hexclave_key_fetches_total", "hexclave,error"), 1.0),
        (("hexclave_key_fetches_total", "hexclave,ok"), 1.0),
        (("hexclave_stale_key_uses_total", "hexclave"), 1.0),
        (("hexclave_token_cache_total", "hit"), 2.0),
        (("hexclave_token_cache_total", "miss"), 1.0),
        (("hexclave_verifications_total", "ok"), 4.0),
        (("hexclave_verifications_total", "token_malformed"), 1.0),
    ];
    let expected = expected.map(|((name, label), value)| ((name.to_owned(), label.to_owned()), value));
    assert_eq!(counted, BTreeMap::from(expected));
}
