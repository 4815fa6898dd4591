use http::{HeaderName, HeaderValue, Method, header};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{AcceptedKinds, AccessToken, Error, ErrorKind, RefreshToken, UserKind};

const ACCESS_TOKEN: HeaderName = HeaderName::from_static("x-stack-access-token");
const REFRESH_TOKEN: HeaderName = HeaderName::from_static("x-stack-refresh-token");
const ALLOW_ANONYMOUS_USER: HeaderName = HeaderName::from_static("x-stack-allow-anonymous-user");
const ALLOW_RESTRICTED_USER: HeaderName = HeaderName::from_static("x-stack-allow-restricted-user");

/// One thing to ask of the API, as often as it takes.
pub(crate) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Option<Zeroizing<Vec<u8>>>,
    /// Whether asking twice does what asking once does.
    pub(super) repeatable: bool,
    /// Whether to say which project and access it is.
    pub(super) introduced: bool,
}

impl Request {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, true)
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path, true)
    }

    pub(crate) fn post(path: impl Into<String>, body: &impl Serialize) -> Result<Self, Error> {
        Self::new(Method::POST, path, false).json(body)
    }

    /// A POST that says nothing. Hexclave wants an empty object then.
    pub(crate) fn empty_post(path: impl Into<String>) -> Result<Self, Error> {
        Self::post(path, &serde_json::Map::new())
    }

    pub(crate) fn patch(path: impl Into<String>, body: &impl Serialize) -> Result<Self, Error> {
        Self::new(Method::PATCH, path, false).json(body)
    }

    /// A form towards the OAuth endpoint, which takes the project from the form.
    pub(crate) fn form(path: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let mut request = Self::new(Method::POST, path, false);
        request.body = Some(Zeroizing::new(form.finish().into_bytes()));
        request.headers.push((
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        ));
        request.introduced = false;
        request
    }

    fn new(method: Method, path: impl Into<String>, repeatable: bool) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            repeatable,
            introduced: true,
        }
    }

    fn json(mut self, body: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Error::config("a value to be sent has no JSON text").with_source(error))?;
        self.body = Some(Zeroizing::new(body));
        self.headers
            .push((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
        Ok(self)
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(crate) fn query_if_some(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value.to_string()),
            None => self,
        }
    }

    /// Asking twice does what asking once does, which the method does not tell.
    pub(crate) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Comes as this user, if it is of one of these kinds. (To the API, who lets guests in lets restricted users in.)
    pub(crate) fn with_access_token(
        mut self,
        token: &AccessToken,
        accepted: AcceptedKinds,
    ) -> Result<Self, Error> {
        self.headers
            .push((ACCESS_TOKEN, secret(token.expose(), "access")?));
        let allow = if accepted.contains(UserKind::Anonymous) {
            Some(ALLOW_ANONYMOUS_USER)
        } else {
            accepted
                .contains(UserKind::Restricted)
                .then_some(ALLOW_RESTRICTED_USER)
        };
        self.headers
            .extend(allow.map(|name| (name, HeaderValue::from_static("true"))));
        Ok(self)
    }

    pub(crate) fn with_refresh_token(mut self, token: &RefreshToken) -> Result<Self, Error> {
        self.headers
            .push((REFRESH_TOKEN, secret(token.expose(), "refresh")?));
        Ok(self)
    }

    /// What errors and spans call the request. Ids are all that can vary in it.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

fn secret(token: &str, which: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(token).map_err(|_| {
        Error::new(
            ErrorKind::TokenMalformed,
            format!("the {which} token has characters that no token has"),
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}
