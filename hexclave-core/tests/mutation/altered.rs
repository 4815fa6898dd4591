//! What somebody without a key can do to a token.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::{UserKind, Verifier};

use crate::{NOW, issuer, replaced, subject, verifier, verify};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Characters that no token has, of one byte and of more.
const FOREIGN: [char; 8] = ['+', '/', ' ', '\n', '\0', '\u{7f}', 'é', '🦀'];

/// A verifier, the valid tokens that it has seen, and what it said about the invalid ones.
struct Trial {
    verifier: Verifier,
    valid: Vec<String>,
    refused: BTreeMap<&'static str, usize>,
}

impl Trial {
    /// Begins with tokens that pass, so that a verifier which remembers them is tried with them in its memory.
    async fn new(kinds: &[UserKind]) -> Self {
        let issuer = issuer();
        let mut trial = Self {
            verifier: verifier(),
            valid: Vec::new(),
            refused: BTreeMap::new(),
        };
        for kind in kinds {
            let token = issuer.token(&subject(*kind), NOW).expect("a token");
            trial.valid.push(token);
        }
        trial.valid_tokens_pass().await;
        trial
    }

    fn token(&self) -> String {
        self.valid[0].clone()
    }

    async fn valid_tokens_pass(&self) {
        for token in &self.valid {
            verify(&self.verifier, token).await.expect("a valid token");
        }
    }

    async fn refuses(&mut self, token: &str) {
        if self.valid.iter().any(|valid| valid == token) {
            return;
        }
        let Err(code) = verify(&self.verifier, token).await else {
            panic!("accepted: {token:?}, made from {:?}", self.valid);
        };
        *self.refused.entry(code).or_default() += 1;
    }

    /// `least`: fewer mutations than these would mean that some were not tried.
    async fn end(self, least: usize, reasons: &[&str]) {
        self.valid_tokens_pass().await;
        let tried: usize = self.refused.values().sum();
        assert!(tried >= least, "{tried} mutations only: {:?}", self.refused);
        for reason in reasons {
            assert!(self.refused.contains_key(reason), "{reason}: {:?}", self.refused);
        }
    }
}

/// The characters of base64url which differ from this one in a single bit of what they stand for, or stand next to it.
fn neighbours(character: u8) -> Vec<char> {
    let Some(index) = ALPHABET.iter().position(|other| *other == character) else {
        return Vec::new();
    };
    let mut near: BTreeSet<usize> = (0..6).map(|bit| index ^ (1 << bit)).collect();
    near.extend([(index + 1) % 64, (index + 63) % 64]);
    near.into_iter()
        .map(|index| char::from(ALPHABET[index]))
        .collect()
}

async fn every_byte_replaced(kind: UserKind) {
    let mut trial = Trial::new(&[kind]).await;
    let token = trial.token();
    for (position, byte) in token.bytes().enumerate() {
        let mut others = neighbours(byte);
        others.extend(['.', '=', FOREIGN[position % FOREIGN.len()]]);
        for other in others.into_iter().filter(|other| *other != char::from(byte)) {
            trial.refuses(&replaced(&token, position, other)).await;
        }
    }
    let reasons = [
        "invalid_signature",
        "token_malformed",
        "unknown_key",
        "unsupported_algorithm",
        "invalid_claim",
        "audience_mismatch",
        "issuer_mismatch",
    ];
    trial.end(9 * 880, &reasons).await;
}

#[tokio::test]
async fn no_byte_of_a_normal_users_token_can_be_replaced() {
    every_byte_replaced(UserKind::Normal).await;
}

#[tokio::test]
async fn no_byte_of_a_restricted_users_token_can_be_replaced() {
    every_byte_replaced(UserKind::Restricted).await;
}

#[tokio::test]
async fn no_byte_of_an_anonymous_users_token_can_be_replaced() {
    every_byte_replaced(UserKind::Anonymous).await;
}

#[tokio::test]
async fn no_character_of_the_header_or_the_signature_can_be_any_other() {
    let mut trial = Trial::new(&[UserKind::Normal]).await;
    let token = trial.token();
    let payload = token.find('.').expect("a dot")..token.rfind('.').expect("a dot");
    for (position, byte) in token.bytes().enumerate() {
        if !payload.contains(&position) {
            for other in ALPHABET.iter().filter(|other| **other != byte) {
                trial
                    .refuses(&replaced(&token, position, char::from(*other)))
                    .await;
            }
        }
    }
    trial
        .end(63 * 130, &["invalid_signature", "token_malformed", "unknown_key"])
        .await;
}

#[tokio::test]
async fn nothing_can_be_left_out_added_or_exchanged() {
    for kind in UserKind::ALL {
        let mut trial = Trial::new(&[kind]).await;
        let token = trial.token();
        for position in 0..token.len() {
            let (before, after) = token.split_at(position);
            let (byte, rest) = after.split_at(1);
            trial.refuses(&format!("{before}{rest}")).await;
            trial.refuses(&format!("{before}{byte}{byte}{rest}")).await;
            for added in ["A", ".", "=", "\n", "é"] {
                trial.refuses(&format!("{before}{added}{after}")).await;
            }
            if let Some(next) = rest.get(..1) {
                trial
                    .refuses(&format!("{before}{next}{byte}{}", &rest[1..]))
                    .await;
            }
        }
        for added in ["A", ".", "..", "=", "==", "\n", "\r\n", "\0", " ", ".e30"] {
            trial.refuses(&format!("{token}{added}")).await;
        }
        trial
            .end(8 * 850, &["invalid_signature", "token_malformed"])
            .await;
    }
}

#[tokio::test]
async fn a_piece_of_a_token_is_none() {
    let mut trial = Trial::new(&UserKind::ALL).await;
    for token in trial.valid.clone() {
        for position in 0..token.len() {
            trial.refuses(&token[..position]).await;
            if position > 0 {
                trial.refuses(&token[position..]).await;
            }
        }
        trial.refuses(&token.repeat(2)).await;
        trial.refuses(&token.to_uppercase()).await;
        trial.refuses(&token.to_lowercase()).await;
        trial.refuses(&token.chars().rev().collect::<String>()).await;
    }
    trial
        .end(
            6 * 850,
            &["token_missing", "token_malformed", "invalid_signature"],
        )
        .await;
}

#[tokio::test]
async fn tokens_cannot_be_spliced() {
    let mut trial = Trial::new(&[
        UserKind::Normal,
        UserKind::Normal,
        UserKind::Restricted,
        UserKind::Anonymous,
    ])
    .await;
    let valid = trial.valid.clone();
    for first in &valid {
        for second in valid.iter().filter(|second| *second != first) {
            for position in 1..first.len().min(second.len()) {
                let spliced = format!("{}{}", &first[..position], &second[position..]);
                trial.refuses(&spliced).await;
            }
        }
    }
    trial
        .end(12 * 500, &["invalid_signature", "key_kind_mismatch"])
        .await;
}

/// Each header with each payload and each signature, of two users and three kinds: what was signed together passes.
#[tokio::test]
async fn parts_cannot_be_exchanged() {
    let issuer = issuer();
    let mut trial = Trial::new(&UserKind::ALL).await;
    for kind in UserKind::ALL {
        let mut other = subject(kind);
        other.id = "aaaaaaaa-bbbb-4ccc-8ddd-ffffffffffff".parse().expect("a user id");
        trial.valid.push(issuer.token(&other, NOW).expect("a token"));
    }
    trial.valid_tokens_pass().await;
    let valid = trial.valid.clone();
    let parts: Vec<Vec<&str>> = valid.iter().map(|token| token.split('.').collect()).collect();
    let mut genuine = 0;
    for header in &parts {
        for payload in &parts {
            for signature in &parts {
                let token = [header[0], payload[1], signature[2]].join(".");
                genuine += usize::from(valid.contains(&token));
                trial.refuses(&token).await;
                for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
                    let part = [header[0], payload[1], signature[2]];
                    trial.refuses(&order.map(|index| part[index]).join(".")).await;
                }
            }
        }
    }
    // Two users of one kind share a header.
    assert_eq!(genuine, 12);
    trial
        .end(6 * 216 - 12, &["invalid_signature", "key_kind_mismatch"])
        .await;
}

/// ECDSA has two signatures for each one made, (r, s) and (r, n − s), and anybody can turn one into the other. Both
/// verify, here as in every library for JSON Web Tokens, because RFC 7518, section 3.4, does not choose between them.
///
/// So a token's text does not identify it: a list of revoked or already used tokens that holds texts or their hashes
/// is got round by whoever holds a token, with a text that is not on the list and proves the same user. Such a list
/// must hold what is signed, as the user's or the session's id.
#[tokio::test]
async fn a_token_has_a_second_spelling_that_means_the_same() {
    let verifier = verifier();
    for kind in UserKind::ALL {
        let token = issuer().token(&subject(kind), NOW).expect("a token");
        let other = with_negated_s(&token);
        assert_ne!(other, token);
        assert_eq!(with_negated_s(&other), token);

        let user = verify(&verifier, &token).await.expect("a user");
        let same = verify(&verifier, &other).await.expect("the same user");
        assert_eq!(user, same);
        assert_eq!(user.payload(), same.payload());
        assert_eq!((user.id(), user.session_id()), (same.id(), same.session_id()));
    }
}

/// The token with n − s for s, where n is the order of P-256.
fn with_negated_s(token: &str) -> String {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let mut signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let mut borrow = false;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER).rev() {
        let (difference, first) = order.overflowing_sub(*byte);
        let (difference, second) = difference.overflowing_sub(u8::from(borrow));
        (*byte, borrow) = (difference, first || second);
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
