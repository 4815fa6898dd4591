use std::fmt;

use data_url::DataUrl;
use hexclave_core::{KeySet, ProjectConfig, ProjectKeys, PublicKey, UserKind};
use serde_json::Value;

use super::issuer::HexclaveIssuer;
use crate::{AuthConfig, error::quoted, verification::jwks, verification::token::decode};

/// What is wrong with the keys of one provider, beside the project's live ones; see [`AuthConfig::review_keys`].
///
/// `Display` is one sentence or two for the person who can do something about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyFinding {
    /// The provider's issuer.
    pub issuer: String,
    /// Whose tokens it accepts.
    pub kind: UserKind,
    /// The key's `kid`, where a single key is meant.
    pub key_id: Option<String>,
    /// What is wrong.
    pub problem: KeyProblem,
}

/// What can be wrong with a provider's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyProblem {
    /// A live key is not in the configuration: Convex refuses its tokens.
    Missing,
    /// A key in the configuration is not the project's, or not any more: Convex still accepts its tokens.
    Extra,
    /// A key in the configuration has the name of a live one and is another: Convex refuses the live one's tokens.
    Different,
    /// A coordinate of the key begins with a zero byte, which Hexclave leaves out of its document and Convex does not put
    /// back: Convex refuses the key's tokens.
    Short,
    /// The keys in the configuration cannot be read, at least not by Convex.
    Unreadable,
}

impl KeyProblem {
    /// A stable name: `key_missing`, `key_extra`, `key_different`, `key_short` or `keys_unreadable`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "key_missing",
            Self::Extra => "key_extra",
            Self::Different => "key_different",
            Self::Short => "key_short",
            Self::Unreadable => "keys_unreadable",
        }
    }
}

impl AuthConfig {
    /// Compares the keys of the project's providers with the project's live ones, as a
    /// [`Verifier`](hexclave_core::Verifier::project_keys) has fetched them.
    ///
    /// Keys in the configuration itself can be out of date. Keys by URL cannot, but they can be short. Providers of other
    /// issuers are passed over, and so are kinds of users of which `live` has no keys.
    ///
    /// ```no_run
    /// use hexclave_convex::AuthConfig;
    /// use hexclave_core::{ProjectConfig, Verifier};
    ///
    /// # async fn run(config: AuthConfig) -> Result<(), Box<dyn std::error::Error>> {
    /// let project = ProjectConfig::from_env()?;
    /// let verifier = Verifier::new(project.clone())?;
    /// verifier.warm_up().await?;
    /// for finding in config.review_keys(&project, &verifier.project_keys().unwrap_or_default()) {
    ///     println!("{finding}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn review_keys(&self, project: &ProjectConfig, live: &ProjectKeys) -> Vec<KeyFinding> {
        let mut findings = Vec::new();
        for provider in self.providers() {
            let Some(jwks) = provider.jwks() else { continue };
            let Some(issuer) = HexclaveIssuer::parse(provider.issuer()) else {
                continue;
            };
            let live = live.of(issuer.kind);
            if issuer.project != *project.project_id() || live.iter().next().is_none() {
                continue;
            }
            let problems = if provider.inline_jwks_len().is_some() {
                compare(jwks, live)
            } else {
                live.iter()
                    .filter(|key| is_short(key))
                    .map(|key| named(key, KeyProblem::Short))
                    .collect()
            };
            findings.extend(problems.into_iter().map(|(key_id, problem)| KeyFinding {
                issuer: provider.issuer().to_owned(),
                kind: issuer.kind,
                key_id,
                problem,
            }));
        }
        findings
    }
}

type Found = (Option<String>, KeyProblem);

fn named(key: &PublicKey, problem: KeyProblem) -> Found {
    (Some(key.id().to_owned()), problem)
}

/// The keys in a `data:` URI beside the live ones.
fn compare(jwks: &str, live: &KeySet) -> Vec<Found> {
    let unreadable = vec![(None, KeyProblem::Unreadable)];
    let Some(document) = DataUrl::process(jwks)
        .ok()
        .and_then(|uri| uri.decode_to_vec().ok())
    else {
        return unreadable;
    };
    let (document, _fragment) = document;
    let Ok(by_convex) = jwks::KeySet::from_json(&document) else {
        return unreadable;
    };
    // An error is a set without a usable key.
    let kept = KeySet::from_json(&document).unwrap_or_default();
    let mut found = Vec::new();
    for key in live.iter() {
        match kept.get(key.id()) {
            None => found.push(named(key, KeyProblem::Missing)),
            Some(other) if other != key => found.push(named(key, KeyProblem::Different)),
            Some(_) if by_convex.find(key.id()).is_none_or(jwks::Key::is_short) => {
                found.push(named(key, KeyProblem::Short));
            }
            Some(_) => {}
        }
    }
    let strangers = kept.iter().filter(|key| live.get(key.id()).is_none());
    found.extend(strangers.map(|key| named(key, KeyProblem::Extra)));
    found
}

/// Whether Hexclave publishes the key with less than 32 bytes in a coordinate.
fn is_short(key: &PublicKey) -> bool {
    let jwk = key.to_jwk();
    ["x", "y"].iter().any(|name| {
        let coordinate = jwk.get(name).and_then(Value::as_str);
        coordinate.is_some_and(|text| decode(text, name).is_ok_and(|bytes| bytes.first() == Some(&0)))
    })
}

impl fmt::Display for KeyFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { issuer, kind, .. } = self;
        let key = quoted(self.key_id.as_deref().unwrap_or_default());
        let issuer = quoted(issuer);
        match self.problem {
            KeyProblem::Missing => write!(
                f,
                "the project's key {key} for {kind} users is not among those in the configuration of {issuer}, so Convex \
                 refuses its tokens: make the configuration anew and push it"
            ),
            KeyProblem::Extra => write!(
                f,
                "the configuration of {issuer} has the key {key}, which is none of the project's for {kind} users (any \
                 more), and Convex accepts its tokens: make the configuration anew and push it"
            ),
            KeyProblem::Different => write!(
                f,
                "the configuration of {issuer} has another key than the project under the name {key}, so Convex refuses \
                 the tokens of {kind} users: make the configuration anew and push it"
            ),
            KeyProblem::Short => write!(
                f,
                "the project's key {key} for {kind} users has a coordinate that begins with a zero byte; Hexclave leaves \
                 it out, and Convex refuses all tokens of such a key: put the keys into the configuration of {issuer}, \
                 where they are whole (`--jwks inline`)"
            ),
            KeyProblem::Unreadable => write!(
                f,
                "the keys in the configuration of {issuer} cannot be read, so Convex refuses the tokens of {kind} users: \
                 make the configuration anew and push it"
            ),
        }
    }
}
