use aws_lc_rs::{constant_time, hmac};
use hexclave_core::UserId;

use super::{
    super::{api_error::ApiError, random_key},
    Directory,
};

/// How long somebody may take for the second factor: 5 minutes, in milliseconds.
const ATTEMPT_MILLIS: u64 = 5 * 60 * 1000;

/// How long one code of a second factor lasts, in seconds.
const STEP: u64 = 30;

/// A sign-in that waits for its second factor.
pub(super) struct Attempt {
    user_id: UserId,
    expires_at_millis: u64,
    used: bool,
}

impl Directory {
    /// Refuses somebody who still has a second factor to show, with the code to continue with.
    pub(crate) fn require_no_second_factor(
        &mut self,
        user_id: UserId,
        now_millis: u64,
    ) -> Result<(), ApiError> {
        if self.user(user_id).is_none_or(|user| user.totp_secret.is_none()) {
            return Ok(());
        }
        let code = random_key()?;
        let attempt = Attempt {
            user_id,
            expires_at_millis: now_millis.saturating_add(ATTEMPT_MILLIS),
            used: false,
        };
        self.attempts.insert(code.clone(), attempt);
        Err(ApiError::known(
            400,
            "MULTI_FACTOR_AUTHENTICATION_REQUIRED",
            "The user has a second factor, which is still to be shown.",
        )
        .with("attempt_code", code))
    }

    /// Ends an attempt with the code that the user's device shows now.
    ///
    /// # Errors
    /// When there is no such attempt, when it took too long or was successful before, or when the code is wrong;
    /// then one may try again.
    pub(crate) fn show_second_factor(
        &mut self,
        code: &str,
        totp: &str,
        now_millis: u64,
    ) -> Result<UserId, ApiError> {
        let attempt = self.attempts.get_mut(code).ok_or_else(|| {
            ApiError::known(
                404,
                "VERIFICATION_CODE_NOT_FOUND",
                "There is no such attempt to sign in.",
            )
        })?;
        if attempt.used {
            return Err(ApiError::known(
                409,
                "VERIFICATION_CODE_ALREADY_USED",
                "This attempt to sign in has succeeded before.",
            ));
        }
        if now_millis >= attempt.expires_at_millis {
            return Err(ApiError::known(
                400,
                "VERIFICATION_CODE_EXPIRED",
                "This attempt to sign in has taken too long.",
            ));
        }
        let secret = self
            .users
            .get(&attempt.user_id)
            .and_then(|user| user.totp_secret.as_deref());
        let expected = one_time_password(secret.unwrap_or_default(), now_millis / 1000);
        let is_right = constant_time::verify_slices_are_equal(expected.as_bytes(), totp.as_bytes()).is_ok();
        if secret.is_none() || !is_right {
            return Err(ApiError::known(
                400,
                "INVALID_TOTP_CODE",
                "The code of the second factor is wrong.",
            ));
        }
        attempt.used = true;
        Ok(attempt.user_id)
    }
}

/// The code of six digits that a device shows at a time (RFC 6238 with SHA-1 and steps of 30 seconds).
pub(crate) fn one_time_password(secret: &[u8], unix_seconds: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &(unix_seconds / STEP).to_be_bytes());
    // RFC 4226, section 5.3: the last four bits say where the number begins.
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or_default() & 15);
    let number = tag.iter().skip(offset).take(4);
    let number = number.fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B, of whose eight digits these are the last six.
        let secret = b"12345678901234567890";
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(one_time_password(secret, time), code);
        }
    }
}
