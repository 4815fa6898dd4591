//! Which pages may do what in a browser.

use std::{
    error::Error,
    fmt::{self, Display},
    str::FromStr,
    sync::Arc,
};

use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{self},
};

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Origins of pages as browsers spell them (RFC 6454, section 6.2).
#[derive(Clone, Debug, Default)]
pub(super) struct Origins(Arc<[HeaderValue]>);

impl Origins {
    pub(super) fn iter(&self) -> impl Iterator<Item = &HeaderValue> {
        self.0.iter()
    }

    /// Whether the cookies of a request count. A browser sends them whoever caused the request; with each one that other
    /// pages can make change something, or read the answer of, it also says whose page it was (Fetch, section
    /// 3.2, "Origin header"), and no page can lie about it.
    ///
    /// Without `Origin` it is somebody following a link, the page's own `GET`, or no browser. Otherwise the page must be of
    /// an origin that is listed, or of the application's own. Browsers say whether it is, in `Sec-Fetch-Site` (Fetch
    /// Metadata), to all that is reached over https or on localhost. Where one does not, the origin must have the host
    /// that the proxy was asked for, and be of https where the proxy says that it was asked over https: a page of the same host
    /// over http may be anybody's who is on the line. (A proxy behind another may take https for http, never the reverse.)
    pub(super) fn take_cookies_of(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).into_iter();
        let Some(origin) = origins.next() else {
            return true;
        };
        if origins.next().is_some() {
            return false;
        }
        let is_own = match headers.get(FETCH_SITE) {
            Some(site) => site == "same-origin",
            None => is_of_host(origin, headers),
        };
        is_own || self.0.contains(origin)
    }
}

/// Whether an origin is that of the host which the request, or the one that a proxy asks about, was sent to.
fn is_of_host(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let same = |text: &str, header: &HeaderValue| text.as_bytes().eq_ignore_ascii_case(header.as_bytes());
    let host = headers.get(FORWARDED_HOST).or_else(|| headers.get(header::HOST));
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let (Some((scheme, authority)), Some(host)) = (origin, host) else {
        return false;
    };
    let proto = headers.get(FORWARDED_PROTO);
    let is_safe = scheme == "https" || proto.is_none_or(|proto| same(scheme, proto));
    same(authority, host) && is_safe
}

impl FromStr for Origins {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        text.split(',')
            .map(str::trim)
            .filter(|origin| !origin.is_empty())
            .map(origin)
            .collect::<Result<Arc<[_]>, _>>()
            .map(Self)
    }
}

fn origin(text: &str) -> Result<HeaderValue, NotAnOrigin> {
    let not_one = || NotAnOrigin(text.to_owned());
    let uri: Uri = text.parse().map_err(|_| not_one())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(not_one());
    };
    // As browsers spell it: lower case, no default port, no path and no user.
    let is_default = matches!(
        (scheme, authority.port_u16()),
        ("http", Some(80)) | ("https", Some(443))
    );
    let spelt = format!("{scheme}://{authority}").to_ascii_lowercase();
    let is_plain = spelt == text && !is_default && !authority.as_str().contains(['@', '*']);
    match (matches!(scheme, "http" | "https") && is_plain, text.parse()) {
        (true, Ok(value)) => Ok(value),
        _ => Err(not_one()),
    }
}

/// A text is no origin.
#[derive(Debug)]
pub(super) struct NotAnOrigin(String);

impl Display for NotAnOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not an origin: expected https://app.example.com, in lower case, with the port if it is not the \
             usual one, and nothing behind it",
            self.0
        )
    }
}

impl Error for NotAnOrigin {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_spelt_as_browsers_spell_them() {
        for good in [
            "https://app.example.com",
            "http://localhost:3000",
            "https://a.example, https://b.example:8443,",
            "http://[::1]:3000",
        ] {
            good.parse::<Origins>().unwrap_or_else(|error| panic!("{error}"));
        }
        for bad in [
            "*",
            "https://*",
            "https://*.example.com",
            "null",
            "app.example.com",
            "https://app.example.com/",
            "https://app.example.com/path",
            "https://App.example.com",
            "https://app.example.com:443",
            "http://app.example.com:80",
            "ftp://app.example.com",
            "https://ada@app.example.com",
        ] {
            bad.parse::<Origins>().expect_err(bad);
        }
    }

    #[test]
    fn cookies_count_on_pages_of_the_same_and_of_listed_origins() {
        let origins: Origins = "https://app.example.com".parse().expect("an origin");
        for (headers, counts) in [
            (&[][..], true),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("origin", "https://app.example.com")], true),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "null")], false),
            (&[("origin", "http://app.example.com")], false),
            (&[("origin", "https://app.example.com.evil.example")], false),
            (
                &[("origin", "https://own.example"), ("host", "own.example")],
                true,
            ),
            (
                &[("origin", "https://own.example:8443"), ("host", "own.example")],
                false,
            ),
            (
                &[
                    ("origin", "https://own.example"),
                    ("host", "bridge:8787"),
                    ("x-forwarded-host", "Own.example"),
                ],
                true,
            ),
            (
                &[
                    ("origin", "https://bridge:8787"),
                    ("host", "bridge:8787"),
                    ("x-forwarded-host", "own.example"),
                ],
                false,
            ),
            (
                &[
                    ("origin", "https://own.example"),
                    ("host", "bridge:8787"),
                    ("sec-fetch-site", "same-origin"),
                ],
                true,
            ),
            (
                &[
                    ("origin", "http://own.example"),
                    ("host", "own.example"),
                    ("sec-fetch-site", "cross-site"),
                ],
                false,
            ),
            (
                &[
                    ("origin", "http://own.example"),
                    ("host", "own.example"),
                    ("x-forwarded-proto", "https"),
                ],
                false,
            ),
            (
                &[
                    ("origin", "https://own.example"),
                    ("host", "own.example"),
                    ("x-forwarded-proto", "https"),
                ],
                true,
            ),
            (
                &[
                    ("origin", "https://own.example"),
                    ("host", "own.example"),
                    ("x-forwarded-proto", "http"),
                ],
                true,
            ),
            (
                &[
                    ("origin", "https://app.example.com"),
                    ("sec-fetch-site", "same-site"),
                ],
                true,
            ),
            (
                &[
                    ("origin", "https://sub.own.example"),
                    ("sec-fetch-site", "same-site"),
                ],
                false,
            ),
            (
                &[
                    ("origin", "https://app.example.com"),
                    ("origin", "https://evil.example"),
                ],
                false,
            ),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, HeaderValue::from_static(value));
            }
            assert_eq!(origins.take_cookies_of(&map), counts, "{headers:?}");
        }
    }
}
