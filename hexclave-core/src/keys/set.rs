use serde_json::{Map, Value, json};

use super::PublicKey;
use crate::{Error, ErrorKind, error::quoted};

const MAX_KEYS: usize = 64;

/// The usable keys of one JWKS document (RFC 7517, section 5).
///
/// A key that cannot be used never spoils the others: it is [skipped](Self::skipped) with its reason.
///
/// ```
/// use hexclave_core::KeySet;
///
/// let keys = KeySet::from_json(br#"{"keys":[
///   {"kty":"EC","crv":"P-256","alg":"ES256","kid":"oCnY3DC4bxay",
///    "x":"Hobtvh7qpDBuRtLpFWLOFuTcuQ74j3w7HIhRjSq0eg","y":"vyosXJFb9L0jYOF4WD3dxfThTIZPKcuQSRyFhC6_CXQ"},
///   {"kty":"RSA","kid":"someone-else's"}
/// ]}"#)?;
/// assert!(keys.get("oCnY3DC4bxay").is_some());
/// assert_eq!(keys.skipped().len(), 1);
/// # Ok::<(), hexclave_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<PublicKey>,
    skipped: Vec<SkippedKey>,
}

/// A key of a JWKS document that is not used, and why.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SkippedKey {
    /// The key's `kid`, where it has one.
    pub id: Option<String>,
    /// What makes it unusable.
    pub reason: String,
}

impl KeySet {
    /// Reads a JWKS document.
    ///
    /// # Errors
    /// [`ErrorKind::KeysUnavailable`] when it is not a JSON object with a list `keys`, when it lists more than 64
    /// keys, or when none of them is usable.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        let not_a_set = || {
            Error::new(
                ErrorKind::KeysUnavailable,
                "the key document is not a JSON object with a list `keys`",
            )
        };
        let document: Map<String, Value> =
            serde_json::from_slice(json).map_err(|error| not_a_set().with_source(error))?;
        let keys = document
            .get("keys")
            .and_then(Value::as_array)
            .ok_or_else(not_a_set)?;
        if keys.len() > MAX_KEYS {
            return Err(Error::new(
                ErrorKind::KeysUnavailable,
                format!("the key document lists more than {MAX_KEYS} keys"),
            ));
        }
        let mut set = Self::default();
        for jwk in keys {
            set.push(jwk);
        }
        if let ([], Some(first)) = (set.keys.as_slice(), set.skipped.first()) {
            return Err(Error::new(
                ErrorKind::KeysUnavailable,
                format!(
                    "no key of the key document is usable; the first one: {}",
                    first.reason
                ),
            ));
        }
        if set.keys.is_empty() {
            return Err(Error::new(
                ErrorKind::KeysUnavailable,
                "the key document lists no key",
            ));
        }
        Ok(set)
    }

    /// The usable keys as a JWKS document, to be kept and [read](Self::from_json) again.
    #[must_use]
    pub fn to_json(&self) -> String {
        let keys: Vec<_> = self.keys.iter().map(PublicKey::to_jwk).collect();
        json!({ "keys": keys }).to_string()
    }

    /// The key with this `kid`.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.id() == id)
    }

    /// The usable keys, in the document's order.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.iter()
    }

    /// The keys that are not used.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// The keys of this set that `other` lacks.
    #[must_use]
    pub(crate) fn without(&self, other: &Self) -> Self {
        Self {
            keys: self
                .keys
                .iter()
                .filter(|key| other.get(key.id()).is_none())
                .cloned()
                .collect(),
            skipped: self.skipped.clone(),
        }
    }

    pub(crate) fn contains_all_of(&self, other: &Self) -> bool {
        other.keys.iter().all(|key| self.get(key.id()) == Some(key))
    }

    fn push(&mut self, jwk: &Value) {
        let reason = match PublicKey::from_jwk(jwk) {
            // The first of two keys with one name counts, as for everybody who searches the list from its start.
            Ok(key) if self.get(key.id()).is_some_and(|known| *known != key) => {
                format!("its `kid` {} is that of an earlier key", quoted(key.id()))
            }
            Ok(key) if self.get(key.id()).is_some() => return,
            Ok(key) => return self.keys.push(key),
            Err(error) => error.to_string(),
        };
        let id = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
        self.skipped.push(SkippedKey { id, reason });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::public_key::tests::{good, with};

    #[test]
    fn a_bad_key_does_not_spoil_the_set() {
        let json = json!({ "keys": [with("crv", json!("P-521")), good(), good(), 7] }).to_string();
        let set = KeySet::from_json(json.as_bytes()).expect("one key is usable");
        assert_eq!(set.iter().count(), 1);
        assert_eq!(set.skipped().len(), 2);
    }

    #[test]
    fn two_keys_of_one_name_leave_the_first() {
        let other = json!({
            "kty": "EC", "crv": "P-256", "kid": "dgOjIEmKsTiF",
            "x": "Pgmcdy8UACmSP2JoX5S3at8YObZB971m6wi3aQFDQ6U",
            "y": "d5-y3c03tyFTz-7IFk4FPh-0iGOyfuolZo9ycbMZlZk",
        });
        let set = KeySet::from_json(json!({ "keys": [good(), other] }).to_string().as_bytes());
        let set = set.expect("the first is usable");
        assert_eq!(set.iter().next(), PublicKey::from_jwk(&good()).ok().as_ref());
        assert_eq!(set.skipped().len(), 1);
    }

    #[test]
    fn a_set_is_written_and_read_again() {
        let json = json!({ "keys": [good(), { "kty": "EC", "crv": "P-256", "kid": "oCnY3DC4bxay",
            "x": "Hobtvh7qpDBuRtLpFWLOFuTcuQ74j3w7HIhRjSq0eg",
            "y": "vyosXJFb9L0jYOF4WD3dxfThTIZPKcuQSRyFhC6_CXQ",
        }] });
        let set = KeySet::from_json(json.to_string().as_bytes()).expect("two keys");
        let written = set.to_json();
        assert!(
            written.contains("AB6G7b4e6qQwbkbS6RVizhbk3LkO-I98OxyIUY0qtHo"),
            "the short one is padded"
        );
        let read = KeySet::from_json(written.as_bytes()).expect("two keys");
        assert!(read.iter().eq(set.iter()) && read.to_json() == written);
    }

    #[test]
    fn a_document_without_usable_keys_is_refused() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"keys":{}}"#,
            r#"{"keys":[]}"#,
            r#"{"keys":[{}]}"#,
        ] {
            let error = KeySet::from_json(bad.as_bytes()).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::KeysUnavailable, "{bad}");
        }
        let many = json!({ "keys": vec![good(); 65] }).to_string();
        assert!(KeySet::from_json(many.as_bytes()).is_err());
    }
}
