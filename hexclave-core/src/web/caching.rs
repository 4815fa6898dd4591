//! What keeps one user's response out of another's hands.

use http::{
    HeaderMap,
    header::{self, HeaderValue},
};

use crate::CredentialSources;

pub(super) const CACHE_CONTROL: &str = "private, no-store";

/// Completes the headers of a response; what the handler has set stays.
pub(super) fn keep_private(headers: &mut HeaderMap, sources: CredentialSources) {
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static(CACHE_CONTROL));
    let listed = headers.get_all(header::VARY).into_iter();
    let missing = missing_vary(sources, listed.filter_map(|value| value.to_str().ok()));
    if let Some(Ok(vary)) = missing.map(HeaderValue::try_from) {
        headers.append(header::VARY, vary);
    }
}

/// The headers that were looked at and that no `Vary` of the handler lists yet.
pub(super) fn missing_vary<'a>(
    sources: CredentialSources,
    listed: impl Iterator<Item = &'a str>,
) -> Option<String> {
    let listed: Vec<_> = listed.flat_map(|value| value.split(',')).map(str::trim).collect();
    if listed.contains(&"*") {
        return None;
    }
    let mut missing = sources.header_names().filter(|name| {
        !listed
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name.as_str()))
    });
    let first = missing.next()?.to_string();
    Some(missing.fold(first, |list, name| format!("{list}, {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CredentialSource;

    #[test]
    fn the_handlers_own_headers_stay() {
        let sources = CredentialSources::only(CredentialSource::Bearer).and(CredentialSource::Cookie);
        for (own, expected) in [
            (&[][..], &["authorization, cookie"][..]),
            (&["accept, Cookie"], &["accept, Cookie", "authorization"]),
            (&["cookie", "authorization"], &["cookie", "authorization"]),
            (&["*"], &["*"]),
        ] {
            let mut headers = HeaderMap::new();
            for value in own {
                headers.append(header::VARY, HeaderValue::from_static(value));
            }
            keep_private(&mut headers, sources);
            let vary: Vec<_> = headers.get_all(header::VARY).into_iter().collect();
            assert_eq!(vary, expected);
            assert_eq!(headers.get(header::CACHE_CONTROL).expect("one"), CACHE_CONTROL);
        }
        let mut headers =
            HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static("private"))]);
        keep_private(&mut headers, sources);
        assert_eq!(headers.get(header::CACHE_CONTROL).expect("one"), "private");
    }
}
