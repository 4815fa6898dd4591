use std::fmt;

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    hmac::{Context, HMAC_SHA256, Key},
};
use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

use super::seal::Seal;
use crate::Error;

/// What Standard Webhooks asks for: 192 bits.
const SHORTEST: usize = 24;
const PREFIX: &str = "whsec_";
/// The alphabet with `+` and `/`; the padding may be missing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The signing secret of a webhook endpoint. `Debug` does not show it and it is wiped from memory on drop.
///
/// ```
/// use hexclave_core::webhooks::Secret;
///
/// let secret = Secret::new("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX")?;
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// # Ok::<(), hexclave_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Secret(Key);

impl Secret {
    /// Takes a secret as the endpoint's page shows it: `whsec_` and base64.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) when it has another form, or holds fewer than 24
    /// bytes. The text does not repeat the secret.
    pub fn new(text: &str) -> Result<Self, Error> {
        let Some(base64) = text.strip_prefix(PREFIX) else {
            return Err(Error::config(format!(
                "the webhook secret does not begin with `{PREFIX}`: copy the signing secret from the webhook \
                 endpoint's page (it is none of the project's keys)"
            )));
        };
        let key = BASE64.decode(base64).map(Zeroizing::new).map_err(|_| {
            Error::config(format!(
                "the webhook secret is not base64 after `{PREFIX}`: was a part of it, or a line break, copied along?"
            ))
        })?;
        if key.len() < SHORTEST {
            return Err(Error::config(format!(
                "the webhook secret holds {} bytes, at least {SHORTEST} are expected: was only a part of it copied?",
                key.len()
            )));
        }
        Ok(Self(Key::new(HMAC_SHA256, &key)))
    }

    /// Whether one of the signatures is this secret's, compared in constant time.
    pub(super) fn has_sealed(&self, seal: &Seal, body: &[u8]) -> bool {
        let mut context = Context::with_key(&self.0);
        context.update(seal.attempt().as_bytes());
        context.update(b".");
        context.update(body);
        let tag = context.sign();
        seal.signatures()
            .any(|signature| verify_slices_are_equal(tag.as_ref(), signature).is_ok())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_cannot_be_one_is_explained_and_hidden() {
        assert!(
            Secret::new("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGA").is_ok(),
            "padding"
        );
        for (bad, why) in [
            ("", "does not begin"),
            ("sk_hiddenhiddenhiddenhiddenhiddenhidden", "does not begin"),
            ("whsec_", "0 bytes"),
            ("whsec_hiddenhidden", "9 bytes"),
            ("whsec_hiddenhiddenhiddenhiddenhiddenhidden\n", "line break"),
            ("whsec_hiddenhiddenhiddenhidden-_", "base64"),
        ] {
            let error = Secret::new(bad).expect_err(why);
            let text = format!("{error} {error:?}");
            assert!(text.contains(why) && !text.contains("hidden"), "{text}");
        }
    }
}
