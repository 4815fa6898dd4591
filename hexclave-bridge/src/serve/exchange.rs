//! `POST /oauth/token`: an access token of Hexclave against one for another service (RFC 8693).

use std::borrow::Cow;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use hexclave_core::{AccessToken, Error, web::Denial};
use serde_json::json;

use super::{
    app::App,
    body,
    issuance::{TokenType, not_stored},
    problem::{Code, Problem, RETRY_AFTER},
};

pub(super) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The audience that stands for the Supabase project.
pub(super) const SUPABASE: &str = "supabase";
/// Room for a token of Hexclave's at its longest, and all else several times over.
const LONGEST_BODY: usize = 64 * 1024;

pub(super) async fn exchange(State(app): State<App>, request: Request) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    if !is_form(&head.headers) {
        return Err(Refusal::request(
            "content_type",
            "The body has to be application/x-www-form-urlencoded.",
        ));
    }
    let body = body::read(body, LONGEST_BODY).await.map_err(Refusal::Problem)?;
    let wish = Wish::read(&Parameters::parse(&body))?;
    let mint = app.mint().ok_or(Refusal::TARGET)?;
    let user = app
        .verifier()
        .verify(&wish.subject)
        .await
        .map_err(Refusal::Token)?;
    mint.issue(&user, wish.issue_as).map_err(Refusal::Problem)
}

/// What is asked for, by somebody who has said so in the right way.
struct Wish {
    subject: AccessToken,
    issue_as: TokenType,
}

impl Wish {
    /// RFC 8693, section 2.1.
    fn read(parameters: &Parameters<'_>) -> Result<Self, Refusal> {
        match parameters.one("grant_type")? {
            Some(GRANT_TYPE) => {}
            Some(_) => return Err(Refusal::GRANT_TYPE),
            None => {
                return Err(Refusal::request(
                    "grant_type_missing",
                    "The parameter grant_type is missing.",
                ));
            }
        }
        let Some(subject) = parameters.one("subject_token")? else {
            return Err(Refusal::request(
                "subject_token_missing",
                "The parameter subject_token is missing: it is an access token of Hexclave.",
            ));
        };
        if parameters
            .one("subject_token_type")?
            .and_then(TokenType::of)
            .is_none()
        {
            return Err(Refusal::request(
                "subject_token_type",
                "The parameter subject_token_type has to be urn:ietf:params:oauth:token-type:access_token, or :jwt.",
            ));
        }
        if parameters
            .one("actor_token")?
            .or(parameters.one("actor_token_type")?)
            .is_some()
        {
            return Err(Refusal::request(
                "actor_token",
                "Nobody can act for somebody else here: leave out actor_token.",
            ));
        }
        let issue_as = match parameters.one("requested_token_type")?.map(TokenType::of) {
            None => TokenType::AccessToken,
            Some(Some(known)) => known,
            Some(None) => {
                return Err(Refusal::request(
                    "requested_token_type",
                    "The parameter requested_token_type has to be urn:ietf:params:oauth:token-type:access_token, or \
                     :jwt.",
                ));
            }
        };
        if parameters.one("scope")?.is_some() {
            return Err(Refusal::SCOPE);
        }
        parameters.check_target()?;
        Ok(Self {
            subject: subject.into(),
            issue_as,
        })
    }
}

/// The parameters of a form. One without a value counts as left out (RFC 6749, section 3.2); unknown ones are ignored.
struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Parameters<'a> {
    fn parse(body: &'a [u8]) -> Self {
        let all = form_urlencoded::parse(body);
        Self(all.filter(|(_, value)| !value.is_empty()).collect())
    }

    fn all<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_ref())
    }

    /// RFC 6749, section 3.2: none is there twice.
    fn one<'b>(&'b self, name: &'b str) -> Result<Option<&'b str>, Refusal> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Refusal::request(
                "repeated_parameter",
                "A parameter is there more than once.",
            )),
            (value, None) => Ok(value),
        }
    }

    /// RFC 8693, section 2.1: there may be several audiences and resources, and the token has to be for all of them.
    fn check_target(&self) -> Result<(), Refusal> {
        let mut audiences = self.all("audience").peekable();
        if audiences.peek().is_none() {
            return Err(Refusal::request(
                "audience_missing",
                "The parameter audience is missing: it names a target of this service, such as supabase.",
            ));
        }
        match audiences.all(|audience| audience == SUPABASE) && self.all("resource").next().is_none() {
            true => Ok(()),
            false => Err(Refusal::TARGET),
        }
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| {
        essence
            .trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

/// Why there is no token.
#[derive(Debug)]
pub(super) enum Refusal {
    /// An error of RFC 6749, section 5.2, with a code of our own that says more.
    Request {
        error: &'static str,
        code: &'static str,
        /// ASCII without quotes and backslashes.
        description: &'static str,
    },
    /// The subject token is bad, or cannot be checked.
    Token(Error),
    /// Something that has nothing to do with OAuth.
    Problem(Problem),
}

impl Refusal {
    const GRANT_TYPE: Self = Self::Request {
        error: "unsupported_grant_type",
        code: "unsupported_grant_type",
        description: "The one grant type here is urn:ietf:params:oauth:grant-type:token-exchange.",
    };
    const SCOPE: Self = Self::Request {
        error: "invalid_scope",
        code: "invalid_scope",
        description: "There are no scopes here: leave out the parameter scope.",
    };
    const TARGET: Self = Self::Request {
        error: "invalid_target",
        code: "invalid_target",
        description: "There are no tokens for this audience or resource here.",
    };

    fn request(code: &'static str, description: &'static str) -> Self {
        Self::Request {
            error: "invalid_request",
            code,
            description,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Request {
                error,
                code,
                description,
            } => answer(StatusCode::BAD_REQUEST, error, code, description),
            Self::Token(error) => {
                let code = error.code();
                let denial = Denial::from(error);
                let (status, error) = match denial.status() {
                    // The code that RFC 6749 has for it, if for another endpoint (section 4.1.2.1).
                    StatusCode::SERVICE_UNAVAILABLE => {
                        (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
                    }
                    StatusCode::INTERNAL_SERVER_ERROR => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
                    // RFC 8693, section 2.2.2: a subject token that is invalid or not acceptable.
                    _ => (StatusCode::BAD_REQUEST, "invalid_request"),
                };
                answer(status, error, code, &denial.to_string())
            }
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

fn answer(status: StatusCode, error: &str, code: &'static str, description: &str) -> Response {
    let json = json!({ "error": error, "error_description": description, "code": code });
    let mut response = not_stored(Json(json));
    *response.status_mut() = status;
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    response.extensions_mut().insert(Code(code));
    response
}
