use std::fmt;

use http::{
    HeaderMap, Response, StatusCode,
    header::{self, HeaderValue},
};
use serde::Serialize;

use super::caching::keep_private;
use crate::{CredentialSources, Error, ErrorKind, UserKind};

/// Seconds after which it is worth a try again. The verifier itself asks for keys more often than that.
const RETRY_AFTER: u16 = 5;

/// The answer to a request that is not let in: status, headers and body of an [`Error`].
///
/// ```
/// use hexclave_core::{Credentials, ProjectConfig, web::Denial};
///
/// # let config = ProjectConfig::builder()
/// #     .project_id("11111111-2222-4333-8444-555555555555".parse()?)
/// #     .build()?;
/// let credentials = Credentials::from_headers(&http::HeaderMap::new(), &config)?;
/// let error = credentials.require_access_token().expect_err("nobody is signed in");
///
/// let response: http::Response<String> = Denial::from(error).into_response();
/// assert_eq!(response.status(), 401);
/// assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="hexclave""#);
/// assert!(response.body().contains(r#""code":"token_missing""#));
/// # Ok::<(), hexclave_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Denial {
    error: Error,
    sources: CredentialSources,
}

impl Denial {
    /// The same answer from an application that looks for credentials elsewhere than in all headers: it is named in
    /// `Vary`.
    #[must_use]
    pub fn with_sources(mut self, sources: CredentialSources) -> Self {
        self.sources = sources;
        self
    }

    /// Why the request is not let in, in detail. Its text is for the server's log, not for the caller.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// 400, 401, 403 or 503; 500 for a mistake in the configuration.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.answer().status
    }

    /// `WWW-Authenticate` (RFC 6750, section 3) or `Retry-After`, `Content-Type`, `Cache-Control` and `Vary`.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let answer = self.answer();
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(challenge) = answer.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
        }
        keep_private(&mut headers, self.sources);
        headers
    }

    /// A problem in JSON (RFC 9457).
    #[must_use]
    pub fn body(&self) -> String {
        let answer = self.answer();
        let problem = Problem {
            title: answer.status.canonical_reason().unwrap_or("Denied"),
            status: answer.status.as_u16(),
            detail: answer.detail,
            code: self.error.code(),
            kind: match self.error.kind() {
                ErrorKind::KindNotAccepted(kind) => Some(kind.as_str()),
                _ => None,
            },
        };
        // Numbers and strings always have a JSON text.
        serde_json::to_string(&problem).unwrap_or_default()
    }

    /// All of it, and the [`Error`] in the response's extensions, for a layer outside that logs.
    #[must_use]
    pub fn into_response<B: From<String>>(self) -> Response<B> {
        let mut response = Response::new(B::from(self.body()));
        *response.status_mut() = self.status();
        *response.headers_mut() = self.headers();
        response.extensions_mut().insert(self.error);
        response
    }

    /// The one place that says which error is answered how.
    fn answer(&self) -> Answer {
        let (status, challenge, detail) = match self.error.kind() {
            ErrorKind::TokenMissing => (
                401,
                Challenge::Plain,
                "Nobody is signed in: there is no access token.",
            ),
            ErrorKind::TokenExpired => (
                401,
                Challenge::Error("invalid_token"),
                "The access token has expired: get a fresh one.",
            ),
            ErrorKind::ConflictingCredentials => (
                400,
                Challenge::Error("invalid_request"),
                "The request carries tokens of different users: send those of one.",
            ),
            ErrorKind::KindNotAccepted(kind) => {
                (403, Challenge::Error("insufficient_scope"), not_let_in(kind))
            }
            _ if self.error.is_retryable() => (
                503,
                Challenge::None,
                "The access token cannot be checked at the moment: try again.",
            ),
            _ if !self.error.is_refusal() => {
                (500, Challenge::None, "The server is not configured correctly.")
            }
            _ => (
                401,
                Challenge::Error("invalid_token"),
                "The access token is not valid.",
            ),
        };
        Answer {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            challenge,
            detail,
        }
    }
}

impl From<Error> for Denial {
    fn from(error: Error) -> Self {
        Self {
            error,
            sources: CredentialSources::default(),
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.answer().detail)
    }
}

impl std::error::Error for Denial {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

struct Answer {
    status: StatusCode,
    challenge: Challenge,
    /// ASCII without quotes, as `error_description` has it.
    detail: &'static str,
}

enum Challenge {
    None,
    /// Without an `error`: the client sent nothing wrong.
    Plain,
    Error(&'static str),
}

impl Answer {
    fn challenge(&self) -> Option<HeaderValue> {
        const PLAIN: &str = r#"Bearer realm="hexclave""#;
        match self.challenge {
            Challenge::None => None,
            Challenge::Plain => Some(HeaderValue::from_static(PLAIN)),
            Challenge::Error(error) => {
                let detail = self.detail;
                HeaderValue::from_str(&format!(
                    r#"{PLAIN}, error="{error}", error_description="{detail}""#
                ))
                .ok()
            }
        }
    }
}

/// Without `type`, which then is `about:blank`: the title is that of the status (RFC 9457, section 4.2.1).
#[derive(Serialize)]
struct Problem {
    title: &'static str,
    status: u16,
    detail: &'static str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
}

fn not_let_in(kind: UserKind) -> &'static str {
    match kind {
        UserKind::Normal => "Users who are fully signed in are not let in here.",
        UserKind::Restricted => "Restricted users are not let in here.",
        UserKind::Anonymous => "Anonymous users are not let in here.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_answer() {
        for (kind, status, challenge) in [
            (ErrorKind::TokenMissing, 401, Some("hexclave\"")),
            (ErrorKind::TokenExpired, 401, Some("error=\"invalid_token\"")),
            (ErrorKind::TokenMalformed, 401, Some("error=\"invalid_token\"")),
            (ErrorKind::InvalidSignature, 401, Some("error=\"invalid_token\"")),
            (
                ErrorKind::ConflictingCredentials,
                400,
                Some("error=\"invalid_request\""),
            ),
            (
                ErrorKind::KindNotAccepted(UserKind::Anonymous),
                403,
                Some("error=\"insufficient_scope\""),
            ),
            (ErrorKind::KeysUnavailable, 503, None),
            (ErrorKind::ApiUnavailable, 503, None),
            (ErrorKind::ApiAnswerUnusable, 503, None),
            (ErrorKind::ProjectKeyRejected, 500, None),
            (ErrorKind::ApiRejected, 500, None),
            (ErrorKind::InvalidConfig, 500, None),
        ] {
            let denial = Denial::from(Error::new(kind, "https://internal.example"));
            let response: Response<String> = denial.into_response();
            assert_eq!(response.status(), status, "{kind:?}");
            assert_eq!(response.extensions().get().map(Error::kind), Some(kind));
            let headers = response.headers();
            let sent = headers
                .get(header::WWW_AUTHENTICATE)
                .map(|value| value.to_str().expect("ASCII"));
            match challenge {
                Some(part) => assert!(sent.expect("a challenge").contains(part), "{sent:?}"),
                None => assert_eq!(sent, None, "{kind:?}"),
            }
            assert_eq!(headers.contains_key(header::RETRY_AFTER), status == 503);
            assert_eq!(
                headers.get(header::CONTENT_TYPE).expect("one"),
                "application/problem+json"
            );
            assert_eq!(
                headers.get(header::CACHE_CONTROL).expect("one"),
                "private, no-store"
            );
            assert!(headers.contains_key(header::VARY));
            let body: serde_json::Value = serde_json::from_str(response.body()).expect("JSON");
            assert_eq!(body["status"], status);
            assert_eq!(body["code"], kind.code());
            assert_eq!(body.get("kind").is_some(), status == 403);
            assert!(!format!("{headers:?}{body}").contains("internal.example"));
        }
    }

    #[test]
    fn no_challenge_has_an_error_where_nothing_was_sent() {
        let headers = Denial::from(Error::token_missing()).headers();
        assert_eq!(
            headers.get(header::WWW_AUTHENTICATE).expect("one"),
            "Bearer realm=\"hexclave\""
        );
    }
}
