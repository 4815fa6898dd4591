use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};

use super::super::{HexclaveError, ServerSecret, signing_key::random_bytes};

/// The secret with which the webhooks of an endpoint are signed: `whsec_` and base64.
#[derive(Clone)]
pub struct WebhookSecret {
    text: String,
    key: hmac::Key,
}

impl WebhookSecret {
    const PREFIX: &'static str = "whsec_";

    /// Takes a secret as Hexclave's dashboard shows it.
    ///
    /// # Errors
    /// When it does not begin with `whsec_`, or the rest is not base64.
    pub fn new(text: &str) -> Result<Self, HexclaveError> {
        let encoded = text.strip_prefix(Self::PREFIX).ok_or_else(|| {
            HexclaveError::new("a webhook secret begins with `whsec_`, and this one does not")
        })?;
        let bytes = STANDARD.decode(encoded).map_err(|_| {
            HexclaveError::new("a webhook secret is base64 after its `whsec_`, and this one is not")
        })?;
        Ok(Self {
            text: text.to_owned(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &bytes),
        })
    }

    /// A secret of 24 random bytes.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn random() -> Result<Self, HexclaveError> {
        Ok(Self::of(&random_bytes::<24>()?))
    }

    /// The one that belongs to a server secret.
    pub(crate) fn derive(secret: &ServerSecret) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        Self::of(hmac::sign(&key, b"webhooks").as_ref())
    }

    fn of(bytes: &[u8]) -> Self {
        Self {
            text: format!("{}{}", Self::PREFIX, STANDARD.encode(bytes)),
            key: hmac::Key::new(hmac::HMAC_SHA256, bytes),
        }
    }

    /// The secret's text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Signs a message at a time (seconds since 1970) as the Standard Webhooks specification says, which is what Svix
    /// does: the value of `svix-signature`.
    ///
    /// ```
    /// use hexclave_testkit::hexclave::WebhookSecret;
    ///
    /// let secret = WebhookSecret::new("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX")?;
    /// let body = r#"{"type":"user.deleted","data":{"id":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","teams":[]}}"#;
    /// let signature = secret.sign("msg_2xExampleExampleExample01", 1_760_000_000, body);
    /// assert_eq!(signature, "v1,QRQ96hk4ARuVBC+Ck/Iq/lMlKdUgqIKoZ4EiSos0UEI=");
    /// # Ok::<(), hexclave_testkit::hexclave::HexclaveError>(())
    /// ```
    #[must_use]
    pub fn sign(&self, id: &str, unix_seconds: u64, body: &str) -> String {
        let tag = hmac::sign(&self.key, format!("{id}.{unix_seconds}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}
