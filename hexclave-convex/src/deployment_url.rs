use std::{fmt, str::FromStr};

use url::{Host, Url};

use crate::{Error, ErrorKind, error::quoted};

/// The URL of a Convex deployment, such as `https://happy-animal-123.convex.cloud`.
///
/// It must be `https`; plain `http` is for loopback hosts only, since tokens go there.
///
/// ```
/// use hexclave_convex::DeploymentUrl;
///
/// let local: DeploymentUrl = "http://127.0.0.1:3210/".parse()?;
/// assert_eq!(local.as_str(), "http://127.0.0.1:3210");
/// assert!("http://happy-animal-123.convex.cloud".parse::<DeploymentUrl>().is_err());
/// # Ok::<(), hexclave_convex::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DeploymentUrl {
    text: String,
    is_loopback: bool,
}

impl DeploymentUrl {
    /// The URL as text, without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[cfg(feature = "functions")]
    pub(crate) fn is_loopback(&self) -> bool {
        self.is_loopback
    }
}

impl FromStr for DeploymentUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // What may hold a secret is not repeated.
        let shown = match text.contains(['@', '?', '#']) {
            true => "this".to_owned(),
            false => quoted(text),
        };
        let unusable = |why: &str| {
            let message = format!("{shown} is not the URL of a Convex deployment: {why}");
            Error::new(ErrorKind::InvalidConfig, message)
        };
        let url = Url::parse(text)
            .map_err(|_| unusable("expected one such as https://happy-animal-123.convex.cloud"))?;
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback => {}
            "http" => return Err(unusable("http is for loopback hosts only, expected https")),
            _ => return Err(unusable("expected https")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(unusable("it has a user name or a password"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(unusable("there must be nothing behind the host"));
        }
        if url.domain().is_some_and(|name| name.ends_with(".convex.site")) {
            return Err(unusable(
                "HTTP actions are under .convex.site, functions under .convex.cloud",
            ));
        }
        Ok(Self {
            text: url.as_str().trim_end_matches('/').to_owned(),
            is_loopback,
        })
    }
}

impl fmt::Display for DeploymentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for DeploymentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeploymentUrl({})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_of_deployments() {
        for (good, text) in [
            (
                "https://happy-animal-123.convex.cloud",
                "https://happy-animal-123.convex.cloud",
            ),
            (
                "HTTPS://Happy-Animal-123.convex.cloud:443/",
                "https://happy-animal-123.convex.cloud",
            ),
            (
                "https://convex.example.com:8443",
                "https://convex.example.com:8443",
            ),
            ("http://localhost:3210", "http://localhost:3210"),
            ("http://[::1]:3210/", "http://[::1]:3210"),
            ("http://127.0.0.2", "http://127.0.0.2"),
        ] {
            let url: DeploymentUrl = good.parse().expect(good);
            assert_eq!(url.as_str(), text);
        }
        for (bad, why) in [
            ("", "expected one such as"),
            ("happy-animal-123", "expected one such as"),
            ("happy-animal-123.convex.cloud:443", "expected https"),
            ("ws://127.0.0.1:3210", "expected https"),
            ("http://happy-animal-123.convex.cloud", "loopback"),
            ("http://192.168.0.1:3210", "loopback"),
            ("http://localhost.example.com", "loopback"),
            ("https://ada:hidden@example.com", "a password"),
            ("https://example.com/api", "nothing behind the host"),
            ("https://example.com/?key=hidden", "nothing behind the host"),
            ("https://example.com/#hidden", "nothing behind the host"),
            ("https://happy-animal-123.convex.site", ".convex.cloud"),
            ("data:,x", "expected https"),
            ("https://", "expected one such as"),
        ] {
            let error = bad.parse::<DeploymentUrl>().expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(error.to_string().contains(why), "{bad}: {error}");
            assert!(!error.to_string().contains("hidden"), "{error}");
        }
    }
}
