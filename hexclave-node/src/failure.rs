use std::{error::Error, fmt::Display};

use hexclave_convex::ConvexError;
use hexclave_core::{ErrorKind, web::Denial, webhooks};
use napi::bindgen_prelude::Either;
use napi_derive::napi;

/// What a function gives: what it was asked for, or why not.
pub(crate) type Outcome<T> = Either<T, Failure>;

/// Why something was not done, of which JavaScript makes an error.
#[napi(object)]
pub struct Failure {
    /// Tells it from everything else that a function may give.
    pub failed: bool,
    /// The class of the error.
    pub class: String,
    /// The stable code of the crate that it is from.
    pub code: String,
    /// The status with which a web server answers.
    pub status: u16,
    /// Whether the same may go well later.
    pub retryable: bool,
    /// What happened.
    pub message: String,
    /// Why, the nearest reason first.
    pub causes: Vec<String>,
}

impl Failure {
    fn of(error: &dyn Error, class: &str, code: &str, status: u16, retryable: bool) -> Self {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        Self {
            failed: true,
            class: class.to_owned(),
            code: code.to_owned(),
            status,
            retryable,
            message: error.to_string(),
            causes,
        }
    }

    /// A value of an option that cannot be meant.
    pub(crate) fn config(message: impl Display) -> Self {
        Self {
            failed: true,
            class: CONFIGURATION.to_owned(),
            code: ErrorKind::InvalidConfig.code().to_owned(),
            status: 500,
            retryable: false,
            message: message.to_string(),
            causes: Vec::new(),
        }
    }

    /// Why a webhook delivery was refused.
    pub(crate) fn of_webhook(error: &hexclave_core::Error) -> Self {
        if error.kind() == ErrorKind::InvalidConfig {
            return error.into();
        }
        let status = webhooks::status(error).as_u16();
        Self::of(error, "WebhookError", error.code(), status, error.is_retryable())
    }

    /// Names the option at fault in front of the message.
    pub(crate) fn in_option(mut self, name: &str) -> Self {
        self.message = format!("option `{name}`: {}", self.message);
        self
    }
}

const CONFIGURATION: &str = "ConfigurationError";

fn class_of(status: u16) -> &'static str {
    match status {
        400 | 401 => "TokenError",
        403 => "ForbiddenError",
        503 => "UnavailableError",
        _ => CONFIGURATION,
    }
}

impl From<&hexclave_core::Error> for Failure {
    fn from(error: &hexclave_core::Error) -> Self {
        let status = Denial::from(error.clone()).status().as_u16();
        Self::of(
            error,
            class_of(status),
            error.code(),
            status,
            error.is_retryable(),
        )
    }
}

impl From<hexclave_core::Error> for Failure {
    fn from(error: hexclave_core::Error) -> Self {
        Self::from(&error)
    }
}

impl From<hexclave_supabase::Error> for Failure {
    fn from(error: hexclave_supabase::Error) -> Self {
        let status = error.http_status();
        Self::of(
            &error,
            class_of(status),
            error.code(),
            status,
            error.is_retryable(),
        )
    }
}

impl From<&ConvexError> for Failure {
    fn from(error: &ConvexError) -> Self {
        let status = error.http_status();
        Self::of(error, "ConvexError", error.code(), status, error.is_unreachable())
    }
}

impl From<ConvexError> for Failure {
    fn from(error: ConvexError) -> Self {
        Self::from(&error)
    }
}

/// Puts a result into the form in which JavaScript gets it.
pub(crate) fn outcome<T>(result: Result<T, impl Into<Failure>>) -> Outcome<T> {
    match result {
        Ok(value) => Either::A(value),
        Err(error) => Either::B(error.into()),
    }
}
