//! Webhook deliveries: proven to be genuine, fresh and new, and read without loss.
#![cfg(feature = "webhooks")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use hexclave_core::{
    Error, ErrorKind, RestrictedReason, UserKind,
    webhooks::{Delivery, Event, MemoryReplays, Secret, Verifier},
};
use hexclave_testkit::TestClock;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A published vector, checked with the npm package `standardwebhooks`.
const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
const ID: &str = "msg_2xExampleExampleExample01";
const NOW: u64 = 1_760_000_000;
const BODY: &str =
    r#"{"type":"user.deleted","data":{"id":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","teams":[]}}"#;
const SIGNATURE: &str = "v1,QRQ96hk4ARuVBC+Ck/Iq/lMlKdUgqIKoZ4EiSos0UEI=";

const OTHER_SECRET: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY";
const USER: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const TEAM: &str = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";

fn secret(text: &str) -> Secret {
    Secret::new(text).expect("a secret")
}

fn verifier() -> Verifier {
    Verifier::new(secret(SECRET)).clock(Arc::new(TestClock::at(NOW)))
}

fn headers(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("svix-id", id),
        ("svix-timestamp", timestamp),
        ("svix-signature", signature),
    ] {
        headers.insert(name, value.parse().expect("a header"));
    }
    headers
}

fn vector() -> HeaderMap {
    headers(ID, &NOW.to_string(), SIGNATURE)
}

fn sign(secret: &str, id: &str, timestamp: u64, body: &[u8]) -> String {
    let key = STANDARD.decode(&secret[6..]).expect("base64");
    let mut signed = format!("{id}.{timestamp}.").into_bytes();
    signed.extend_from_slice(body);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed);
    format!("v1,{}", STANDARD.encode(tag))
}

async fn deliver(verifier: &Verifier, timestamp: u64, body: &[u8]) -> Result<Delivery, Error> {
    let signature = sign(SECRET, ID, timestamp, body);
    verifier
        .verify(&headers(ID, &timestamp.to_string(), &signature), body)
        .await
}

fn kind(result: Result<Delivery, Error>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[tokio::test]
async fn the_vector_verifies() {
    let delivery = verifier()
        .verify(&vector(), BODY.as_bytes())
        .await
        .expect("genuine");
    assert_eq!((delivery.id(), delivery.payload()), (ID, BODY));
    let since = delivery.sent_at().duration_since(std::time::UNIX_EPOCH);
    assert_eq!(since.expect("after 1970").as_secs(), NOW);
    match delivery.event() {
        Event::UserDeleted(user) => assert_eq!((user.id.to_string().as_str(), user.teams.len()), (USER, 0)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_flipped_bit_is_refused() {
    for index in 0..BODY.len() * 8 {
        let mut body = BODY.as_bytes().to_vec();
        body[index / 8] ^= 1 << (index % 8);
        let result = verifier().verify(&vector(), &body).await;
        assert_eq!(
            kind(result),
            Some(ErrorKind::WebhookSignatureMismatch),
            "bit {index}"
        );
    }
    for name in ["svix-id", "svix-timestamp", "svix-signature"] {
        let value = vector()[name].as_bytes().to_vec();
        for index in 0..value.len() * 8 {
            let mut value = value.clone();
            value[index / 8] ^= 1 << (index % 8);
            let mut headers = vector();
            // Some flips make a byte that no header can have.
            if let Ok(value) = value.as_slice().try_into() {
                headers.insert(name, value);
                let refused = kind(verifier().verify(&headers, BODY.as_bytes()).await);
                assert!(
                    matches!(
                        refused,
                        Some(
                            ErrorKind::WebhookSignatureMismatch
                                | ErrorKind::WebhookMalformed
                                | ErrorKind::WebhookOutOfTime
                        )
                    ),
                    "{name}, bit {index}: {refused:?}"
                );
            }
        }
    }
    for body in ["", &BODY[1..], &BODY[..BODY.len() - 1]] {
        let result = verifier().verify(&vector(), body.as_bytes()).await;
        assert_eq!(kind(result), Some(ErrorKind::WebhookSignatureMismatch));
    }
}

#[tokio::test]
async fn secrets_can_change() {
    let other = sign(OTHER_SECRET, ID, NOW, BODY.as_bytes());
    let by_other = headers(ID, &NOW.to_string(), &other);
    let result = verifier().verify(&by_other, BODY.as_bytes()).await;
    assert_eq!(kind(result), Some(ErrorKind::WebhookSignatureMismatch));

    // The receiver knows both, whichever signs; or the sender signs with both.
    let both = || verifier().or(secret(OTHER_SECRET));
    assert!(both().verify(&by_other, BODY.as_bytes()).await.is_ok());
    assert!(both().verify(&vector(), BODY.as_bytes()).await.is_ok());
    let signed_twice = headers(ID, &NOW.to_string(), &format!("{other} v1a,AAAA {SIGNATURE}"));
    assert!(verifier().verify(&signed_twice, BODY.as_bytes()).await.is_ok());

    // Signatures of another version, or of none, do not count.
    let bare = SIGNATURE.trim_start_matches("v1,");
    for signature in [format!("v2,{bare}"), format!("v1a,{bare}"), bare.to_owned()] {
        let result = verifier()
            .verify(&headers(ID, &NOW.to_string(), &signature), BODY.as_bytes())
            .await;
        assert_eq!(kind(result), Some(ErrorKind::WebhookSignatureMismatch));
    }
}

#[tokio::test]
async fn five_minutes_are_tolerated_in_both_directions() {
    for (timestamp, expected) in [
        (NOW - 300, None),
        (NOW - 301, Some(ErrorKind::WebhookOutOfTime)),
        (NOW + 300, None),
        (NOW + 301, Some(ErrorKind::WebhookOutOfTime)),
        (0, Some(ErrorKind::WebhookOutOfTime)),
        (u64::MAX, Some(ErrorKind::WebhookOutOfTime)),
    ] {
        let result = deliver(&verifier(), timestamp, BODY.as_bytes()).await;
        assert_eq!(kind(result), expected, "{timestamp}");
    }
}

#[tokio::test]
async fn an_attempt_passes_once_and_the_next_attempt_passes() {
    let clock = Arc::new(TestClock::at(NOW - 300));
    let verifier = Verifier::new(secret(SECRET)).clock(Arc::clone(&clock) as Arc<_>);
    assert_eq!(kind(deliver(&verifier, NOW, BODY.as_bytes()).await), None);
    // As long as the timestamp would pass; clones share what they have seen.
    for now in [NOW - 300, NOW, NOW + 300] {
        clock.set(now);
        let again = deliver(&verifier.clone(), NOW, BODY.as_bytes()).await;
        assert_eq!(kind(again), Some(ErrorKind::WebhookReplayed), "{now}");
    }
    clock.set(NOW + 301);
    let late = deliver(&verifier, NOW, BODY.as_bytes()).await;
    assert_eq!(kind(late), Some(ErrorKind::WebhookOutOfTime));

    // Svix signs anew when it tries again.
    let retried = deliver(&verifier, NOW + 5, BODY.as_bytes()).await;
    assert_eq!(retried.expect("a retry").id(), ID);

    // What is not genuine is not remembered.
    let forged = headers(ID, &(NOW + 6).to_string(), "v1,AAAA");
    let forged = verifier.verify(&forged, BODY.as_bytes()).await;
    assert_eq!(kind(forged), Some(ErrorKind::WebhookSignatureMismatch));
    assert_eq!(kind(deliver(&verifier, NOW + 6, BODY.as_bytes()).await), None);
}

#[tokio::test]
async fn while_the_store_is_full_nothing_passes_and_nothing_is_forgotten() {
    let clock = Arc::new(TestClock::at(NOW));
    let verifier = Verifier::new(secret(SECRET))
        .clock(Arc::clone(&clock) as Arc<_>)
        .replays(Arc::new(MemoryReplays::new(1)));
    assert_eq!(kind(deliver(&verifier, NOW, BODY.as_bytes()).await), None);
    let error = deliver(&verifier, NOW + 1, BODY.as_bytes())
        .await
        .expect_err("full");
    assert_eq!(error.kind(), ErrorKind::WebhookNotChecked);
    assert!(error.is_retryable() && !error.is_refusal());
    let again = deliver(&verifier, NOW, BODY.as_bytes()).await;
    assert_eq!(kind(again), Some(ErrorKind::WebhookReplayed));
    clock.advance(400);
    assert_eq!(kind(deliver(&verifier, NOW + 400, BODY.as_bytes()).await), None);
}

#[tokio::test]
async fn a_body_has_a_longest_length() {
    for (longest, expected) in [
        (BODY.len() - 1, Some(ErrorKind::WebhookTooLarge)),
        (BODY.len(), None),
    ] {
        let verifier = verifier().max_body(longest);
        let result = verifier.verify(&vector(), BODY.as_bytes()).await;
        assert_eq!(kind(result), expected);
    }
}

async fn event(event_type: &str, data: Value) -> Event {
    let body = json!({ "type": event_type, "data": data }).to_string();
    let delivery = deliver(&verifier(), NOW, body.as_bytes()).await;
    delivery.expect("an event").into_event()
}

#[tokio::test]
async fn events_are_typed_and_nothing_is_lost() {
    let user = json!({
        "id": USER, "primary_email": "zoe@example.com", "primary_email_verified": true,
        "primary_email_auth_enabled": true, "display_name": "Zoë", "profile_image_url": null,
        "selected_team_id": TEAM, "selected_team": { "id": TEAM, "display_name": "Team" }, "signed_up_at_millis": 1_750_000_000_123_u64,
        "last_active_at_millis": 1_760_000_000_456_u64, "client_metadata": { "theme": "dark" },
        "client_read_only_metadata": null, "server_metadata": { "plan": "pro" }, "is_anonymous": false,
        "is_restricted": true, "restricted_reason": { "type": "email_not_verified" }, "newer": [1],
    });
    for event_type in ["user.created", "user.updated"] {
        let event = event(event_type, user.clone()).await;
        assert_eq!(event.event_type(), event_type);
        let (Event::UserCreated(user) | Event::UserUpdated(user)) = event else {
            panic!("{event:?}");
        };
        assert_eq!(user.primary_email.as_deref(), Some("zoe@example.com"));
        assert_eq!(user.selected_team_id.expect("a team").to_string(), TEAM);
        assert_eq!(user.kind(), UserKind::Restricted);
        assert_eq!(user.restricted_reason, Some(RestrictedReason::EmailNotVerified));
        assert_eq!(user.server_metadata, json!({ "plan": "pro" }));
        assert_eq!(user.extra["newer"], json!([1]));
        assert!(user.primary_email_auth_enabled);
        let shown = format!("{user:?}");
        assert!(shown.contains(USER) && !shown.contains("zoe@"), "{shown}");
    }

    // A server may be older than this crate.
    let old = json!({ "id": USER, "signed_up_at_millis": 1_750_000_000_123_u64 });
    let Event::UserCreated(user) = event("user.created", old).await else {
        panic!("a user");
    };
    assert_eq!((user.kind(), &user.primary_email), (UserKind::Normal, &None));

    let membership = json!({ "team_id": TEAM, "user_id": USER });
    let team_permission = json!({ "id": "$read_members", "user_id": USER, "team_id": TEAM });
    let project_permission = json!({ "id": "read_docs", "user_id": USER });
    for (event_type, data) in [
        ("user.deleted", json!({ "id": USER, "teams": [{ "id": TEAM }] })),
        ("team.created", json!({ "id": TEAM, "display_name": "Team" })),
        ("team.updated", json!({ "id": TEAM, "display_name": "Team" })),
        ("team.deleted", json!({ "id": TEAM })),
        ("team_membership.created", membership.clone()),
        ("team_membership.deleted", membership),
        ("team_permission.created", team_permission.clone()),
        ("team_permission.deleted", team_permission),
        ("project_permission.created", project_permission.clone()),
        ("project_permission.deleted", project_permission),
    ] {
        let known = event(event_type, data).await;
        assert_eq!(known.event_type(), event_type);
        assert!(!matches!(known, Event::Other { .. }), "{event_type}");
    }
    let unknown = event("issue.created", json!([1, { "a": null }])).await;
    let expected = Event::Other {
        event_type: "issue.created".to_owned(),
        data: json!([1, { "a": null }]),
    };
    assert!(unknown == expected);
}

#[tokio::test]
async fn a_signed_body_that_is_no_event_is_named_and_not_shown() {
    for body in [
        "",
        "[]",
        "hidden",
        r#"{"type":"user.deleted"}"#,
        r#"{"type":7,"data":{}}"#,
        r#"{"type":"user.deleted","data":{"id":"hidden"}}"#,
        r#"{"type":"user.updated","data":{"id":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","primary_email":{"hidden":1}}}"#,
    ] {
        let error = deliver(&verifier(), NOW, body.as_bytes()).await.expect_err(body);
        assert_eq!(error.kind(), ErrorKind::WebhookMalformed, "{body}");
        assert!(!format!("{error} {error:?}").contains("hidden"), "{error:?}");
    }
    let nameless = br#"{"type":"team.deleted","data":{}}"#;
    let error = deliver(&verifier(), NOW, nameless).await.expect_err("no id");
    assert!(
        error.to_string().contains("team.deleted") && error.to_string().contains("`id`"),
        "{error}"
    );
    let result = deliver(&verifier(), NOW, b"\xff").await;
    assert_eq!(kind(result), Some(ErrorKind::WebhookMalformed));
}

proptest! {
    /// Whoever does not know the secret gets nothing but a refusal.
    #[test]
    fn whatever_a_stranger_sends_is_refused(
        pairs in prop::collection::vec(
            (
                prop::sample::select(vec!["svix-id", "svix-timestamp", "svix-signature", "webhook-id"]),
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..60),
                    "(v1,|v1a,|msg_)?[A-Za-z0-9+/=. ]{0,60}".prop_map(String::into_bytes),
                    Just(NOW.to_string().into_bytes()),
                    Just(SIGNATURE.as_bytes().to_vec()),
                ],
            ),
            0..8,
        ),
        body in prop_oneof![prop::collection::vec(any::<u8>(), 0..100), Just(b"{}".to_vec())],
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(name, value);
            }
        }
        let verifier = verifier();
        let mut verification = pin!(verifier.verify(&headers, &body));
        let result = verification.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        prop_assert!(matches!(result, Poll::Ready(Err(error)) if error.is_refusal()));
    }
}

#[cfg(feature = "axum")]
mod extractor {
    use axum::{
        body::{Body, Bytes},
        extract::{FromRequest, Request},
        http::StatusCode,
        response::IntoResponse,
    };
    use futures_util::stream;

    use super::*;

    fn request(headers: HeaderMap, body: Body) -> Request {
        let mut request = Request::new(body);
        *request.headers_mut() = headers;
        request
    }

    async fn status(verifier: &Verifier, request: Request) -> StatusCode {
        match Delivery::from_request(request, verifier).await {
            Ok(delivery) => {
                assert_eq!(delivery.id(), ID);
                StatusCode::OK
            }
            Err(rejection) => rejection.into_response().status(),
        }
    }

    #[tokio::test]
    async fn each_reason_has_its_status() {
        let verifier = verifier().max_body(200).replays(Arc::new(MemoryReplays::new(1)));
        let forged = headers(ID, &NOW.to_string(), "v1,AAAA");
        let later = NOW + 1;
        let third = headers(ID, &later.to_string(), &sign(SECRET, ID, later, BODY.as_bytes()));
        for (headers, expected) in [
            (HeaderMap::new(), StatusCode::BAD_REQUEST),
            (forged, StatusCode::UNAUTHORIZED),
            (headers(ID, "1", SIGNATURE), StatusCode::UNAUTHORIZED),
            (vector(), StatusCode::OK),
            (vector(), StatusCode::CONFLICT),
            (third, StatusCode::SERVICE_UNAVAILABLE),
        ] {
            assert_eq!(status(&verifier, request(headers, BODY.into())).await, expected);
        }
    }

    #[tokio::test]
    async fn no_more_is_read_than_is_allowed() {
        let too_long = vec![b'x'; 201];
        let verifier = verifier().max_body(200);
        let whole = request(vector(), too_long.clone().into());
        assert_eq!(status(&verifier, whole).await, StatusCode::PAYLOAD_TOO_LARGE);

        // Without a length, in pieces, and never ending.
        let pieces = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(b"xxxxxxxxxx")));
        let endless = request(vector(), Body::from_stream(pieces));
        assert_eq!(status(&verifier, endless).await, StatusCode::PAYLOAD_TOO_LARGE);

        let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("cut"))]);
        let broken = request(vector(), Body::from_stream(broken));
        assert_eq!(status(&verifier, broken).await, StatusCode::BAD_REQUEST);
    }
}
