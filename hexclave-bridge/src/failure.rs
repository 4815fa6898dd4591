//! How a command ends when it does not succeed.

use std::{
    borrow::Cow,
    error::Error,
    fmt::{self, Display},
    process::ExitCode,
};

use hexclave_convex::ConvexError;
use hexclave_core::ErrorKind;
use miette::{Diagnostic, LabeledSpan, SourceCode};
use serde_json::{Map, Value, json};

use crate::{excerpt::Excerpt, output, refused_token::RefusedToken};

/// Why a command failed, for the person or program that typed it.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    code: &'static str,
    message: String,
    http_status: Option<u16>,
    causes: Vec<String>,
    hint: Option<Cow<'static, str>>,
    excerpt: Option<Box<Excerpt>>,
    token: Option<Box<RefusedToken>>,
    json: bool,
}

/// The program's exit codes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Exit {
    Refused = 1,
    Usage = 2,
    Unchecked = 3,
}

impl Failure {
    /// Something about the command line, the environment or a file is wrong.
    pub(crate) fn usage(code: &'static str, message: impl Display) -> Self {
        Self {
            exit: Exit::Usage,
            code,
            message: message.to_string(),
            http_status: None,
            causes: Vec::new(),
            hint: None,
            excerpt: None,
            token: None,
            json: false,
        }
    }

    /// What was asked is not so.
    pub(crate) fn refused(code: &'static str, message: impl Display) -> Self {
        Self {
            exit: Exit::Refused,
            ..Self::usage(code, message)
        }
    }

    /// What was asked could not be found out.
    pub(crate) fn unchecked(code: &'static str, message: impl Display) -> Self {
        Self {
            exit: Exit::Unchecked,
            ..Self::usage(code, message)
        }
    }

    pub(crate) fn caused_by(mut self, error: &dyn Error) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.causes.push(error.to_string());
            cause = error.source();
        }
        self
    }

    /// What to try next.
    pub(crate) fn hint<H: Into<Cow<'static, str>>>(mut self, hint: Option<H>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }

    /// The place in a file that is at fault.
    pub(crate) fn at(mut self, excerpt: Excerpt) -> Self {
        self.excerpt = Some(Box::new(excerpt));
        self
    }

    /// The token that was refused, if it is one that was.
    pub(crate) fn of_token(mut self, token: Option<RefusedToken>) -> Self {
        self.token = token.map(Box::new);
        self
    }

    /// Names the input at fault in front of the message.
    pub(crate) fn within(mut self, input: impl Display) -> Self {
        self.message = format!("{input}: {}", self.message);
        self
    }

    /// Whether the failure is to be reported as JSON on standard output.
    pub(crate) fn in_json(mut self, json: bool) -> Self {
        self.json = json;
        self
    }

    fn of(error: &dyn Error, exit: Exit, code: &'static str) -> Self {
        let failure = Self {
            exit,
            ..Self::usage(code, error)
        };
        match error.source() {
            Some(source) => failure.caused_by(source),
            None => failure,
        }
    }

    /// Tells the reason and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        if self.json {
            let mut error = Map::from_iter([
                ("code".to_owned(), json!(self.code)),
                ("message".to_owned(), json!(self.message)),
            ]);
            if !self.causes.is_empty() {
                error.insert("causes".to_owned(), json!(self.causes));
            }
            if let Some(hint) = &self.hint {
                error.insert("hint".to_owned(), json!(hint));
            }
            if let Some(status) = self.http_status {
                error.insert("httpStatus".to_owned(), json!(status));
            }
            if let Some(token) = &self.token {
                error.insert("check".to_owned(), json!(token.check()));
                error.insert("token".to_owned(), token.to_json());
            }
            output::line(json!({ "error": Value::Object(error) }));
        } else {
            output::error(&self);
        }
        ExitCode::from(self.exit as u8)
    }
}

impl Failure {
    /// Why it came to it, the nearest reason first.
    pub(crate) fn causes(&self) -> &[String] {
        &self.causes
    }

    /// What to try next.
    pub(crate) fn what_next(&self) -> Option<Cow<'static, str>> {
        self.hint.clone()
    }

    /// Whether it could not be found out what was asked.
    pub(crate) fn is_unchecked(&self) -> bool {
        self.exit == Exit::Unchecked
    }

    /// The message and the reasons in one line, for a log.
    pub(crate) fn chain(&self) -> String {
        let causes = self.causes.iter().map(String::as_str);
        std::iter::once(self.message.as_str())
            .chain(causes)
            .collect::<Vec<_>>()
            .join(": ")
    }

    /// The token that was refused.
    pub(crate) fn token(&self) -> Option<&RefusedToken> {
        self.token.as_deref()
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}

impl Diagnostic for Failure {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(self.hint.as_deref()?))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.excerpt.as_ref()?.source())
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(self.excerpt.as_ref()?.label())))
    }
}

impl From<hexclave_core::Error> for Failure {
    fn from(error: hexclave_core::Error) -> Self {
        let exit = match error {
            _ if error.is_refusal() => Exit::Refused,
            _ if error.is_retryable() => Exit::Unchecked,
            _ if is_about_a_login(error.kind()) => Exit::Refused,
            _ => Exit::Usage,
        };
        Self::of(&error, exit, error.code()).hint(hint(error.kind()))
    }
}

impl From<hexclave_supabase::Error> for Failure {
    fn from(error: hexclave_supabase::Error) -> Self {
        use hexclave_supabase::ErrorKind as Kind;

        let of_the_api = error
            .source()
            .and_then(|source| source.downcast_ref::<hexclave_core::Error>());
        let exit = match error.kind() {
            Kind::Api if of_the_api.is_some_and(|error| !error.is_retryable()) => Exit::Usage,
            Kind::Api | Kind::Database | Kind::KeysUnavailable | Kind::Overtaken | Kind::Reconciling => {
                Exit::Unchecked
            }
            _ if error.is_refusal() => Exit::Refused,
            _ => Exit::Usage,
        };
        let hint = of_the_api.and_then(|error| hint(error.kind()));
        Self::of(&error, exit, error.code()).hint(hint)
    }
}

impl From<ConvexError> for Failure {
    fn from(error: ConvexError) -> Self {
        let exit = if error.is_unreachable() {
            Exit::Unchecked
        } else {
            Exit::Refused
        };
        Self {
            http_status: Some(error.http_status()),
            ..Self::of(&error, exit, error.code())
        }
    }
}

impl Failure {
    /// What Convex answers to a token or a configuration.
    pub(crate) fn convex_answer(error: &ConvexError) -> Self {
        Self {
            http_status: Some(error.http_status()),
            ..Self::of(error, Exit::Refused, error.code())
        }
    }
}

fn is_about_a_login(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::CliLoginDenied | ErrorKind::CliLoginExpired | ErrorKind::CliLoginUsed
    )
}

/// What to try next about a token, a project or its keys.
fn hint(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::AudienceMismatch => "--project-id says which project is meant",
        ErrorKind::IssuerMismatch => "--api-url says where the project's API is",
        ErrorKind::KeysUnavailable => {
            "`hexclave-bridge doctor` looks at the way to the project, step by step"
        }
        ErrorKind::KindNotAccepted(_) => "--allow names the kinds of users to let in",
        ErrorKind::NotYetValid => "`hexclave-bridge doctor` compares this machine's clock with the API's",
        ErrorKind::ProjectKeyRejected => {
            "compare the keys with those in the Hexclave dashboard: HEXCLAVE_PUBLISHABLE_CLIENT_KEY, \
             HEXCLAVE_SECRET_SERVER_KEY"
        }
        ErrorKind::SessionEnded => "log in with `hexclave-bridge login`",
        ErrorKind::TokenExpired => {
            "`(await user.getAuthJson()).accessToken` in a browser, and `hexclave-bridge whoami --access-token`, give a \
             fresh one"
        }
        ErrorKind::TokenMalformed | ErrorKind::TokenMissing => {
            "`(await user.getAuthJson()).accessToken` in a browser is an access token"
        }
        _ => return None,
    })
}
