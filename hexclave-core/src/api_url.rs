use std::{fmt, str::FromStr};

use url::{Host, Url};

use crate::{Error, ProjectId, UserKind, error::quoted};

/// Hosts that serve the same projects with the same keys: the old name and the new one.
const HOST_PAIRS: [(&str, &str); 3] = [
    ("api.stack-auth.com", "api.hexclave.com"),
    ("api.dev.stack-auth.com", "api.dev.hexclave.com"),
    ("api.staging.stack-auth.com", "api.staging.hexclave.com"),
];

/// The base URL of a Hexclave API, such as `https://api.hexclave.com`.
///
/// It must be `https`; plain `http` is for loopback hosts only, since whoever can change the answer of the key
/// server can sign in as anybody.
///
/// ```
/// use hexclave_core::ApiUrl;
///
/// let local: ApiUrl = "http://localhost:8102/".parse()?;
/// assert_eq!(local.to_string(), "http://localhost:8102");
/// assert!("http://hexclave.example.com".parse::<ApiUrl>().is_err());
/// # Ok::<(), hexclave_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ApiUrl {
    base: String,
    origin: String,
    loopback: bool,
}

impl ApiUrl {
    /// The host that issues tokens under the other name of the same deployment, if this is one of the known pairs
    /// (`api.hexclave.com` and `api.stack-auth.com`, likewise `api.dev.…` and `api.staging.…`).
    #[must_use]
    pub fn alias(&self) -> Option<Self> {
        HOST_PAIRS
            .iter()
            .find_map(|(old, new)| {
                let (old, new) = (format!("https://{old}"), format!("https://{new}"));
                match self.origin.as_str() {
                    origin if origin == old => Some(new),
                    origin if origin == new => Some(old),
                    _ => None,
                }
            })
            .map(|origin| Self {
                base: origin.clone(),
                origin,
                loopback: false,
            })
    }

    /// The `iss` of the tokens that this host issues to one kind of user of a project.
    ///
    /// Hexclave drops a path of the base URL here.
    #[must_use]
    pub fn issuer(&self, project: &ProjectId, kind: UserKind) -> String {
        let folder = match kind {
            UserKind::Normal => "projects",
            UserKind::Restricted => "projects-restricted-users",
            UserKind::Anonymous => "projects-anonymous-users",
        };
        format!("{}/api/v1/{folder}/{project}", self.origin)
    }

    /// Where the host publishes the project's public keys: those of `kind`, and those of the kinds that Hexclave
    /// considers included (a query for restricted users includes the normal ones', one for anonymous users all).
    #[must_use]
    pub fn jwks_url(&self, project: &ProjectId, kind: UserKind) -> String {
        let query = match kind {
            UserKind::Normal => "",
            UserKind::Restricted => "?include_restricted=true",
            UserKind::Anonymous => "?include_anonymous=true",
        };
        format!(
            "{}/api/v1/projects/{project}/.well-known/jwks.json{query}",
            self.base
        )
    }

    /// The URL as text, without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.base
    }

    /// Where an endpoint of the API is.
    #[cfg(feature = "api")]
    pub(crate) fn endpoint(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.base)
    }

    /// The hosts that Hexclave's SDKs turn to when its cloud does not answer (upstream's `urls.tsx`,
    /// `getHardcodedFallbackUrls`).
    #[cfg(feature = "api")]
    pub(crate) fn cloud_fallbacks() -> [Self; 2] {
        ["https://api1.hexclave.com", "https://api2.hexclave.com"].map(|origin| Self {
            base: origin.to_owned(),
            origin: origin.to_owned(),
            loopback: false,
        })
    }

    pub(crate) fn is_loopback(&self) -> bool {
        self.loopback
    }
}

/// A URL of a server that is trusted to say what is true: over TLS, unless it is on this machine.
pub(crate) struct ServerUrl {
    pub(crate) url: Url,
    pub(crate) loopback: bool,
}

impl ServerUrl {
    /// Fails with what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("its scheme is neither https nor http".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it must not carry a user name or password".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("it must not have a query or a fragment".to_owned());
        }
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err("it has no host".to_owned()),
        };
        if url.scheme() == "http" && !loopback {
            return Err("plain http is accepted for loopback hosts only, use https".to_owned());
        }
        Ok(Self { url, loopback })
    }
}

/// A URL that was refused, for an error: it may carry a password, so it is only shown where it can have none.
pub(crate) fn shown(url: &str) -> String {
    if url.contains('@') {
        "the given URL".to_owned()
    } else {
        quoted(url)
    }
}

impl Default for ApiUrl {
    /// Hexclave's own cloud, `https://api.hexclave.com`.
    fn default() -> Self {
        let origin = "https://api.hexclave.com".to_owned();
        Self {
            base: origin.clone(),
            origin,
            loopback: false,
        }
    }
}

impl FromStr for ApiUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            Error::config(format!(
                "{} is not a usable Hexclave API URL: {why} (expected something like https://api.hexclave.com)",
                shown(text)
            ))
        };
        let ServerUrl { url, loopback } = ServerUrl::parse(text).map_err(|why| refuse(&why))?;
        let path = url.path().trim_end_matches('/');
        if path.ends_with("/api/v1") || path.ends_with("/api/latest") {
            return Err(refuse("leave out the trailing /api/v1, it is added by itself"));
        }
        let origin = url.origin().ascii_serialization();
        Ok(Self {
            base: format!("{origin}{path}"),
            origin,
            loopback,
        })
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl fmt::Debug for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiUrl({})", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(text: &str) -> ApiUrl {
        text.parse().expect("a usable URL")
    }

    #[test]
    fn issuers_and_key_urls_are_hexclaves() {
        let project: ProjectId = "internal".parse().expect("a project");
        let api = api("HTTPS://Self-Hosted.example.com:443/auth/");
        assert_eq!(
            api.issuer(&project, UserKind::Anonymous),
            "https://self-hosted.example.com/api/v1/projects-anonymous-users/internal"
        );
        assert_eq!(
            api.jwks_url(&project, UserKind::Restricted),
            "https://self-hosted.example.com/auth/api/v1/projects/internal/.well-known/jwks.json?include_restricted=true"
        );
    }

    #[test]
    fn only_known_hosts_have_an_alias() {
        assert_eq!(
            ApiUrl::default().alias().as_ref().map(ApiUrl::as_str),
            Some("https://api.stack-auth.com")
        );
        assert_eq!(
            api("https://api.staging.stack-auth.com")
                .alias()
                .as_ref()
                .map(ApiUrl::as_str),
            Some("https://api.staging.hexclave.com")
        );
        for unknown in [
            "https://hexclave.com",
            "https://api.hexclave.com:8443",
            "https://evil-api.hexclave.com",
            "http://localhost:8102",
        ] {
            assert_eq!(api(unknown).alias(), None, "{unknown}");
        }
    }

    #[test]
    fn unusable_urls_are_explained() {
        for (bad, why) in [
            ("", "relative URL"),
            ("api.hexclave.com", "relative URL"),
            ("ftp://api.hexclave.com", "neither https nor http"),
            ("http://api.hexclave.com", "loopback"),
            ("http://localhost.evil.com", "loopback"),
            ("https://api.hexclave.com/api/v1", "/api/v1"),
            ("https://api.hexclave.com?x=1", "query"),
        ] {
            let error = bad.parse::<ApiUrl>().expect_err(bad).to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
        let error = "https://ada:hunter2@api.hexclave.com"
            .parse::<ApiUrl>()
            .expect_err("a password")
            .to_string();
        assert!(
            error.contains("password") && !error.contains("hunter2"),
            "{error}"
        );
    }
}
