use std::fmt;

use hexclave_core::{AcceptedKinds, ProjectKeys};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{VerifyingKey, signing_key::unusable};
use crate::{Error, error::quoted};

/// What a key without a name is called in a document.
const LEGACY_ID: &str = "legacy-jwt-secret";

/// The keys whose tokens Supabase shall accept, as the documents that its services read.
///
/// With Hexclave's public keys among them, Supabase accepts Hexclave's own access tokens: nothing is minted and no secret
/// is shared. See [Two ways](crate#two-ways) for the choice, and [Fences](crate#fences) for what it needs.
///
/// ```
/// use hexclave_core::{AcceptedKinds, ProjectKeys};
/// use hexclave_supabase::{JwtSecret, SupabaseJwks};
///
/// # fn documents(keys: &ProjectKeys, secret: &JwtSecret) -> Result<(), hexclave_supabase::Error> {
/// // `Verifier::project_keys` has them, after `warm_up`.
/// let jwks = SupabaseJwks::of_project(keys, AcceptedKinds::default())?;
///
/// // Hosted: the body of POST https://api.supabase.com/v1/projects/{ref}/config/auth/third-party-auth
/// println!("{}", jwks.third_party_auth()?);
///
/// // Self-hosted, beside the legacy secret: for PGRST_JWT_SECRET, API_JWT_JWKS (Realtime), JWT_JWKS (Storage).
/// let document = jwks.and(secret)?.self_hosted();
/// assert!(document.expose().contains("legacy-jwt-secret"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct SupabaseJwks {
    keys: Vec<VerifyingKey>,
}

impl SupabaseJwks {
    /// The public keys with which Hexclave signs the tokens of these kinds of users.
    ///
    /// Coordinates are 32 bytes long (RFC 7518, section 6.2.1.2); those that Hexclave publishes are shorter for about one
    /// key in 128. The document is as of now: make it anew when Hexclave's keys change.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](crate::ErrorKind::InvalidKey) when there are no keys of one of the kinds: its users would
    /// all be refused.
    pub fn of_project(keys: &ProjectKeys, kinds: AcceptedKinds) -> Result<Self, Error> {
        let mut document = Self::default();
        for kind in kinds.iter() {
            let mut any = false;
            for key in keys.of(kind).iter() {
                document = document.and(VerifyingKey::from_hexclave(key)?)?;
                any = true;
            }
            if !any {
                return Err(unusable(format_args!(
                    "there is none for {kind} users among the project's keys (are those fetched by a verifier that \
                     accepts {kind} users?)"
                )));
            }
        }
        Ok(document)
    }

    /// Adds a key: the legacy secret, or one that signs [minted](crate::Minter) tokens.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](crate::ErrorKind::InvalidKey) when there is another key with its `kid`.
    pub fn and(mut self, key: impl Into<VerifyingKey>) -> Result<Self, Error> {
        let key = key.into();
        if self.keys.contains(&key) {
            return Ok(self);
        }
        if self.keys.iter().any(|known| name(known) == name(&key)) {
            return Err(unusable(format_args!(
                "there is another one named {} (each key needs a `kid` of its own, and there is only one legacy secret)",
                quoted(name(&key))
            )));
        }
        self.keys.push(key);
        Ok(self)
    }

    /// The body for Supabase's Management API that registers the keys as third-party auth: `{"custom_jwks": …}`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`](crate::ErrorKind::InvalidKey) when a shared secret is among the keys. Supabase takes no
    /// HS256 there, and a secret must not go anywhere that public keys go to.
    pub fn third_party_auth(&self) -> Result<Value, Error> {
        if !self.keys.iter().all(VerifyingKey::is_public) {
            return Err(unusable(
                "third-party auth takes public keys only, and there is a shared secret among these",
            ));
        }
        Ok(json!({ "custom_jwks": self.document() }))
    }

    /// The JWKS for self-hosted services: PostgREST's `PGRST_JWT_SECRET`, Realtime's `API_JWT_JWKS`, Storage's
    /// `JWT_JWKS`.
    ///
    /// With a shared secret in it, it is as secret as that. Each key in it has a `kid`, for the legacy secret
    /// `legacy-jwt-secret`: Storage would take a shared secret without one for that of all tokens. The tokens of the
    /// legacy secret still name none, and are accepted.
    #[must_use]
    pub fn self_hosted(&self) -> SecretJwks {
        SecretJwks(self.document().to_string().into())
    }

    fn document(&self) -> Value {
        let keys: Vec<Value> = self.keys.iter().map(|key| key.to_jwk(name(key))).collect();
        json!({ "keys": keys })
    }
}

fn name(key: &VerifyingKey) -> &str {
    key.id().unwrap_or(LEGACY_ID)
}

/// A JWKS document that may hold a secret. `Debug` does not show it and it is wiped from memory on drop.
#[derive(Clone)]
pub struct SecretJwks(SecretString);

impl SecretJwks {
    /// The document: a JSON object with the list `keys`. Do not log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretJwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretJwks(..)")
    }
}
