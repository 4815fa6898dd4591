use std::{env, fmt};

use secrecy::{ExposeSecret, SecretString};

use crate::{Error, ErrorKind};

const VARIABLE: &str = "SUPABASE_JWT_SECRET";
/// PostgREST refuses to start below this, and RFC 7518, section 3.2, wants it for HS256.
pub(super) const SHORTEST: usize = 32;

/// The legacy JWT secret of a Supabase project: its UTF-8 bytes are the HS256 key, whatever it looks like.
///
/// Supabase's secrets look like base64, but nothing in Supabase decodes them. `Debug` does not show it and it is
/// wiped from memory on drop.
#[derive(Clone)]
pub struct JwtSecret(SecretString);

impl JwtSecret {
    /// Takes the secret as Supabase's settings show it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSecret`] when it has fewer than 32 bytes, or begins or ends with white space (as when a
    /// file's line break came along), with which every token would be refused.
    pub fn new(secret: impl Into<String>) -> Result<Self, Error> {
        let secret = SecretString::from(secret.into());
        let text = secret.expose_secret();
        if text.trim() != text {
            return Err(Error::new(
                ErrorKind::InvalidSecret,
                "the Supabase JWT secret begins or ends with white space: was a line break copied along?",
            ));
        }
        if text.len() < SHORTEST {
            return Err(Error::new(
                ErrorKind::InvalidSecret,
                format!(
                    "the Supabase JWT secret has {} bytes, Supabase's have at least {SHORTEST}: copy the legacy JWT \
                     secret from the project's JWT settings (it is not an API key)",
                    text.len()
                ),
            ));
        }
        Ok(Self(secret))
    }

    /// Takes the secret from the variable `SUPABASE_JWT_SECRET` of the process's environment.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSecret`] when it is unset, empty, or unusable.
    pub fn from_env() -> Result<Self, Error> {
        match env::var(VARIABLE) {
            Err(env::VarError::NotUnicode(_)) => Err(in_variable("its value is not valid UTF-8")),
            value => Self::from_variables(|_| value.ok()),
        }
    }

    /// Takes the secret from the variable `SUPABASE_JWT_SECRET`, which `variable` looks up by its name, for settings that
    /// live in a file or a secret store.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSecret`] when it is unset, empty, or unusable.
    pub fn from_variables(variable: impl FnOnce(&str) -> Option<String>) -> Result<Self, Error> {
        match variable(VARIABLE).filter(|secret| !secret.is_empty()) {
            Some(secret) => Self::new(secret).map_err(in_variable),
            None => Err(Error::new(
                ErrorKind::InvalidSecret,
                format!("no Supabase JWT secret: {VARIABLE} is not set (an empty value counts as unset)"),
            )),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

impl fmt::Debug for JwtSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtSecret(..)")
    }
}

fn in_variable(why: impl fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidSecret, format!("variable {VARIABLE}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_no_service_would_accept_is_explained_and_hidden() {
        for (bad, why) in [
            ("hidden", "6 bytes"),
            (
                "hidden-jwt-token-with-at-least-32-characters-long\n",
                "line break",
            ),
            (
                " hidden-jwt-token-with-at-least-32-characters-long",
                "white space",
            ),
        ] {
            let error = JwtSecret::new(bad).expect_err(why);
            let text = format!("{error} {error:?}");
            assert!(text.contains(why) && !text.contains("hidden"), "{text}");
        }
        let good = JwtSecret::new("hidden-jwt-token-with-at-least-32-characters-long").expect("long enough");
        assert_eq!(format!("{good:?}"), "JwtSecret(..)");
    }
    #[test]
    fn the_variable_is_named_where_it_is_missing_or_wrong() {
        let from = |value: Option<&str>| {
            JwtSecret::from_variables(|name| value.filter(|_| name == VARIABLE).map(str::to_owned))
                .map_err(|error| error.to_string())
        };
        let good = "hidden-jwt-token-with-at-least-32-characters-long";
        assert!(from(Some(good)).is_ok_and(|secret| secret.bytes() == good.as_bytes()));
        for (bad, why) in [
            (None, "not set"),
            (Some(""), "not set"),
            (Some("hidden"), "6 bytes"),
        ] {
            let error = from(bad).expect_err(why);
            assert!(error.contains(VARIABLE) && error.contains(why), "{error}");
            assert!(!error.contains("hidden"), "{error}");
        }
    }
}
