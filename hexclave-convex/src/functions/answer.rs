//! What a deployment answers to a call.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{
    FunctionError,
    request::{Failure, Request, unavailable},
};
use crate::{Error, ErrorKind, error::quoted};

/// With which Convex's JavaScript client reckons where a function threw.
const FUNCTION_THREW: u16 = 560;
/// A server that asks for longer is not waited for, whatever the deadline.
const LONGEST_OBEDIENCE: Duration = Duration::from_secs(60);

/// The answer of a function that was called.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status: String,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    error_message: String,
    #[serde(default, deserialize_with = "present")]
    error_data: Option<Value>,
}

/// The answer to a request that called nothing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    code: String,
    message: String,
}

pub(super) fn read(
    request: &Request,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, Failure> {
    if status == StatusCode::OK || status.as_u16() == FUNCTION_THREW {
        let answer: Answer =
            serde_json::from_slice(body).map_err(|_| unusable(request, "it is not that of a function"))?;
        return match answer.status.as_str() {
            "success" => Ok(answer.value),
            "error" => Err(threw(request, answer)),
            _ => Err(unusable(request, "it tells neither of success nor of an error")),
        };
    }
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    let code = Some(refusal.code).filter(|code| is_word(code));
    let said = match &code {
        Some(code) if request.may_show(&refusal.message) => {
            format!("{} {code} ({})", status.as_u16(), quoted(&refusal.message))
        }
        Some(code) => format!("{} {code}", status.as_u16()),
        None => status.as_u16().to_string(),
    };
    let rejected = |kind, what: &str| Failure {
        error: Error::new(kind, format!("{}: {what}: {said}", request.name())),
        may_repeat: false,
        retry_after: None,
    };
    let mut failure = match status.as_u16() {
        401 | 403 => rejected(ErrorKind::TokenRefused, "Convex does not accept the access token"),
        429 => Failure {
            error: unavailable(request, &said),
            may_repeat: true,
            retry_after: None,
        },
        300..=399 => unusable(
            request,
            &format!("{said} leads elsewhere, where nobody follows: is the deployment's URL right?"),
        ),
        400..=499 => rejected(ErrorKind::Rejected, "Convex does not accept the request"),
        500..=599 => Failure {
            error: unavailable(request, &said).after_running(),
            may_repeat: request.function().is_repeatable() && matches!(status.as_u16(), 502..=504),
            retry_after: None,
        },
        _ => unusable(request, &format!("the status is {said}")),
    };
    failure.error = failure.error.with_answer(status.as_u16(), code);
    match retry_after(headers) {
        Some(wait) if wait > LONGEST_OBEDIENCE => failure.may_repeat = false,
        wait => failure.retry_after = wait,
    }
    Err(failure)
}

/// An answer that makes no sense. What became of the call is not known.
pub(super) fn unusable(request: &Request, why: &str) -> Failure {
    let message = format!("{}: the answer cannot be used: {why}", request.name());
    Failure {
        error: Error::new(ErrorKind::AnswerUnusable, message).after_running(),
        may_repeat: false,
        retry_after: None,
    }
}

fn threw(request: &Request, answer: Answer) -> Failure {
    let error = FunctionError {
        message: answer.error_message,
        data: answer.error_data,
    };
    Failure {
        error: Error::new(
            ErrorKind::FunctionFailed,
            format!("{}: the function threw", request.name()),
        )
        .with_function_error(error),
        may_repeat: false,
        retry_after: None,
    }
}

/// `Retry-After` in seconds; dates are left out of account.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than fit are a very long time.
    is_number.then(|| Duration::from_secs(text.parse().unwrap_or(u32::MAX.into())))
}

/// Whether a code from outside may be shown.
fn is_word(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A member that is there, be it null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
