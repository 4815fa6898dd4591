//! Signing in at a command line by way of a browser.
//!
//! ```no_run
//! use hexclave_core::{
//!     ProjectConfig,
//!     api::Client,
//!     cli_login::{CliLogin, LoginPage},
//!     session::Session,
//! };
//!
//! # async fn run() -> Result<(), hexclave_core::Error> {
//! let client = Client::public(ProjectConfig::from_env()?)?;
//! let page = LoginPage::of_app("https://app.example.com")?;
//! let login = CliLogin::start(&client, &page).await?;
//! eprintln!("Confirm the login at {}", login.url());
//! if login.open_browser().is_err() {
//!     eprintln!("(There is no browser here that can be opened.)");
//! }
//! let session = Session::from_refresh_token(&client, login.wait().await?);
//! # Ok(())
//! # }
//! ```
//!
//! The refresh token that comes of it is that of the browser's own session: who signs out there is signed out here,
//! too. Keep it where nobody else can read it, such as in a `FileStore` (feature `file-store`).

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use url::Url;

use crate::{
    Error, ErrorKind, ProjectId, RefreshToken,
    api::{Access, Client, ErrorCode, Request, Shared},
    error::quoted,
};

/// As Hexclave's own template for command lines asks for. Current servers allow 15 minutes, older ones 24 hours.
const DEFAULT_LIFE: Duration = Duration::from_secs(600);
/// The longest that any server has allowed, so that no sum of times overflows.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);
const PAUSE: Duration = Duration::from_secs(2);
/// The longest pause while the API is in trouble.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// For how long beyond the login's life the server's word on it is waited for.
const GRACE: Duration = Duration::from_secs(10);

/// Where users confirm that it is they who log in at a command line.
///
/// ```
/// use hexclave_core::cli_login::LoginPage;
///
/// assert!(LoginPage::of_app("https://app.example.com").is_ok());
/// assert!(LoginPage::of_app("http://app.example.com").is_err());
/// # Ok::<(), hexclave_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginPage(Url);

impl LoginPage {
    /// The page of an application that serves Hexclave's pages below `/handler`, as its SDKs do by default.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when it is no URL, or neither `https` nor `http` on this machine.
    pub fn of_app(app_url: &str) -> Result<Self, Error> {
        let mut page = Self::at(app_url)?;
        let path = format!("{}/handler/cli-auth-confirm", page.0.path().trim_end_matches('/'));
        page.0.set_path(&path);
        Ok(page)
    }

    /// The page that Hexclave hosts for a project, at `https://<project>.built-with-stack-auth.com`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the project cannot have one, which is so for `internal`.
    pub fn hosted(project: &ProjectId) -> Result<Self, Error> {
        if project.as_str() == "internal" {
            return Err(Error::config("the project `internal` has no hosted pages"));
        }
        Self::of_app(&format!("https://{project}.built-with-stack-auth.com"))
    }

    /// The page with this URL, where an application has put it elsewhere.
    ///
    /// # Errors
    /// As [`of_app`](Self::of_app).
    pub fn at(url: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            // A URL may carry a password, so it is only shown once it is known to have none.
            let shown = match url.contains('@') {
                true => "the given URL".to_owned(),
                false => quoted(url),
            };
            Error::config(format!(
                "{shown} is no place for a login page: {why} (expected something like https://app.example.com)"
            ))
        };
        let url = Url::parse(url).map_err(|error| refuse(&error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it must not carry a user name or password"));
        }
        let local = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(refuse("it has no host")),
        };
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if local => Ok(Self(url)),
            _ => Err(refuse("only https, and http on this machine, can be trusted")),
        }
    }

    fn with_code(&self, code: &str) -> Url {
        let mut url = self.0.clone();
        url.query_pairs_mut().append_pair("login_code", code);
        url
    }
}

/// A login that somebody is to confirm in a browser.
pub struct CliLogin {
    client: Arc<Shared>,
    url: Url,
    polling_code: SecretString,
    expires_at: Option<SystemTime>,
    given_up_at: Instant,
}

impl CliLogin {
    /// Begins a login that can be confirmed for 10 minutes.
    ///
    /// # Errors
    /// See [Trouble](Client#trouble).
    pub async fn start<A: Access>(client: &Client<A>, page: &LoginPage) -> Result<Self, Error> {
        Self::builder(page).start(client).await
    }

    /// Sets up a login in detail.
    pub fn builder(page: &LoginPage) -> CliLoginBuilder {
        CliLoginBuilder {
            page: page.clone(),
            life: DEFAULT_LIFE,
            guest: None,
        }
    }

    /// The address to be opened in the browser. Show it, for those whose browser is elsewhere. Whoever opens it can
    /// make this command line act as them.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Opens the address in the user's browser and does not wait for it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when there is no program to open it with.
    pub fn open_browser(&self) -> Result<(), Error> {
        open::that_detached(self.url.as_str())
            .map_err(|error| Error::config("no browser could be opened").with_source(error))
    }

    /// Until when the login can be confirmed, by the server's clock.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }

    /// Waits until the login has been confirmed, and asks about it every two seconds, less often while the API is in
    /// trouble. To stop waiting, drop the future, as `tokio::select!` does; it may then be waited for again.
    ///
    /// # Errors
    /// [`ErrorKind::CliLoginExpired`], [`ErrorKind::CliLoginDenied`]. [`ErrorKind::CliLoginUsed`] when the outcome
    /// has been handed out before, which is done once: an answer that is lost on the way is lost. When the API is in
    /// trouble until the end, that trouble.
    pub async fn wait(&self) -> Result<RefreshToken, Error> {
        let mut usual_pause = PAUSE;
        loop {
            let (trouble, asked_for) = match self.poll().await {
                Ok(Some(token)) => return Ok(token),
                Ok(None) => {
                    usual_pause = PAUSE;
                    (None, Duration::ZERO)
                }
                Err(error) if error.is_retryable() => {
                    usual_pause = (usual_pause * 2).min(LONGEST_PAUSE);
                    let asked_for = error.retry_after().unwrap_or_default();
                    (Some(error), asked_for)
                }
                Err(error) => return Err(error),
            };
            let time_left = self.given_up_at.saturating_duration_since(Instant::now());
            if time_left.is_zero() {
                return Err(trouble.unwrap_or_else(expired));
            }
            // At the very end it is asked for a last time.
            sleep(usual_pause.max(asked_for).min(time_left)).await;
        }
    }

    /// The refresh token, once the login has been confirmed.
    async fn poll(&self) -> Result<Option<RefreshToken>, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            polling_code: &'a str,
        }
        #[derive(Deserialize)]
        struct Answer {
            status: String,
            #[serde(default)]
            refresh_token: Option<String>,
        }
        let body = Body {
            polling_code: self.polling_code.expose_secret(),
        };
        let request = Request::post("auth/cli/poll", &body)?;
        let answer: Answer = match self.client.transport.ask(request).await {
            Ok(answer) => answer,
            Err(error) if is_unknown(&error) => return Err(error.with_kind(ErrorKind::CliLoginDenied)),
            Err(error) => return Err(error),
        };
        match (answer.status.as_str(), answer.refresh_token) {
            ("success", Some(token)) => Ok(Some(token.into())),
            ("waiting", _) => Ok(None),
            ("expired", _) => Err(expired()),
            ("used", _) => Err(Error::new(
                ErrorKind::CliLoginUsed,
                "the login was confirmed, but its outcome has been handed out before: log in again",
            )),
            ("denied", _) => Err(Error::new(
                ErrorKind::CliLoginDenied,
                "the login was refused in the browser",
            )),
            (status, _) => Err(Error::new(
                ErrorKind::ApiRejected,
                format!(
                    "POST auth/cli/poll: the Hexclave API says {} of the login, which is not understood",
                    quoted(status)
                ),
            )),
        }
    }
}

impl fmt::Debug for CliLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CliLogin")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Begins a [`CliLogin`].
#[derive(Clone, Debug)]
#[must_use]
pub struct CliLoginBuilder {
    page: LoginPage,
    life: Duration,
    guest: Option<RefreshToken>,
}

impl CliLoginBuilder {
    /// For how long it can be confirmed, in whole milliseconds: 10 minutes unless set. Servers allow 15 minutes, old
    /// ones a day.
    pub fn expires_in(mut self, life: Duration) -> Self {
        self.life = life.min(LONGEST_LIFE);
        self
    }

    /// Carries over what a guest has done at this command line: whoever confirms the login takes the guest's account
    /// over.
    pub fn carrying_over(mut self, guest: &RefreshToken) -> Self {
        self.guest = Some(guest.clone());
        self
    }

    /// Begins the login.
    ///
    /// # Errors
    /// See [Trouble](Client#trouble). [`ErrorKind::ApiRejected`] when the life is too long for the server, or the
    /// guest is none.
    pub async fn start<A: Access>(self, client: &Client<A>) -> Result<CliLogin, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            expires_in_millis: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            anon_refresh_token: Option<&'a str>,
        }
        #[derive(Deserialize)]
        struct Answer {
            polling_code: String,
            login_code: String,
            #[serde(default)]
            expires_at: Option<String>,
        }
        let body = Body {
            expires_in_millis: u64::try_from(self.life.as_millis()).unwrap_or(u64::MAX),
            anon_refresh_token: self.guest.as_ref().map(RefreshToken::expose),
        };
        let client = Arc::clone(client.shared());
        // One that nobody hears of expires by itself.
        let request = Request::post("auth/cli", &body)?.repeatable();
        let answer: Answer = client.transport.ask(request).await?;
        let expires_at = answer.expires_at.as_deref().map(str::parse::<jiff::Timestamp>);
        Ok(CliLogin {
            client,
            url: self.page.with_code(&answer.login_code),
            polling_code: answer.polling_code.into(),
            expires_at: expires_at.and_then(Result::ok).map(SystemTime::from),
            given_up_at: Instant::now() + self.life + GRACE,
        })
    }
}

fn expired() -> Error {
    Error::new(
        ErrorKind::CliLoginExpired,
        "nobody has confirmed the login in time: log in again",
    )
}

fn is_unknown(error: &Error) -> bool {
    let code = error.api().and_then(crate::api::ApiError::code);
    code == Some(&ErrorCode::InvalidPollingCode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_where_hexclave_puts_them() {
        let url = |page: Result<LoginPage, Error>| page.expect("a page").with_code("a&b").to_string();
        for app in ["https://app.example.com", "https://app.example.com/"] {
            assert_eq!(
                url(LoginPage::of_app(app)),
                "https://app.example.com/handler/cli-auth-confirm?login_code=a%26b"
            );
        }
        assert_eq!(
            url(LoginPage::of_app("http://localhost:3000/shop/")),
            "http://localhost:3000/shop/handler/cli-auth-confirm?login_code=a%26b"
        );
        let project = "11111111-2222-4333-8444-555555555555".parse().expect("a project");
        assert_eq!(
            url(LoginPage::hosted(&project)),
            "https://11111111-2222-4333-8444-555555555555.built-with-stack-auth.com/handler/cli-auth-confirm\
             ?login_code=a%26b"
        );
        assert_eq!(
            url(LoginPage::at("https://example.com/confirm?lang=en")),
            "https://example.com/confirm?lang=en&login_code=a%26b"
        );
        assert!(LoginPage::hosted(&"internal".parse().expect("a project")).is_err());
    }

    #[test]
    fn other_places_are_refused() {
        for (bad, why) in [
            ("", "relative URL"),
            ("app.example.com", "relative URL"),
            ("http://app.example.com", "https"),
            ("file:///etc/passwd", "host"),
            ("javascript:alert(1)", "host"),
            ("ftp://localhost", "https"),
            ("https://ada:hunter2@app.example.com", "password"),
        ] {
            let error = LoginPage::of_app(bad).expect_err(bad).to_string();
            assert!(
                error.contains(why) && !error.contains("hunter2"),
                "{bad}: {error}"
            );
        }
    }
}
