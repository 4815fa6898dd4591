//! What the headers of a delivery say: id, timestamp, signatures.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderMap;

use crate::{Error, ErrorKind};

/// Svix's spelling and that of Standard Webhooks.
pub(super) const SPELLINGS: [[&str; 3]; 2] = [
    ["svix-id", "svix-timestamp", "svix-signature"],
    ["webhook-id", "webhook-timestamp", "webhook-signature"],
];
const MAX_ID_LEN: usize = 256;
const MAX_SIGNATURES: usize = 16;
/// HMAC-SHA256.
const TAG_LEN: usize = 32;

/// A delivery's headers, unproven.
#[derive(Debug)]
pub(super) struct Seal {
    /// `{id}.{timestamp}` as sent: the beginning of what is signed.
    attempt: String,
    id_len: usize,
    timestamp: u64,
    signatures: Vec<[u8; TAG_LEN]>,
}

impl Seal {
    pub(super) fn from_headers(headers: &HeaderMap) -> Result<Self, Error> {
        let [id, timestamp, signatures] = [0, 1, 2].map(|which| one_value(headers, which));
        let (id, timestamp, signatures) = (id?, timestamp?, signatures?);

        // A full stop is what ends the id in the signed text.
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'.';
        if id.len() > MAX_ID_LEN || !id.bytes().all(plain) {
            return Err(malformed(format!(
                "its id is not 1 to {MAX_ID_LEN} visible characters without a full stop"
            )));
        }
        let is_canonical = timestamp.bytes().all(|byte| byte.is_ascii_digit())
            && (timestamp == "0" || !timestamp.starts_with('0'));
        let seconds = timestamp.parse().ok().filter(|_| is_canonical);
        let seconds =
            seconds.ok_or_else(|| malformed("its timestamp is not a whole number of seconds since 1970"))?;

        // Signatures of other versions are for other readers.
        let signatures: Vec<_> = signatures
            .split(' ')
            .filter_map(|entry| entry.strip_prefix("v1,"))
            .filter_map(|base64| STANDARD.decode(base64).ok()?.try_into().ok())
            .take(MAX_SIGNATURES)
            .collect();
        Ok(Self {
            attempt: format!("{id}.{timestamp}"),
            id_len: id.len(),
            timestamp: seconds,
            signatures,
        })
    }

    /// The message's id and the attempt's timestamp with a full stop between them.
    pub(super) fn attempt(&self) -> &str {
        &self.attempt
    }

    pub(super) fn id(&self) -> &str {
        self.attempt.get(..self.id_len).unwrap_or_default()
    }

    /// When the attempt was made, in seconds since 1970.
    pub(super) fn timestamp(&self) -> u64 {
        self.timestamp
    }

    pub(super) fn signatures(&self) -> impl Iterator<Item = &[u8]> {
        self.signatures.iter().map(<[u8; TAG_LEN]>::as_slice)
    }
}

/// The value of one of the three headers, which may come in both spellings but not with two values: what is proven
/// of one would be believed of the other.
fn one_value(headers: &HeaderMap, which: usize) -> Result<&str, Error> {
    let names = || SPELLINGS.iter().filter_map(|names| names.get(which));
    let either = || {
        names()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(" or ")
    };
    let mut values = names().flat_map(|name| headers.get_all(*name));
    let value = values
        .next()
        .ok_or_else(|| malformed(format!("it has no header {}: is the sender Hexclave?", either())))?;
    if values.any(|other| other != value) {
        return Err(malformed(format!("it has two different values for {}", either())));
    }
    value
        .to_str()
        .ok()
        .filter(|text| !text.is_empty())
        .ok_or_else(|| malformed(format!("its header {} has no readable value", either())))
}

fn malformed(why: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::WebhookMalformed,
        format!("the request is not a webhook delivery: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &str = "v1,QRQ96hk4ARuVBC+Ck/Iq/lMlKdUgqIKoZ4EiSos0UEI=";

    fn read(pairs: &[(&'static str, &str)]) -> Result<Seal, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("a header"));
        }
        Seal::from_headers(&headers).map_err(|error| {
            assert_eq!(error.kind(), ErrorKind::WebhookMalformed);
            error.to_string()
        })
    }

    fn with<'a>(id: &'a str, timestamp: &'a str, signature: &'a str) -> [(&'static str, &'a str); 3] {
        [
            ("svix-id", id),
            ("svix-timestamp", timestamp),
            ("svix-signature", signature),
        ]
    }

    #[test]
    fn both_spellings_are_read_and_must_agree() {
        let svix = with("msg_1", "1760000000", SIGNATURE);
        let standard = svix.map(|(name, value)| match name {
            "svix-id" => ("webhook-id", value),
            "svix-timestamp" => ("webhook-timestamp", value),
            _ => ("webhook-signature", value),
        });
        for headers in [svix.to_vec(), standard.to_vec(), [svix, standard].concat()] {
            let seal = read(&headers).expect("a seal");
            assert_eq!((seal.id(), seal.timestamp()), ("msg_1", 1_760_000_000));
            assert_eq!(seal.attempt(), "msg_1.1760000000");
            assert_eq!(seal.signatures().count(), 1);
        }
        for (extra, name) in [
            (("webhook-id", "msg_2"), "webhook-id"),
            (("svix-id", "msg_2"), "svix-id"),
            (("webhook-timestamp", "1760000001"), "webhook-timestamp"),
            (("webhook-signature", "v1,AAAA"), "webhook-signature"),
        ] {
            let error = read(&[&svix[..], &[extra]].concat()).expect_err(name);
            assert!(error.contains("two different") && error.contains(name), "{error}");
        }
        for missing in 0..3 {
            let mut headers = svix.to_vec();
            let (name, _) = headers.remove(missing);
            let error = read(&headers).expect_err(name);
            assert!(error.contains("no header") && error.contains(name), "{error}");
        }
    }

    #[test]
    fn ids_and_timestamps_have_one_spelling() {
        let long = "a".repeat(MAX_ID_LEN + 1);
        for id in ["", "a.b", "a b", long.as_str()] {
            assert!(read(&with(id, "1760000000", SIGNATURE)).is_err(), "{id}");
        }
        for timestamp in [
            "",
            "x",
            "-1",
            "+1760000000",
            "01760000000",
            "1760000000.0",
            "1.76e9",
            "99999999999999999999",
        ] {
            assert!(read(&with("msg_1", timestamp, SIGNATURE)).is_err(), "{timestamp}");
        }
    }

    #[test]
    fn signatures_that_cannot_be_compared_are_left_out() {
        let count = |text: &str| {
            let seal = read(&with("msg_1", "1760000000", text)).expect("a seal");
            seal.signatures().count()
        };
        assert_eq!(
            count(&format!(
                "v1a,AAAA {SIGNATURE}  v2,AAAA v1,%% v1,AAAA {SIGNATURE}"
            )),
            2
        );
        assert_eq!(count(&vec![SIGNATURE; 100].join(" ")), MAX_SIGNATURES);
        assert_eq!(count("QRQ96hk4ARuVBC+Ck/Iq/lMlKdUgqIKoZ4EiSos0UEI="), 0);
    }
}
