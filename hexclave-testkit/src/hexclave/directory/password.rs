use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};

use hexclave_core::UserId;
use serde::{Deserialize, Serialize};

use super::{
    super::{HexclaveError, api_error::ApiError, signing_key::random_bytes},
    Directory,
};

const SHORTEST: usize = 8;
const LONGEST: usize = 70;

/// A salted hash. The number of rounds suits users who are made up.
#[derive(Deserialize, Serialize)]
pub(super) struct Password {
    salt: [u8; 16],
    hash: [u8; 32],
}

impl Password {
    const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9_999);

    /// # Errors
    /// When Hexclave would not take the password.
    pub(super) fn new(text: &str) -> Result<Self, ApiError> {
        // JavaScript counts UTF-16 units.
        let length = text.encode_utf16().count();
        if length < SHORTEST {
            return Err(
                ApiError::known(400, "PASSWORD_TOO_SHORT", "The password is too short.")
                    .with("min_length", SHORTEST),
            );
        }
        if length > LONGEST {
            return Err(
                ApiError::known(400, "PASSWORD_TOO_LONG", "The password is too long.")
                    .with("maxLength", LONGEST),
            );
        }
        Ok(Self::hash(text)?)
    }

    fn hash(text: &str) -> Result<Self, HexclaveError> {
        let salt = random_bytes()?;
        let mut hash = [0; 32];
        pbkdf2::derive(
            PBKDF2_HMAC_SHA256,
            Self::ROUNDS,
            &salt,
            text.as_bytes(),
            &mut hash,
        );
        Ok(Self { salt, hash })
    }

    pub(super) fn is(&self, text: &str) -> bool {
        pbkdf2::verify(
            PBKDF2_HMAC_SHA256,
            Self::ROUNDS,
            &self.salt,
            text.as_bytes(),
            &self.hash,
        )
        .is_ok()
    }
}

impl Directory {
    /// Gives a user who has none a password.
    pub(crate) fn set_password(&mut self, id: UserId, password: &str) -> Result<(), ApiError> {
        let password = Password::new(password)?;
        let user = self.users.get_mut(&id).ok_or_else(ApiError::user_not_found)?;
        if user.password.is_some() {
            return Err(ApiError::text(400, "The user has a password already."));
        }
        user.password = Some(password);
        Ok(())
    }

    /// Gives a user who knows the old password another one, and ends every session but that of `current`.
    pub(crate) fn change_password(
        &mut self,
        id: UserId,
        old: &str,
        new: &str,
        current: Option<&str>,
    ) -> Result<(), ApiError> {
        let new = Password::new(new)?;
        let user = self.users.get_mut(&id).ok_or_else(ApiError::user_not_found)?;
        let known = user.password.as_mut().ok_or_else(|| {
            ApiError::known(400, "USER_DOES_NOT_HAVE_PASSWORD", "The user has no password.")
        })?;
        if !known.is(old) {
            return Err(ApiError::known(
                400,
                "PASSWORD_CONFIRMATION_MISMATCH",
                "The old password is another one.",
            ));
        }
        *known = new;
        self.sessions
            .retain(|token, session| session.user_id != id || Some(token.as_str()) == current);
        Ok(())
    }
}
