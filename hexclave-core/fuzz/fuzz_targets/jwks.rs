//! A key document, whatever it says, gives usable keys that it really lists, or an error that can be shown.
#![no_main]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::KeySet;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    match (KeySet::from_json(input), KeySet::from_json(input)) {
        (Ok(keys), Ok(again)) => {
            check(&keys, input);
            assert!(keys.iter().eq(again.iter()));
            assert_eq!(format!("{keys:?}"), format!("{again:?}"));
        }
        (Err(error), Err(again)) => {
            let text = error.to_string();
            assert!(is_one_line(&text) && text.len() < 1000, "{error:?}");
            assert!(error.is_retryable(), "{error:?}");
            assert_eq!(text, again.to_string());
        }
        (first, second) => panic!("read twice: {first:?}, then {second:?}"),
    }
});

fn check(keys: &KeySet, input: &[u8]) {
    let document: Value = serde_json::from_slice(input).expect("what has keys is JSON");
    let listed = document["keys"].as_array().expect("a list `keys`");

    assert!(keys.iter().count() > 0);
    assert!(keys.iter().count() + keys.skipped().len() <= listed.len());
    assert!(listed.len() <= 64);
    for key in keys.iter() {
        assert!(!key.id().is_empty());
        assert_eq!(keys.get(key.id()), Some(key), "one key for one `kid`");
        assert!(
            listed.iter().any(|jwk| verifies_es256(jwk, key.id())),
            "{key:?} is not one that the document lists"
        );
    }
    let written = keys.to_json();
    let read = KeySet::from_json(written.as_bytes()).expect("what was written can be read");
    assert!(read.iter().eq(keys.iter()) && read.skipped().is_empty());
    for skipped in keys.skipped() {
        assert!(is_one_line(&skipped.reason), "{skipped:?}");
    }
}

/// Whether nothing that the key says about itself speaks against it. That the point is on the curve is not
/// looked at.
fn verifies_es256(jwk: &Value, id: &str) -> bool {
    let unless_other = |name: &str, wanted: &str| jwk[name].is_null() || jwk[name] == wanted;
    jwk["kid"] == id
        && jwk["kty"] == "EC"
        && jwk["crv"] == "P-256"
        && unless_other("alg", "ES256")
        && unless_other("use", "sig")
        && (jwk["key_ops"].is_null()
            || jwk["key_ops"]
                .as_array()
                .is_some_and(|operations| operations.iter().any(|operation| operation == "verify")))
        && ["x", "y"].iter().all(|name| {
            let coordinate = jwk[name]
                .as_str()
                .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
            coordinate.is_some_and(|bytes| bytes.len() <= 32)
        })
}

fn is_one_line(text: &str) -> bool {
    !text.contains(char::is_control)
}
