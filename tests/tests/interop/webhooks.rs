//! Deliveries that the npm package `standardwebhooks` has signed are genuine to our verifier.

use std::sync::Arc;

use hexclave_core::{
    ErrorKind,
    webhooks::{Secret, Verifier},
};
use hexclave_testkit::TestClock;
use hexclave_tests::{NOW, node};
use http::HeaderMap;
use serde_json::{Value, json};

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
const LONG_SECRET: &str =
    "whsec_//7//v/+//7//v/+//7//v/+//7//v/+//7//v/+//7//v/+//7//v/+//7//v/+//7//v/+//7//v/+//7//g==";

#[tokio::test]
async fn deliveries_signed_by_standardwebhooks_verify() {
    let user = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    let deleted = json!({ "type": "user.deleted", "data": { "id": user, "teams": [] } }).to_string();
    let spaced = format!("\u{feff}{deleted}");
    let unicode = json!({
        "type": "user.updated",
        "data": { "id": user, "display_name": "Zoë 🔑 \u{2028}", "signed_up_at_millis": 0 },
    });
    let bodies = [
        deleted.clone(),
        format!("{deleted}\n "),
        unicode.to_string(),
        spaced,
    ];
    let deliveries: Vec<Value> = [SECRET, LONG_SECRET]
        .into_iter()
        .flat_map(|secret| bodies.iter().map(move |body| (secret, body)))
        .enumerate()
        .map(|(index, (secret, body))| {
            json!({ "secret": secret, "id": format!("msg_{index}"), "timestamp": NOW - 300, "body": body })
        })
        .collect();
    let signed = node::run("sign-webhooks.mjs", &json!({ "deliveries": deliveries }));
    let signatures = signed["signatures"].as_array().expect("a list");
    assert_eq!(signatures.len(), deliveries.len());

    let verifier = Verifier::new(Secret::new(SECRET).expect("a secret"))
        .or(Secret::new(LONG_SECRET).expect("a secret"))
        .clock(Arc::new(TestClock::at(NOW)));
    for (delivery, signature) in deliveries.iter().zip(signatures) {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let (id, body) = (text(&delivery["id"]), text(&delivery["body"]));
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("webhook-id", id.clone()),
            ("webhook-timestamp", delivery["timestamp"].to_string()),
            ("webhook-signature", text(signature)),
        ] {
            headers.insert(name, value.parse().expect("a header"));
        }
        let result = verifier.verify(&headers, body.as_bytes()).await;
        if body.starts_with('\u{feff}') {
            // Genuine, and not JSON (RFC 8259, section 8.1).
            let kind = result.err().map(|error| error.kind());
            assert_eq!(kind, Some(ErrorKind::WebhookMalformed));
        } else {
            assert_eq!(result.expect("genuine").id(), id);
        }
    }
}
