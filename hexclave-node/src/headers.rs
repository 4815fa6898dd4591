use http::{HeaderMap, HeaderName, HeaderValue};

/// Never part of a header that means something.
const UNREADABLE: u8 = 0xff;

/// The headers of a request: names and values in turn.
pub(crate) fn read(names_and_values: &[String]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for pair in names_and_values.chunks_exact(2) {
        if let [name, value] = pair
            && let Ok(name) = name.parse::<HeaderName>()
        {
            headers.append(name, header_value(value));
        }
    }
    headers
}

/// What no HTTP server lets through is kept as something that nobody can read, so that it is refused and not overlooked.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| {
        let allowed = |byte: u8| byte == b'\t' || (b' '..0x7f).contains(&byte);
        let bytes: Vec<u8> = text
            .bytes()
            .map(|byte| if allowed(byte) { byte } else { UNREADABLE })
            .collect();
        HeaderValue::from_bytes(&bytes).unwrap_or_else(|_| HeaderValue::from_static(""))
    })
}
