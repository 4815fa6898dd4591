use super::{KeySet, PublicKey, source::Wanted};
use crate::{Error, ErrorKind, UserKind, error::quoted};

/// A project's public keys, each bound to the kind of user whose tokens it signs.
///
/// ```
/// use hexclave_core::{KeySet, ProjectKeys, UserKind};
///
/// # let jwks = br#"{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"dgOjIEmKsTiF",
/// #   "x":"b9UThnQ1wsxkQcvbRu1CnftDvjuqLWAR6zQtODKSxQQ","y":"-joeZyMSKO-IB0s59isbCskU1JIf7OqKE6lZz6wKKNE"}]}"#;
/// let keys = ProjectKeys::default().with(UserKind::Normal, KeySet::from_json(jwks)?);
/// assert!(keys.of(UserKind::Normal).get("dgOjIEmKsTiF").is_some());
/// assert!(keys.of(UserKind::Anonymous).get("dgOjIEmKsTiF").is_none());
/// # Ok::<(), hexclave_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ProjectKeys {
    normal: KeySet,
    restricted: KeySet,
    anonymous: KeySet,
}

impl ProjectKeys {
    /// These keys, with `keys` as those of `kind`.
    #[must_use]
    pub fn with(mut self, kind: UserKind, keys: KeySet) -> Self {
        match kind {
            UserKind::Normal => self.normal = keys,
            UserKind::Restricted => self.restricted = keys,
            UserKind::Anonymous => self.anonymous = keys,
        }
        self
    }

    /// The keys that sign the tokens of one kind of user.
    #[must_use]
    pub fn of(&self, kind: UserKind) -> &KeySet {
        match kind {
            UserKind::Normal => &self.normal,
            UserKind::Restricted => &self.restricted,
            UserKind::Anonymous => &self.anonymous,
        }
    }

    /// Tells the kinds apart in Hexclave's three documents. A document does not say whose a key is, and its order
    /// is no promise; but each document holds all of the one before it, so what it adds is its own kind's.
    ///
    /// `None` when a document lacks keys of the one before, as when a cache on the way answers with an old one.
    pub(crate) fn from_documents(
        normal: KeySet,
        with_restricted: Option<KeySet>,
        with_anonymous: Option<KeySet>,
    ) -> Option<Self> {
        let mut keys = Self::default();
        if let Some(with_restricted) = with_restricted {
            if !with_restricted.contains_all_of(&normal) {
                return None;
            }
            keys.restricted = with_restricted.without(&normal);
            if let Some(with_anonymous) = with_anonymous {
                if !with_anonymous.contains_all_of(&with_restricted) {
                    return None;
                }
                keys.anonymous = with_anonymous.without(&with_restricted);
            }
        }
        keys.normal = normal;
        Some(keys)
    }

    pub(crate) fn find(&self, kind: UserKind, key_id: &str) -> Result<&PublicKey, Error> {
        if let Some(key) = self.of(kind).get(key_id) {
            return Ok(key);
        }
        let owner = UserKind::ALL
            .into_iter()
            .find(|other| self.of(*other).get(key_id).is_some());
        Err(match owner {
            Some(owner) => Error::new(
                ErrorKind::KeyKindMismatch,
                format!(
                    "the token of {kind} user is signed with key {}, which signs for {owner} users",
                    quoted(key_id)
                ),
            ),
            None => Error::new(
                ErrorKind::UnknownKey,
                format!(
                    "the project has no key {} for {kind} users: the token comes from another project or \
                     deployment, or its key was withdrawn",
                    quoted(key_id)
                ),
            ),
        })
    }
}

/// The key that must have signed a token of this kind of user.
#[derive(Debug)]
pub(crate) struct SignerOf<'a>(pub(crate) UserKind, pub(crate) &'a str);

impl Wanted<ProjectKeys> for SignerOf<'_> {
    type Key = PublicKey;

    fn find_in(&self, keys: &ProjectKeys) -> Result<PublicKey, Error> {
        keys.find(self.0, self.1).cloned()
    }

    fn name(&self) -> String {
        format!("{} {}", self.0, self.1)
    }
}
