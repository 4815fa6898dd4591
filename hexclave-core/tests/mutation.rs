//! Valid tokens with something changed, everywhere: nobody but the owner of the keys can make a token that passes,
//! and the owner only one that says what Hexclave's tokens say.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice
)]

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::{AcceptedKinds, AccessToken, ProjectConfig, User, UserKind, Verifier};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, ServerSecret, SigningKey, Subject},
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use serde_json::{Map, Value, json};

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const PROJECT: &str = "11111111-2222-4333-8444-555555555555";
const NOW: u64 = 1_795_300_079;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Characters that no token has, of one byte and of more.
const FOREIGN: [char; 8] = ['+', '/', ' ', '\n', '\0', '\u{7f}', 'é', '🦀'];

fn issuer() -> Issuer {
    let secret = ServerSecret::new(SECRET).expect("a secret");
    let config = ProjectConfig::builder()
        .project_id(PROJECT.parse().expect("a project id"))
        .api_url("https://api.hexclave.com".parse().expect("an API URL"))
        .build();
    Issuer::new(&secret, config.expect("a config")).expect("an issuer")
}

/// One that lets in whomever it can, so that nothing is refused for its kind of user only.
fn verifier() -> Verifier {
    let issuer = issuer();
    Verifier::builder(issuer.config().clone())
        .keys(issuer.project_keys().expect("keys"))
        .accept(AcceptedKinds::ALL)
        .clock(Arc::new(TestClock::at(NOW)))
        .build()
        .expect("a verifier")
}

fn subject(kind: UserKind) -> Subject {
    let mut subject = match kind {
        UserKind::Normal => Subject::new("zoe@example.com"),
        UserKind::Restricted => Subject::restricted("zoe@example.com"),
        UserKind::Anonymous => Subject::anonymous(),
    };
    subject.id = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee".parse().expect("a user id");
    subject.session_id = "99999999-8888-4777-8666-555555555555"
        .parse()
        .expect("a session id");
    subject
}

fn claims(kind: UserKind) -> Value {
    serde_json::to_value(issuer().claims(&subject(kind), NOW)).expect("claims")
}

fn header(key: &SigningKey) -> Value {
    json!({ "alg": "ES256", "kid": key.id() })
}

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

/// The user, or the code of an error that tells nothing of the token.
async fn verify(verifier: &Verifier, token: &str) -> Result<User, &'static str> {
    verifier.verify(&AccessToken::from(token)).await.map_err(|error| {
        assert!(error.is_refusal(), "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(!shows(&text, token), "the error shows the token: {text}");
        assert!(!text.contains("zoe@"), "the error shows who the user is: {text}");
        error.code()
    })
}

/// Whether 20 characters of the token stand in the text.
fn shows(text: &str, token: &str) -> bool {
    const LEAST: usize = 20;
    let in_tokens = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    text.as_bytes()
        .split(|byte| !in_tokens(byte))
        .flat_map(|run| run.windows(LEAST))
        .any(|run| token.contains(std::str::from_utf8(run).expect("ASCII")))
}

/// The token with the byte at `position` replaced.
fn replaced(token: &str, position: usize, by: char) -> String {
    format!("{}{by}{}", &token[..position], &token[position + 1..])
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

/// The rules once more, from the documentation of [`Verifier`] and in no hurry: whether a token with this header and
/// these claims, rightly signed with `key` of users of `kind`, is one that Hexclave could have issued.
fn ought_to_pass(header: &Value, claims: &Value, kind: UserKind, key: &SigningKey) -> bool {
    let (Value::Object(header), Value::Object(claims)) = (header, claims) else {
        return false;
    };
    let typ = header.get("typ").map(|typ| typ.as_str().map(str::to_lowercase));
    let header_is_right = header.get("alg") == Some(&json!("ES256"))
        && header.get("kid") == Some(&json!(key.id()))
        && !header.contains_key("crit")
        && !header.contains_key("b64")
        && matches!(
            typ.as_ref().map(Option::as_deref),
            None | Some(Some("jwt" | "at+jwt"))
        );

    let (path, suffix) = match kind {
        UserKind::Normal => ("projects", ""),
        UserKind::Restricted => ("projects-restricted-users", ":restricted"),
        UserKind::Anonymous => ("projects-anonymous-users", ":anon"),
    };
    let issuer_and_audience_are_the_kinds = claims.get("aud") == Some(&json!(format!("{PROJECT}{suffix}")))
        && ["api.hexclave.com", "api.stack-auth.com"]
            .iter()
            .any(|host| claims.get("iss") == Some(&json!(format!("https://{host}/api/v1/{path}/{PROJECT}"))));

    let time = |name: &str| claims.get(name).and_then(Value::as_u64).map(i128::from);
    let now = i128::from(NOW);
    let times_are_right = time("exp").zip(time("iat")).is_some_and(|(exp, iat)| {
        now - exp < 5 && iat - now <= 5 && exp > iat && exp - iat <= 10 * 365 * 24 * 60 * 60
    }) && match claims.get("nbf") {
        None | Some(Value::Null) => true,
        Some(_) => time("nbf").is_some_and(|nbf| nbf - now <= 5),
    };

    // The old name of a claim stands for the new one; both together contradict each other.
    let either = |new: &str, old: &str| match (claims.get(new), claims.get(old)) {
        (Some(_), Some(_)) => Some(json!("both")),
        (one, other) => one.or(other).cloned(),
    };
    let branch_is_main = either("branch_id", "branchId") == Some(json!("main"));
    let project_is_right = claims.get("project_id") == Some(&json!(PROJECT));
    let user_is_a_uuid = claims.get("sub").is_some_and(is_uuid);

    let unless_null = |value: Option<Value>, fits: fn(&Value) -> bool| {
        value.is_none_or(|value| value.is_null() || fits(&value))
    };
    let claim = |name: &str| claims.get(name).cloned();
    let the_rest_fits = unless_null(either("refresh_token_id", "refreshTokenId"), is_uuid)
        && unless_null(claim("selected_team_id"), is_uuid)
        && unless_null(claim("name"), Value::is_string)
        && unless_null(claim("email"), Value::is_string)
        && unless_null(claim("email_verified"), Value::is_boolean)
        && unless_null(claim("requires_totp_mfa"), Value::is_boolean)
        && unless_null(claim("signed_up_at"), Value::is_u64);

    let flag = |name: &str| claim(name).filter(|value| !value.is_null());
    let flags_are_the_kinds = match kind {
        UserKind::Normal => {
            flag("is_anonymous") == Some(json!(false))
                && flag("is_restricted").is_none_or(|flag| flag == json!(false))
                && flag("restricted_reason").is_none()
        }
        UserKind::Restricted => {
            flag("is_anonymous") == Some(json!(false))
                && flag("is_restricted") == Some(json!(true))
                && reason(claims).is_some_and(|reason| reason != "anonymous")
        }
        UserKind::Anonymous => {
            flag("is_anonymous") == Some(json!(true))
                && flag("is_restricted").is_none_or(|flag| flag == json!(true))
                && (claim("restricted_reason").is_none() || reason(claims) == Some("anonymous"))
        }
    };

    header_is_right
        && issuer_and_audience_are_the_kinds
        && times_are_right
        && branch_is_main
        && project_is_right
        && user_is_a_uuid
        && the_rest_fits
        && flags_are_the_kinds
}

fn reason(claims: &Map<String, Value>) -> Option<&str> {
    claims
        .get("restricted_reason")?
        .as_object()?
        .get("type")?
        .as_str()
}

fn is_uuid(value: &Value) -> bool {
    let groups: Vec<&str> = value.as_str().unwrap_or_default().split('-').collect();
    let is_hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(is_hexadecimal))
}

/// Each byte of the JSON text that is signed, replaced before signing: what a reader of the text takes it to say
/// decides, also where the text is almost JSON.
#[tokio::test]
async fn signed_payloads_are_judged_by_what_they_say() {
    let verifier = verifier();
    let issuer = issuer();
    let (mut accepted, mut refused) = (0, 0);
    for kind in UserKind::ALL {
        let [key, _] = issuer.keys(kind);
        let header = header(key);
        let payload = serde_json::to_string(&issuer.claims(&subject(kind), NOW)).expect("JSON");
        for position in 0..payload.len() {
            for other in ['"', '\\', '0', 'é'] {
                let altered = replaced(&payload, position, other);
                let token = key.sign(&header.to_string(), &altered).expect("a token");
                let ought = serde_json::from_str(&altered)
                    .is_ok_and(|claims| ought_to_pass(&header, &claims, kind, key));
                let passed = verify(&verifier, &token).await;
                assert_eq!(passed.is_ok(), ought, "{altered}: {passed:?}");
                *(if ought { &mut accepted } else { &mut refused }) += 1;
            }
        }
    }
    assert!(accepted > 1_000 && refused > 5_000, "{accepted}, {refused}");
}

#[tokio::test]
async fn signed_headers_are_judged_by_what_they_say() {
    let verifier = verifier();
    let issuer = issuer();
    let (mut accepted, mut refused) = (0, 0);
    for kind in UserKind::ALL {
        let [key, _] = issuer.keys(kind);
        let claims = claims(kind);
        let header = header(key).to_string();
        for position in 0..header.len() {
            let (before, after) = header.split_at(position);
            for other in ['"', '\\', ',', ':', '}', '[', ' ', '\t', '\0', '0', 'a', 'E', 'é'] {
                for altered in [
                    replaced(&header, position, other),
                    format!("{before}{other}{after}"),
                ] {
                    let token = key.sign(&altered, &claims.to_string()).expect("a token");
                    let ought = serde_json::from_str(&altered)
                        .is_ok_and(|header| ought_to_pass(&header, &claims, kind, key));
                    let passed = verify(&verifier, &token).await;
                    assert_eq!(passed.is_ok(), ought, "{altered}: {passed:?}");
                    *(if ought { &mut accepted } else { &mut refused }) += 1;
                }
            }
        }
    }
    assert!(accepted > 30 && refused > 2_000, "{accepted}, {refused}");
}

/// Claims may nest, but not so deeply that reading them would run out of stack.
#[tokio::test]
async fn nested_claims_are_read_or_refused() {
    let issuer = issuer();
    let [key, _] = issuer.keys(UserKind::Normal);
    let header = header(key).to_string();
    let claims = claims(UserKind::Normal).to_string();
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        for depth in [10, 100, 200, 1_500] {
            let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for payload in [
                claims.replacen('{', &format!(r#"{{"x":{nested},"#), 1),
                claims.replacen('{', &format!(r#"{{"x":{},"#, open.repeat(depth)), 1),
                nested,
            ] {
                let whole = serde_json::from_str::<Map<String, Value>>(&payload)
                    .is_ok_and(|claims| claims.contains_key("sub"));
                let token = key.sign(&header, &payload).expect("a token");
                let passed = verify(&verifier(), &token).await.map(drop);
                assert_eq!(passed.is_ok(), whole, "{passed:?} {depth} {open}");
            }
        }
    }
}

/// JSON of any shape, mostly made of what claims and headers are made of.
fn any_value() -> impl Strategy<Value = Value> {
    let far = prop_oneof![Just(0), Just(u64::MAX), any::<u64>()];
    let leaf = prop_oneof![
        2 => Just(Value::Null),
        4 => any::<bool>().prop_map(Value::from),
        4 => near_now(),
        2 => far.prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => (NOW - 10..NOW + 10).prop_map(|time| json!(time as f64)),
        8 => text(),
        4 => reason_object(),
        1 => any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec(("[a-z]{0,6}|type", inner), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A member to set, or to leave out.
type Change = (&'static str, Option<Value>);

fn change(names: &'static [&'static str]) -> impl Strategy<Value = Change> {
    (select(names), prop::option::weighted(0.8, any_value()))
}

/// As [`change`], for the claims whose every value counts: what any value rarely is, these are often.
fn claim_change(names: &'static [&'static str]) -> impl Strategy<Value = Change> {
    let times = select(["exp", "iat", "nbf"].as_slice());
    let flags = select(["is_anonymous", "is_restricted", "restricted_reason"].as_slice());
    let texts = select(["iss", "aud", "project_id", "branch_id", "sub"].as_slice());
    let flag = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        reason_object()
    ];
    prop_oneof![
        2 => change(names),
        1 => (times, prop_oneof![3 => near_now(), 1 => in_ten_years()].prop_map(Some)),
        1 => (flags, prop::option::weighted(0.8, flag)),
        1 => (texts, text().prop_map(Some)),
    ]
}

/// As [`change`], for the members that a header has.
fn header_change(names: &'static [&'static str]) -> impl Strategy<Value = Change> {
    let texts = select(["alg", "kid", "typ"].as_slice());
    prop_oneof![change(names), (texts, text().prop_map(Some))]
}

/// What some member of a token says, or almost.
fn text() -> impl Strategy<Value = Value> {
    let issuer = |host: &str, path: &str| format!("https://{host}/api/v1/{path}/{PROJECT}");
    select(vec![
        json!(PROJECT),
        json!(format!("{PROJECT}:restricted")),
        json!(format!("{PROJECT}:anon")),
        json!(format!("{PROJECT}:anon ")),
        json!(issuer("api.hexclave.com", "projects")),
        json!(issuer("api.stack-auth.com", "projects")),
        json!(issuer("api.hexclave.com", "projects-restricted-users")),
        json!(issuer("api.stack-auth.com", "projects-anonymous-users")),
        json!(issuer("example.com", "projects")),
        json!("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
        json!("AAAAAAAA-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
        json!("aaaaaaaabbbb4ccc8dddeeeeeeeeeeee"),
        json!("main"),
        json!("internal"),
        json!("true"),
        json!("JWT"),
        json!("AT+jwt"),
        json!("ES256"),
        json!("none"),
        json!(""),
    ])
}

/// A second on one or the other side of the leeway, or between.
fn near_now() -> impl Strategy<Value = Value> {
    (NOW - 6..=NOW + 6).prop_map(Value::from)
}

/// A second on one or the other side of the longest life that a token can have, or on it.
fn in_ten_years() -> impl Strategy<Value = Value> {
    const TEN_YEARS: u64 = 10 * 365 * 24 * 3600;
    (NOW + TEN_YEARS - 1..=NOW + TEN_YEARS + 1).prop_map(Value::from)
}

fn reason_object() -> impl Strategy<Value = Value> {
    select(vec![
        json!({ "type": "anonymous" }),
        json!({ "type": "email_not_verified" }),
        json!({ "type": "overdue", "since": 7 }),
        json!({ "type": 7 }),
        json!({ "reason": "anonymous" }),
    ])
}

fn apply(object: &mut Value, changes: Vec<Change>) {
    let members = object.as_object_mut().expect("an object");
    for (name, value) in changes {
        match value {
            Some(value) => members.insert(name.to_owned(), value),
            None => members.remove(name),
        };
    }
}

/// Whatever the owner of the keys signs: no panic, and what passes is what the rules let pass.
#[test]
fn signed_tokens_pass_when_their_claims_agree() {
    const CLAIMS: &[&str] = &[
        "iss",
        "aud",
        "exp",
        "iat",
        "nbf",
        "sub",
        "project_id",
        "branch_id",
        "branchId",
        "refresh_token_id",
        "refreshTokenId",
        "role",
        "name",
        "email",
        "email_verified",
        "selected_team_id",
        "signed_up_at",
        "is_anonymous",
        "is_restricted",
        "restricted_reason",
        "requires_totp_mfa",
        "jti",
        "plan",
    ];
    const HEADER: &[&str] = &[
        "alg", "kid", "typ", "crit", "b64", "cty", "jku", "jwk", "x5c", "zip",
    ];
    let kinds = || select(UserKind::ALL.as_slice());
    let perhaps_another = || prop::option::weighted(0.1, kinds());
    let strategy = (
        (kinds(), [(); 3].map(|()| perhaps_another())),
        0..2_usize,
        vec(claim_change(CLAIMS), 0..4),
        prop_oneof![3 => Just(Vec::new()), 1 => vec(header_change(HEADER), 1..3)],
    );
    let config = ProptestConfig {
        cases: 3_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let (verifier, issuer) = (verifier(), issuer());
    let as_issued = BTreeMap::from(UserKind::ALL.map(|kind| (kind, claims(kind))));
    let (accepted, refused) = (Cell::new(0), Cell::new(0));

    let result = runner.run(&strategy, |(kinds, key, claim_changes, header_changes)| {
        let (kind, [issued_as, addressed_as, signed_as]) = kinds;
        let mut claims = as_issued[&kind].clone();
        claims["iss"] = as_issued[&issued_as.unwrap_or(kind)]["iss"].clone();
        claims["aud"] = as_issued[&addressed_as.unwrap_or(kind)]["aud"].clone();
        apply(&mut claims, claim_changes);
        let signer = signed_as.unwrap_or(kind);
        let key = &issuer.keys(signer)[key];
        let mut header = header(key);
        apply(&mut header, header_changes);
        let token = key
            .sign(&header.to_string(), &claims.to_string())
            .map_err(|error| TestCaseError::fail(error.to_string()))?;

        let passed = runtime.block_on(verify(&verifier, &token));
        let ought = ought_to_pass(&header, &claims, signer, key);
        prop_assert_eq!(passed.is_ok(), ought, "{} {}: {:?}", header, claims, passed);
        if let Ok(user) = passed {
            prop_assert_eq!(user.kind(), signer);
            prop_assert_eq!(json!(user.id().to_string()), claims["sub"].clone());
            prop_assert_eq!(user.name(), claims.get("name").and_then(Value::as_str));
            prop_assert_eq!(user.email(), claims.get("email").and_then(Value::as_str));
            prop_assert_eq!(
                user.email_verified(),
                claims.get("email_verified") == Some(&json!(true))
            );
            prop_assert_eq!(user.payload(), claims.to_string());
        }
        let count = if ought { &accepted } else { &refused };
        count.set(count.get() + 1);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(
        accepted.get() > 500 && refused.get() > 1_500,
        "{accepted:?} {refused:?}"
    );
}
