use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use zeroize::Zeroizing;

use super::cookies;
use crate::{AccessToken, ProjectConfig, ProjectId, RefreshToken};

/// As long as the SDK keeps them, in seconds: a year and a day.
const REFRESH_MAX_AGE: u32 = 365 * 24 * 60 * 60;
const ACCESS_MAX_AGE: u32 = 24 * 60 * 60;
/// What is left as it is, beside letters and digits.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// Writes the cookies in which Hexclave's SDK keeps a session, for servers that sign users in and out themselves.
///
/// A request that carries them is read by [`CredentialSource::Cookie`](crate::CredentialSource::Cookie), and by the SDK
/// on other servers of the same host. Read about [cookies and cross-site request
/// forgery](crate::CredentialSources#cookies) before.
///
/// ```
/// use hexclave_core::{
///     AccessToken, CredentialSource, CredentialSources, ProjectConfig, RefreshToken, SessionCookies,
/// };
/// use std::time::SystemTime;
///
/// # let config = ProjectConfig::builder()
/// #     .project_id("11111111-2222-4333-8444-555555555555".parse()?)
/// #     .build()?;
/// let cookies = SessionCookies::new(&config);
/// let (refresh, access) = (RefreshToken::from("kept"), AccessToken::from("a.b.c"));
///
/// let mut response = http::Response::new(());
/// for value in cookies.keep(&refresh, &access, SystemTime::now()) {
///     response.headers_mut().append("set-cookie", value);
/// }
/// # let mut request = http::HeaderMap::new();
/// # for value in response.headers().get_all("set-cookie") {
/// #     let pair = value.to_str()?.split(';').next().unwrap_or_default();
/// #     request.append("cookie", pair.parse()?);
/// # }
/// // The browser's next request:
/// let credentials = CredentialSources::only(CredentialSource::Cookie).read(&request, &config)?;
/// assert_eq!(credentials.access_token().map(AccessToken::expose), Some("a.b.c"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// They are `SameSite=Lax`, for this host alone, for a year (the access token: for a day), and unless told otherwise
/// `Secure` and `HttpOnly`.
#[derive(Clone)]
pub struct SessionCookies {
    project: ProjectId,
    is_secure: bool,
    is_http_only: bool,
}

impl SessionCookies {
    /// For pages that browsers get over https, and whose scripts need no tokens.
    #[must_use]
    pub fn new(config: &ProjectConfig) -> Self {
        Self {
            project: config.project_id().clone(),
            is_secure: true,
            is_http_only: true,
        }
    }

    /// For pages that browsers get over plain http, in development: without `Secure`, which they would not keep.
    #[must_use]
    pub fn insecure(mut self) -> Self {
        self.is_secure = false;
        self
    }

    /// Without `HttpOnly`, for pages in which the SDK runs and has to read them. Then any script in a page that is not the
    /// application's own can read them, too.
    #[must_use]
    pub fn readable_by_scripts(mut self) -> Self {
        self.is_http_only = false;
        self
    }

    /// The values of `Set-Cookie` that keep a session's tokens in the browser, in place of those of an earlier session.
    ///
    /// `now` is for readers that find several sessions in one request: the last one written counts. Browsers do not keep
    /// cookies of more than 4096 bytes. An access token that long is lost, and has to be asked for at each request.
    #[must_use]
    pub fn keep(&self, refresh: &RefreshToken, access: &AccessToken, now: SystemTime) -> Vec<HeaderValue> {
        #[derive(Serialize)]
        struct Refresh<'a> {
            refresh_token: &'a str,
            updated_at_millis: u128,
        }
        let updated_at = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let kept = Refresh {
            refresh_token: refresh.expose(),
            updated_at_millis: updated_at.as_millis(),
        };
        let both = (refresh.expose(), access.expose());
        let cookies = [
            self.cookie(&self.refresh_name(), &encoded(&kept), REFRESH_MAX_AGE),
            self.cookie(cookies::ACCESS, &encoded(&both), ACCESS_MAX_AGE),
        ];
        cookies.into_iter().flatten().collect()
    }

    /// The values of `Set-Cookie` that take every session of the project that `request` carries out of the browser.
    ///
    /// Those that the SDK keeps for a parent domain stay: it is the SDK that knows them. End the session at Hexclave first, so
    /// that nothing can be had with what stays.
    #[must_use]
    pub fn forget(&self, request: &HeaderMap) -> Vec<HeaderValue> {
        let names = cookies::names(request, &self.project);
        names.iter().filter_map(|name| self.cookie(name, "", 0)).collect()
    }

    fn refresh_name(&self) -> String {
        let host = if self.is_secure { cookies::HOST } else { "" };
        format!("{host}hexclave-refresh-{}--default", self.project)
    }

    /// `None` never: names and values are ASCII.
    fn cookie(&self, name: &str, value: &str, max_age: u32) -> Option<HeaderValue> {
        // Browsers take a name with this prefix from nobody who does not say so.
        let secure = self.is_secure || name.starts_with(cookies::HOST);
        let cookie = Zeroizing::new(format!(
            "{name}={value}; Path=/; Max-Age={max_age}; SameSite=Lax{}{}",
            if secure { "; Secure" } else { "" },
            if self.is_http_only { "; HttpOnly" } else { "" },
        ));
        let mut value = HeaderValue::from_str(&cookie).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for SessionCookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCookies")
            .field("project", &self.project)
            .field("is_secure", &self.is_secure)
            .field("is_http_only", &self.is_http_only)
            .finish()
    }
}

fn encoded(value: &impl Serialize) -> Zeroizing<String> {
    // Texts and numbers always have a JSON text.
    let json = Zeroizing::new(serde_json::to_string(value).unwrap_or_default());
    Zeroizing::new(utf8_percent_encode(&json, ENCODED).to_string())
}
