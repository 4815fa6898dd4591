//! What a request brings: a JSON body and query parameters, neither of which may have members that the endpoint
//! does not know.

use std::str::FromStr;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded;

use super::super::api_error::ApiError;

/// A JSON body; absent where the request has no body.
pub(crate) struct JsonBody(Option<Value>);

impl JsonBody {
    /// The body as the endpoint expects it.
    pub(crate) fn parse<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        let value = self.0.ok_or_else(|| ApiError::schema("body must be defined"))?;
        serde_json::from_value(value).map_err(|error| ApiError::schema(what_is_wrong(&error)))
    }

    /// The body, or what counts where there is none.
    pub(crate) fn parse_or_default<T: DeserializeOwned + Default>(self) -> Result<T, ApiError> {
        match self.0 {
            None => Ok(T::default()),
            body => Self(body).parse(),
        }
    }

    /// Refuses anything but `{}`.
    pub(crate) fn parse_empty(self) -> Result<(), ApiError> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        self.parse().map(|Nothing {}| ())
    }

    /// Refuses members that callers of this kind may not set.
    pub(crate) fn with_members(self, allowed: &[&str]) -> Result<Self, ApiError> {
        let unknown = match &self.0 {
            Some(Value::Object(members)) => members.keys().find(|name| !allowed.contains(&name.as_str())),
            _ => None,
        };
        match unknown {
            Some(name) => Err(ApiError::schema(format!(
                "body contains a member that is not known here: {name}"
            ))),
            None => Ok(self),
        }
    }
}

impl From<Value> for JsonBody {
    fn from(body: Value) -> Self {
        Self(Some(body))
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| ApiError::body_parsing("The body could not be read, or is longer than 8 MiB."))?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        expect_content_type(&headers, "application/json")?;
        serde_json::from_slice(&bytes)
            .map(|body| Self(Some(body)))
            .map_err(|_| ApiError::body_parsing("The body is not valid JSON."))
    }
}

/// What is wrong with a body, without repeating any of its values, which may be secrets.
fn what_is_wrong(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match ["missing field", "unknown field"]
        .iter()
        .any(|start| text.starts_with(start))
    {
        true => format!("The body is not as expected: {text}"),
        false => "The body is not as expected: a member has a type or value that it may not have".to_owned(),
    }
}

pub(crate) fn expect_content_type(headers: &HeaderMap, expected: &str) -> Result<(), ApiError> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = given
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    if essence.trim() == expected {
        return Ok(());
    }
    Err(ApiError::body_parsing(format!(
        "The body's content type must be {expected}."
    )))
}

/// Query parameters.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Refuses parameters that the endpoint does not know.
    pub(crate) fn with_parameters(self, known: &[&str]) -> Result<Self, ApiError> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(ApiError::schema(format!(
                "The query has an unknown parameter: {name}"
            ))),
            None => Ok(self),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// `true` or `false`; nothing else is either, and neither is an empty text.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(ApiError::schema(format!("query.{name} must be true or false"))),
        }
    }

    pub(crate) fn value<T: FromStr>(&self, name: &str) -> Result<Option<T>, ApiError> {
        self.text(name).map(|text| parameter(name, text)).transpose()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(
            form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        ))
    }
}

/// An id or number of a path or query.
pub(crate) fn parameter<T: FromStr>(name: &str, text: &str) -> Result<T, ApiError> {
    text.parse()
        .map_err(|_| ApiError::schema(format!("{name} is not in the form that is expected of it")))
}
