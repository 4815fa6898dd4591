use std::{env, fmt};

use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::{ApiUrl, Error, ProjectId, UserKind, error::quoted};

/// Names of variables in the order in which they are read. It is the order of Hexclave's JavaScript SDK, so that
/// a Rust server and a JavaScript one in the same environment mean the same project; then come the names that
/// only bundlers see.
const PROJECT_ID: &[&str] = &[
    "NEXT_PUBLIC_HEXCLAVE_PROJECT_ID",
    "NEXT_PUBLIC_STACK_PROJECT_ID",
    "HEXCLAVE_PROJECT_ID",
    "STACK_PROJECT_ID",
    "VITE_HEXCLAVE_PROJECT_ID",
    "VITE_STACK_PROJECT_ID",
];
const PUBLISHABLE_CLIENT_KEY: &[&str] = &[
    "NEXT_PUBLIC_HEXCLAVE_PUBLISHABLE_CLIENT_KEY",
    "NEXT_PUBLIC_STACK_PUBLISHABLE_CLIENT_KEY",
    "HEXCLAVE_PUBLISHABLE_CLIENT_KEY",
    "STACK_PUBLISHABLE_CLIENT_KEY",
    "VITE_HEXCLAVE_PUBLISHABLE_CLIENT_KEY",
    "VITE_STACK_PUBLISHABLE_CLIENT_KEY",
];
const SECRET_SERVER_KEY: &[&str] = &["HEXCLAVE_SECRET_SERVER_KEY", "STACK_SECRET_SERVER_KEY"];
const SUPER_SECRET_ADMIN_KEY: &[&str] = &["HEXCLAVE_SUPER_SECRET_ADMIN_KEY", "STACK_SUPER_SECRET_ADMIN_KEY"];
const EXTRA_REQUEST_HEADERS: &[&str] = &[
    "NEXT_PUBLIC_HEXCLAVE_EXTRA_REQUEST_HEADERS",
    "NEXT_PUBLIC_STACK_EXTRA_REQUEST_HEADERS",
    "HEXCLAVE_EXTRA_REQUEST_HEADERS",
    "STACK_EXTRA_REQUEST_HEADERS",
];
const API_URL: &[&str] = &[
    "NEXT_PUBLIC_SERVER_HEXCLAVE_API_URL",
    "NEXT_PUBLIC_SERVER_STACK_API_URL",
    "NEXT_PUBLIC_HEXCLAVE_API_URL_SERVER",
    "NEXT_PUBLIC_STACK_API_URL_SERVER",
    "HEXCLAVE_API_URL_SERVER",
    "STACK_API_URL_SERVER",
    "NEXT_PUBLIC_HEXCLAVE_API_URL",
    "NEXT_PUBLIC_STACK_API_URL",
    "HEXCLAVE_API_URL",
    "STACK_API_URL",
    "NEXT_PUBLIC_HEXCLAVE_URL",
    "NEXT_PUBLIC_STACK_URL",
    "VITE_HEXCLAVE_API_URL",
    "VITE_STACK_API_URL",
];

/// Which Hexclave project this program serves, where its API is, and the keys to it.
///
/// ```
/// use hexclave_core::{ProjectConfig, UserKind};
///
/// let config = ProjectConfig::builder()
///     .project_id("11111111-2222-4333-8444-555555555555".parse()?)
///     .build()?;
/// assert_eq!(config.audience(UserKind::Anonymous), "11111111-2222-4333-8444-555555555555:anon");
/// # Ok::<(), hexclave_core::Error>(())
/// ```
///
/// # Environment
/// [`ProjectConfig::from_env`] reads these names; in each row the first that is set and not empty counts. The
/// order is that of Hexclave's JavaScript SDK on a server; it does not read the `VITE_` names itself.
///
/// | value | variables |
/// |---|---|
/// | project id (required) | `NEXT_PUBLIC_HEXCLAVE_PROJECT_ID`, `NEXT_PUBLIC_STACK_PROJECT_ID`, `HEXCLAVE_PROJECT_ID`, `STACK_PROJECT_ID`, `VITE_HEXCLAVE_PROJECT_ID`, `VITE_STACK_PROJECT_ID` |
/// | publishable client key | the same six with `PUBLISHABLE_CLIENT_KEY` |
/// | secret server key | `HEXCLAVE_SECRET_SERVER_KEY`, `STACK_SECRET_SERVER_KEY` |
/// | admin key | `HEXCLAVE_SUPER_SECRET_ADMIN_KEY`, `STACK_SUPER_SECRET_ADMIN_KEY` |
/// | extra request headers, a JSON object of strings | the first four with `EXTRA_REQUEST_HEADERS` |
/// | API URL (default `https://api.hexclave.com`) | for each of the following, `HEXCLAVE` then `STACK` in place of `*`: `NEXT_PUBLIC_SERVER_*_API_URL`, `NEXT_PUBLIC_*_API_URL_SERVER`, `*_API_URL_SERVER`, `NEXT_PUBLIC_*_API_URL`, `*_API_URL`, `NEXT_PUBLIC_*_URL`, `VITE_*_API_URL` |
#[derive(Clone, Debug)]
pub struct ProjectConfig {
    project_id: ProjectId,
    api_url: ApiUrl,
    #[cfg(feature = "api")]
    has_own_api_url: bool,
    publishable_client_key: Option<String>,
    secret_server_key: Option<SecretKey>,
    super_secret_admin_key: Option<SecretKey>,
    extra_request_headers: HeaderMap,
}

impl ProjectConfig {
    /// Starts with nothing set.
    pub fn builder() -> ProjectConfigBuilder {
        ProjectConfigBuilder::default()
    }

    /// Reads everything from the process's environment; see [Environment](Self#environment).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) when no variable names a project (the text
    /// lists all that were looked at), or when a variable's value is unusable (the text names it).
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().environment()?.build()
    }

    /// The project.
    #[must_use]
    pub fn project_id(&self) -> &ProjectId {
        &self.project_id
    }

    /// The base URL of the API.
    #[must_use]
    pub fn api_url(&self) -> &ApiUrl {
        &self.api_url
    }

    /// Whether somebody has chosen where the API is. Hexclave's SDKs turn to other hosts in an outage only if not.
    #[cfg(feature = "api")]
    pub(crate) fn has_own_api_url(&self) -> bool {
        self.has_own_api_url
    }

    /// The key that clients send; not a secret.
    #[must_use]
    pub fn publishable_client_key(&self) -> Option<&str> {
        self.publishable_client_key.as_deref()
    }

    /// The key with which a server may read and change all users.
    #[must_use]
    pub fn secret_server_key(&self) -> Option<&SecretKey> {
        self.secret_server_key.as_ref()
    }

    /// The key with which the project itself may be changed.
    #[must_use]
    pub fn super_secret_admin_key(&self) -> Option<&SecretKey> {
        self.super_secret_admin_key.as_ref()
    }

    /// Headers to send with every request to the API.
    #[must_use]
    pub fn extra_request_headers(&self) -> &HeaderMap {
        &self.extra_request_headers
    }

    /// The hosts that issue this project's tokens: the configured one and, where it has one, its
    /// [alias](ApiUrl::alias).
    pub fn hosts(&self) -> impl Iterator<Item = ApiUrl> {
        [Some(self.api_url.clone()), self.api_url.alias()]
            .into_iter()
            .flatten()
    }

    /// The `aud` of the tokens of one kind of user.
    #[must_use]
    pub fn audience(&self, kind: UserKind) -> String {
        match kind {
            UserKind::Normal => self.project_id.to_string(),
            UserKind::Restricted => format!("{}:restricted", self.project_id),
            UserKind::Anonymous => format!("{}:anon", self.project_id),
        }
    }
}

/// Builds a [`ProjectConfig`]: what is set here wins over the environment, which wins over the defaults.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ProjectConfigBuilder {
    project_id: Option<ProjectId>,
    api_url: Option<ApiUrl>,
    publishable_client_key: Option<String>,
    secret_server_key: Option<SecretKey>,
    super_secret_admin_key: Option<SecretKey>,
    extra_request_headers: Option<HeaderMap>,
    looked_at_environment: bool,
}

impl ProjectConfigBuilder {
    /// Sets the project.
    pub fn project_id(mut self, id: ProjectId) -> Self {
        self.project_id = Some(id);
        self
    }

    /// Sets the base URL of the API.
    pub fn api_url(mut self, url: ApiUrl) -> Self {
        self.api_url = Some(url);
        self
    }

    /// Sets the publishable client key.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) when it cannot be a Hexclave key.
    pub fn publishable_client_key(mut self, key: &str) -> Result<Self, Error> {
        self.publishable_client_key = Some(key_text(key)?.to_owned());
        Ok(self)
    }

    /// Sets the secret server key.
    pub fn secret_server_key(mut self, key: SecretKey) -> Self {
        self.secret_server_key = Some(key);
        self
    }

    /// Sets the admin key.
    pub fn super_secret_admin_key(mut self, key: SecretKey) -> Self {
        self.super_secret_admin_key = Some(key);
        self
    }

    /// Fills what is not set yet from the process's environment; see
    /// [Environment](ProjectConfig#environment).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) when a variable's value is unusable.
    pub fn environment(self) -> Result<Self, Error> {
        self.lookup(|name| match env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(env::VarError::NotPresent) => Ok(None),
            Err(env::VarError::NotUnicode(_)) => Err(Error::config("its value is not valid UTF-8")),
        })
    }

    /// Fills what is not set yet from variables that `variable` looks up by name, for settings that live in a
    /// file or a secret store.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) when a variable's value is unusable.
    pub fn variables(self, variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        self.lookup(|name| Ok(variable(name)))
    }

    fn lookup(mut self, variable: impl Fn(&str) -> Result<Option<String>, Error>) -> Result<Self, Error> {
        let variable = &variable;
        fill(&mut self.project_id, PROJECT_ID, variable, str::parse)?;
        fill(&mut self.api_url, API_URL, variable, str::parse)?;
        fill(
            &mut self.publishable_client_key,
            PUBLISHABLE_CLIENT_KEY,
            variable,
            |key| key_text(key).map(str::to_owned),
        )?;
        fill(
            &mut self.secret_server_key,
            SECRET_SERVER_KEY,
            variable,
            SecretKey::new,
        )?;
        fill(
            &mut self.super_secret_admin_key,
            SUPER_SECRET_ADMIN_KEY,
            variable,
            SecretKey::new,
        )?;
        fill(
            &mut self.extra_request_headers,
            EXTRA_REQUEST_HEADERS,
            variable,
            headers_from_json,
        )?;
        self.looked_at_environment = true;
        Ok(self)
    }

    /// The finished configuration.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) when there is no project id.
    pub fn build(self) -> Result<ProjectConfig, Error> {
        let project_id = self.project_id.ok_or_else(|| {
            Error::config(if self.looked_at_environment {
                format!(
                    "no Hexclave project id: none of {} is set (an empty value counts as unset)",
                    PROJECT_ID.join(", ")
                )
            } else {
                "no Hexclave project id was given".to_owned()
            })
        })?;
        Ok(ProjectConfig {
            project_id,
            #[cfg(feature = "api")]
            has_own_api_url: self.api_url.is_some(),
            api_url: self.api_url.unwrap_or_default(),
            publishable_client_key: self.publishable_client_key,
            secret_server_key: self.secret_server_key,
            super_secret_admin_key: self.super_secret_admin_key,
            extra_request_headers: self.extra_request_headers.unwrap_or_default(),
        })
    }
}

/// A secret key of a Hexclave project. `Debug` does not show it and it is wiped from memory on drop.
#[derive(Clone)]
pub struct SecretKey(SecretString);

impl SecretKey {
    /// Takes a key as the dashboard shows it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) when it is empty or holds characters that no
    /// Hexclave key has. The text does not repeat the key.
    pub fn new(key: &str) -> Result<Self, Error> {
        Ok(Self(key_text(key)?.into()))
    }

    /// The key itself. Send it to the Hexclave API only, and do not log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

fn fill<T>(
    slot: &mut Option<T>,
    names: &[&str],
    variable: &impl Fn(&str) -> Result<Option<String>, Error>,
    parse: impl Fn(&str) -> Result<T, Error>,
) -> Result<(), Error> {
    if slot.is_some() {
        return Ok(());
    }
    for name in names {
        let in_variable = |error: Error| Error::config(format!("variable {name}: {error}"));
        if let Some(value) = variable(name)
            .map_err(in_variable)?
            .filter(|value| !value.is_empty())
        {
            *slot = Some(parse(&value).map_err(in_variable)?);
            return Ok(());
        }
    }
    Ok(())
}

fn key_text(key: &str) -> Result<&str, Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.bytes().all(allowed) {
        return Ok(key);
    }
    let hint = if key.trim() == key {
        ""
    } else {
        " (it has blanks or a line break at its end)"
    };
    Err(Error::config(format!(
        "the key has characters other than letters, digits, `_` and `-`, or is empty{hint}: copy it from the \
         Hexclave dashboard again"
    )))
}

fn headers_from_json(json: &str) -> Result<HeaderMap, Error> {
    let expected = || Error::config("expected a JSON object of strings, such as {\"x-header\":\"value\"}");
    let members: std::collections::BTreeMap<String, String> =
        serde_json::from_str(json).map_err(|_| expected())?;
    members
        .iter()
        .map(|(name, value)| {
            let name_error = || Error::config(format!("{} is not a header name", quoted(name)));
            let value_error = || {
                Error::config(format!(
                    "the value of header {} is not a header value",
                    quoted(name)
                ))
            };
            let header: HeaderName = name.parse().map_err(|_| name_error())?;
            let mut value: HeaderValue = value.parse().map_err(|_| value_error())?;
            value.set_sensitive(true);
            Ok((header, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "11111111-2222-4333-8444-555555555555";
    const OTHER: &str = "66666666-7777-4888-8999-aaaaaaaaaaaa";

    fn from(variables: &[(&str, &str)]) -> Result<ProjectConfig, Error> {
        ProjectConfig::builder()
            .variables(|name| {
                let value = variables.iter().find(|(key, _)| *key == name)?.1;
                Some(value.to_owned())
            })?
            .build()
    }

    #[test]
    fn each_name_is_read_in_order_and_empty_means_unset() {
        for (index, name) in PROJECT_ID.iter().enumerate() {
            let config = from(&[(name, ID)]).expect(name);
            assert_eq!(config.project_id().as_str(), ID);
            for later in PROJECT_ID.iter().skip(index + 1) {
                let config = from(&[(later, OTHER), (name, ID)]).expect(name);
                assert_eq!(config.project_id().as_str(), ID, "{name} before {later}");
                let config = from(&[(later, OTHER), (name, "")]).expect(name);
                assert_eq!(config.project_id().as_str(), OTHER, "empty {name}");
            }
        }
        for name in API_URL {
            let config = from(&[("STACK_PROJECT_ID", ID), (name, "http://127.0.0.1:8102/")]);
            assert_eq!(config.expect(name).api_url().as_str(), "http://127.0.0.1:8102");
        }
        let config = from(&[("HEXCLAVE_PROJECT_ID", ID)]).expect("a project");
        assert_eq!(config.api_url().as_str(), "https://api.hexclave.com");
    }

    #[test]
    fn keys_and_headers_are_read_and_not_shown() {
        let config = from(&[
            ("HEXCLAVE_PROJECT_ID", ID),
            ("STACK_SECRET_SERVER_KEY", "ssk_hidden"),
            ("HEXCLAVE_SUPER_SECRET_ADMIN_KEY", "sak_hidden"),
            ("NEXT_PUBLIC_STACK_PUBLISHABLE_CLIENT_KEY", "pck_public"),
            ("STACK_EXTRA_REQUEST_HEADERS", r#"{"x-gate":"hidden"}"#),
        ])
        .expect("all are usable");
        assert_eq!(config.publishable_client_key(), Some("pck_public"));
        assert_eq!(
            config.secret_server_key().map(SecretKey::expose),
            Some("ssk_hidden")
        );
        assert_eq!(
            config.super_secret_admin_key().map(SecretKey::expose),
            Some("sak_hidden")
        );
        assert_eq!(config.extra_request_headers().len(), 1);
        assert!(!format!("{config:?}").contains("hidden"));
    }

    #[test]
    fn errors_name_the_variable_and_hide_the_secret() {
        let missing = from(&[]).expect_err("nothing is set").to_string();
        for name in PROJECT_ID {
            assert!(missing.contains(name), "{missing}");
        }
        for (name, value, said) in [
            ("STACK_PROJECT_ID", "my-project", "UUID"),
            ("STACK_SECRET_SERVER_KEY", "ssk hidden", "letters"),
            ("STACK_SECRET_SERVER_KEY", "ssk_hidden\n", "line break"),
            ("STACK_API_URL", "http://hexclave.example", "https"),
            ("STACK_EXTRA_REQUEST_HEADERS", "[]", "JSON object"),
            (
                "STACK_EXTRA_REQUEST_HEADERS",
                r#"{"a b":"hidden"}"#,
                "header name",
            ),
            (
                "STACK_EXTRA_REQUEST_HEADERS",
                r#"{"a":"hidden\n"}"#,
                "header value",
            ),
        ] {
            let error = from(&[
                (
                    "HEXCLAVE_PROJECT_ID",
                    if name == "STACK_PROJECT_ID" { "" } else { ID },
                ),
                (name, value),
            ])
            .expect_err(name)
            .to_string();
            assert!(error.contains(name) && error.contains(said), "{error}");
            assert!(!error.contains("hidden"), "{error}");
        }
    }

    #[test]
    fn what_is_set_wins_over_the_environment() {
        let config = ProjectConfig::builder()
            .project_id(ID.parse().expect("an id"))
            .variables(|name| (name == "HEXCLAVE_PROJECT_ID").then(|| OTHER.to_owned()))
            .and_then(ProjectConfigBuilder::build)
            .expect("a config");
        assert_eq!(config.project_id().as_str(), ID);
    }
}
