use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Access, Client, ErrorCode, SessionTokens, client::Shared, request::Request};
use crate::{AcceptedKinds, AccessToken, Error, ErrorKind, RefreshToken, UserId};

/// The OAuth client secret of a project without a publishable client key: that endpoint refuses an empty one.
const NO_PUBLISHABLE_KEY: &str = "__stack_public_client__";

impl<A: Access> Client<A> {
    /// Makes a new user with an e-mail address and a password, and signs the user in.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble). Codes: [`ErrorCode::UserEmailAlreadyExists`], [`ErrorCode::PasswordTooShort`],
    /// [`ErrorCode::PasswordTooLong`], [`ErrorCode::SignUpNotEnabled`], [`ErrorCode::SignUpRejected`],
    /// [`ErrorCode::BotChallengeRequired`], [`ErrorCode::PasswordAuthenticationNotEnabled`].
    pub async fn sign_up_with_password(&self, sign_up: &PasswordSignUp) -> Result<SignedIn, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            email: &'a str,
            password: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            verification_callback_url: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            bot_challenge_token: Option<&'a str>,
        }
        let body = Body {
            email: &sign_up.email,
            password: sign_up.password.expose_secret(),
            verification_callback_url: sign_up.verification_callback_url.as_deref(),
            bot_challenge_token: sign_up.bot_challenge_token.as_deref(),
        };
        let mut request = Request::post("auth/password/sign-up", &body)?;
        if let Some(token) = &sign_up.guest {
            request = request.with_access_token(token, AcceptedKinds::ALL)?;
        }
        self.ask(request).await
    }

    /// Signs a user in with an e-mail address and a password, as far as that goes: a user with a second factor has
    /// to [give it](Self::sign_in_with_totp), too.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble). Codes: [`ErrorCode::EmailPasswordMismatch`],
    /// [`ErrorCode::PasswordAuthenticationNotEnabled`].
    pub async fn sign_in_with_password(&self, email: &str, password: &str) -> Result<SignIn, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            email: &'a str,
            password: &'a str,
        }
        let body = Body { email, password };
        let result = self.ask(Request::post("auth/password/sign-in", &body)?).await;
        match result {
            Ok(signed_in) => Ok(SignIn::Complete(signed_in)),
            Err(error) => match attempt_of(&error) {
                Some(attempt) => Ok(SignIn::NeedsTotp(attempt)),
                None => Err(error),
            },
        }
    }

    /// Goes on with a sign-in by the second factor: the six digits that the user's authenticator shows.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble). [`ErrorCode::InvalidTotpCode`] when the digits are wrong: the attempt may be used
    /// again with others. [`ErrorCode::VerificationCodeExpired`] when it took more than five minutes,
    /// [`ErrorCode::VerificationCodeAlreadyUsed`] when it has succeeded before.
    pub async fn sign_in_with_totp(&self, attempt: &MfaAttempt, digits: &str) -> Result<SignedIn, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: &'a str,
            totp: &'a str,
            code: &'a str,
        }
        let body = Body {
            r#type: "totp",
            totp: digits,
            code: attempt.code.expose_secret(),
        };
        self.ask(Request::post("auth/mfa/sign-in", &body)?).await
    }

    /// Makes a guest. It is a user in the project's list, though a hidden one, so do not make one for each visitor
    /// who might never come back.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn sign_up_anonymously(&self) -> Result<SignedIn, Error> {
        self.ask(Request::empty_post("auth/anonymous/sign-up")?).await
    }

    /// A new access token for a session, by the OAuth endpoint that Hexclave's SDKs use. The refresh token stays the
    /// same.
    ///
    /// # Errors
    /// [`ErrorKind::SessionEnded`] when there are no more; see [Trouble](Self#trouble).
    pub async fn refresh(&self, token: &RefreshToken) -> Result<AccessToken, Error> {
        self.shared().refresh(token).await
    }

    /// A new access token for a session, by the endpoint that Hexclave's guide for command-line programs uses. It
    /// comes to the same as [`refresh`](Self::refresh).
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh).
    pub async fn refresh_current_session(&self, token: &RefreshToken) -> Result<AccessToken, Error> {
        let request = Request::empty_post("auth/sessions/current/refresh")?
            .with_refresh_token(token)?
            .repeatable();
        self.shared().refreshed(request).await
    }
}

impl Shared {
    pub(crate) async fn refresh(&self, token: &RefreshToken) -> Result<AccessToken, Error> {
        let config = &self.config;
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose()),
            ("client_id", config.project_id().as_str()),
            (
                "client_secret",
                config.publishable_client_key().unwrap_or(NO_PUBLISHABLE_KEY),
            ),
        ];
        let request = Request::form("auth/oauth/token", &fields).repeatable();
        self.refreshed(request).await
    }

    async fn refreshed(&self, request: Request) -> Result<AccessToken, Error> {
        #[derive(Deserialize)]
        struct Refreshed {
            access_token: String,
        }
        match self.transport.ask::<Refreshed>(request).await {
            Ok(refreshed) => Ok(refreshed.access_token.into()),
            Err(error) if says_session_ended(&error) => Err(error.with_kind(ErrorKind::SessionEnded)),
            Err(error) => Err(error),
        }
    }
}

/// A new user.
///
/// ```
/// use hexclave_core::api::PasswordSignUp;
///
/// let sign_up = PasswordSignUp::new("zoe@example.com", "correct horse battery")
///     .verification_callback_url("https://app.example.com/handler/email-verification");
/// ```
#[derive(Clone)]
#[must_use]
pub struct PasswordSignUp {
    email: String,
    password: SecretString,
    verification_callback_url: Option<String>,
    bot_challenge_token: Option<String>,
    guest: Option<AccessToken>,
}

impl PasswordSignUp {
    /// A user with this e-mail address and this password, which has 8 to 70 characters.
    pub fn new(email: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            password: password.into().into(),
            verification_callback_url: None,
            bot_challenge_token: None,
            guest: None,
        }
    }

    /// Where the link in the verification mail leads to: a page on a trusted domain of the project. Without it, no
    /// such mail is sent.
    pub fn verification_callback_url(mut self, url: impl Into<String>) -> Self {
        self.verification_callback_url = Some(url.into());
        self
    }

    /// The token of a challenge against bots that was solved in a browser.
    pub fn bot_challenge_token(mut self, token: impl Into<String>) -> Self {
        self.bot_challenge_token = Some(token.into());
        self
    }

    /// Turns this guest into the new user, who keeps the guest's id. The guest's sessions end.
    pub fn upgrading(mut self, guest: &AccessToken) -> Self {
        self.guest = Some(guest.clone());
        self
    }
}

impl fmt::Debug for PasswordSignUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordSignUp").finish_non_exhaustive()
    }
}

/// How far a sign-in has come.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_enums)]
pub enum SignIn {
    /// The user is signed in.
    Complete(SignedIn),
    /// The user has to give a second factor: see [`Client::sign_in_with_totp`].
    NeedsTotp(MfaAttempt),
}

/// A sign-in that waits for its second factor, for five minutes.
#[derive(Clone)]
pub struct MfaAttempt {
    code: SecretString,
}

impl fmt::Debug for MfaAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MfaAttempt(..)")
    }
}

/// A user who has just signed in or up.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct SignedIn {
    /// The tokens of the new session.
    #[serde(flatten)]
    pub tokens: SessionTokens,
    /// Who it is.
    pub user_id: UserId,
    /// Whether the user did not exist before, where the API says so.
    #[serde(default)]
    pub is_new_user: Option<bool>,
}

fn attempt_of(error: &Error) -> Option<MfaAttempt> {
    let answer = error.api()?;
    if answer.code() != Some(&ErrorCode::MultiFactorAuthenticationRequired) {
        return None;
    }
    let code = answer.details().get("attempt_code").and_then(Value::as_str)?;
    Some(MfaAttempt { code: code.into() })
}

/// Whether the answer to a refresh means that there will be no more access tokens: by Hexclave's own codes, or by
/// OAuth's (RFC 6749, section 5.2: the refresh token is invalid, expired or revoked).
fn says_session_ended(error: &Error) -> bool {
    let code = error.api().and_then(super::ApiError::code);
    code.is_some_and(|code| code.is_refresh_token_failure() || code.as_str() == "invalid_grant")
}
