//! The way to a provider's key set: inside the provider's own `data:` URI, or somewhere on the network.

use std::time::Duration;

use data_url::{DataUrl, DataUrlError};
use http::{HeaderValue, StatusCode, Uri, header};
use reqwest::{Client, redirect};
use url::{Host, Url};

use crate::{
    ConvexError, Provider,
    error::{Kind, quoted},
};

const MAX_DOCUMENT_LEN: usize = 1024 * 1024;
const MAX_REDIRECTS: usize = 10;
const TIMEOUT: Duration = Duration::from_secs(10);

/// The bytes of the document that a provider's `jwks` names.
pub(crate) async fn key_document(client: &Client, jwks: &str) -> Result<Vec<u8>, ConvexError> {
    let invalid = || ConvexError::invalid("Invalid JWKS data URL: it cannot be decoded");
    match DataUrl::process(jwks) {
        Ok(data) => {
            let decoded = data.decode_to_vec();
            decoded
                .map(|(document, _fragment)| document)
                .map_err(|_| invalid())
        }
        Err(DataUrlError::NoComma) => Err(invalid()),
        Err(DataUrlError::NotADataUrl) => get(client, jwks).await,
    }
}

/// A client that follows redirects as far as Convex's does, and goes past proxies if all providers' keys are
/// on this machine.
pub(crate) fn default_client(providers: &[Provider]) -> Result<Client, ConvexError> {
    let mut client = Client::builder()
        .user_agent(concat!("hexclave-convex/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::limited(MAX_REDIRECTS));
    if providers.iter().filter_map(Provider::jwks).all(is_local) {
        client = client.no_proxy();
    }
    client.build().map_err(|error| {
        ConvexError::new(Kind::Internal, "the HTTP client could not be set up").with_source(error)
    })
}

async fn get(client: &Client, url: &str) -> Result<Vec<u8>, ConvexError> {
    let shown = shown(url);
    // Convex hands the text to the same parser, and treats what it refuses as a failure of its own.
    if let Err(error) = url.parse::<Uri>() {
        let message = format!("the provider's `jwks` {shown} is not a URI");
        return Err(ConvexError::new(Kind::Internal, message).with_source(error));
    }
    let failed = |error: reqwest::Error| {
        ConvexError::invalid(format!("Could not fetch JWKS from URL {shown}"))
            .unreachable(!error.is_builder() && !error.is_redirect())
            .with_source(error.without_url())
    };
    let request = client
        .get(url)
        .header(header::ACCEPT, "application/json")
        .timeout(TIMEOUT);
    let mut response = request.send().await.map_err(failed)?;

    let status = response.status();
    if status != StatusCode::OK {
        let message = format!(
            "Could not fetch JWKS from URL {shown}: the server answered {}",
            status.as_u16()
        );
        let may_pass = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        return Err(ConvexError::invalid(message).unreachable(may_pass));
    }
    if !is_json(response.headers().get(header::CONTENT_TYPE)) {
        return Err(ConvexError::invalid(format!(
            "Invalid Content-Type of the JWKS at {shown}: expected application/json or \
             application/jwk-set+json, in UTF-8"
        )));
    }
    let mut document = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        document.extend_from_slice(&chunk);
        if document.len() > MAX_DOCUMENT_LEN {
            return Err(ConvexError::invalid(format!(
                "Could not fetch JWKS from URL {shown}: the answer has more than {MAX_DOCUMENT_LEN} bytes"
            )));
        }
    }
    Ok(document)
}

fn is_json(content_type: Option<&HeaderValue>) -> bool {
    let Some(text) = content_type.and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let utf8 = |parameter: &str| {
        parameter.split_once('=').is_none_or(|(name, value)| {
            !name.trim().eq_ignore_ascii_case("charset")
                || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    };
    matches!(essence.as_str(), "application/json" | "application/jwk-set+json") && parts.all(utf8)
}

fn is_local(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => url.scheme() == "data",
    })
}

/// A URL may carry a password, so it is only shown if it cannot have one.
fn shown(url: &str) -> String {
    if url.contains('@') {
        "(not shown, it may hold a password)".to_owned()
    } else {
        quoted(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_in_utf8_is_read() {
        let read = |value: &'static str| is_json(Some(&HeaderValue::from_static(value)));
        for good in [
            "application/json",
            "Application/JSON ; Charset=\"UTF-8\"",
            "application/jwk-set+json; charset=utf-8; x=y",
        ] {
            assert!(read(good), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/jsonp",
            "application/json; charset=latin1",
        ] {
            assert!(!read(bad), "{bad}");
        }
        assert!(!is_json(None));
    }

    #[test]
    fn keys_on_this_machine_are_known() {
        for local in [
            "http://localhost:8102/x",
            "http://127.0.0.2/",
            "https://[::1]/",
            "data:,{}",
        ] {
            assert!(is_local(local), "{local}");
        }
        for remote in ["https://api.hexclave.com/", "http://localhost.example.com/", ""] {
            assert!(!is_local(remote), "{remote}");
        }
    }
}
