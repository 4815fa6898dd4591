//! The examples of the RFCs. Each is first shown to be genuine, by the algorithm that it names, so that it is
//! refused for what it is and not for a slip of the pen.

use aws_lc_rs::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
        RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
    },
};
use serde_json::{Value, json};

use super::{base64url, bytes};
use crate::{ErrorKind, KeySet, PublicKey, jws::Jws};

/// RFC 7515, appendix A.3.
const ES256: &str = concat!(
    "eyJhbGciOiJFUzI1NiJ9",
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
);

/// RFC 7515, appendix A.1 (and RFC 7519, section 3.1).
const HS256: &str = concat!(
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
);

/// RFC 7515, appendix A.2.
const RS256: &str = concat!(
    "eyJhbGciOiJSUzI1NiJ9",
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujG",
    "bds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K",
    "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6",
    "LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
);

/// RFC 7515, appendix A.4.
const ES512: &str = concat!(
    "eyJhbGciOiJFUzUxMiJ9",
    ".UGF5bG9hZA",
    ".AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwF",
    "KdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
);

/// RFC 7515, appendix A.5.
const UNSECURED: &str = concat!(
    "eyJhbGciOiJub25lIn0",
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
    ".",
);

/// RFC 7515, appendix E: an extension that nobody understands, which makes this no valid token for anybody.
const CRITICAL: &str = concat!(
    "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9leGFt",
    "cGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0",
    ".RkFJTA",
    ".",
);

/// RFC 7520, section 4.3.
const COOKBOOK_ES512: &str = concat!(
    "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
    ".SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0",
    "aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91",
    "IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4",
    ".AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPB",
    "u_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2",
);

/// RFC 8037, appendix A.4.
const EDDSA: &str = concat!(
    "eyJhbGciOiJFZERTQSJ9",
    ".RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
    ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
);

/// RFC 9449, section 4.1: ES256 by a key that the token brings along, under `typ` `dpop+jwt`.
const DPOP: &str = concat!(
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklD",
    "UkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2",
    "R1JEQSIsImNydiI6IlAtMjU2In19",
    ".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29t",
    "L3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ",
    ".2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg",
);

/// The key of RFC 7515, appendix A.3.
fn es256_jwk() -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "kid": "A.3",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

/// The key of RFC 7515, appendix A.4.
fn es512_jwk() -> Value {
    json!({
        "kty": "EC", "crv": "P-521", "kid": "A.4",
        "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
        "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
    })
}

/// RFC 7520, section 3.1.
fn cookbook_jwk() -> Value {
    json!({
        "kty": "EC", "kid": "bilbo.baggins@hobbiton.example", "use": "sig", "crv": "P-521",
        "x": "AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt",
        "y": "AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1",
    })
}

/// RFC 7517, appendix A.1: the first key, to encrypt to.
fn encryption_jwk() -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "use": "enc", "kid": "1",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    })
}

/// RFC 7520, section 5.5.1, the public half: to encrypt to as well.
fn cookbook_encryption_jwk() -> Value {
    json!({
        "kty": "EC", "kid": "meriadoc.brandybuck@buckland.example", "use": "enc", "crv": "P-256",
        "x": "Ze2loSV3wrroKUN_4zhwGhCqo3Xhu1td4QjeQ5wIVR0",
        "y": "HlLtdXARY_f55A3fnzQbPcm6hgr34Mp8p-nuzQCE0Zw",
    })
}

/// RFC 7515, appendix A.2, the public half.
fn rs256_jwk() -> Value {
    json!({
        "kty": "RSA", "kid": "A.2", "e": "AQAB",
        "n": concat!(
            "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4Ql",
            "L-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUs",
            "LA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoud",
            "F8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        ),
    })
}

fn member(jwk: &Value, name: &str) -> Vec<u8> {
    bytes(jwk[name].as_str().expect("text"))
}

fn point(jwk: &Value) -> Vec<u8> {
    [vec![4], member(jwk, "x"), member(jwk, "y")].concat()
}

/// What is signed, and the signature.
fn halves(token: &str) -> (&[u8], Vec<u8>) {
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    (signed.as_bytes(), bytes(signature))
}

fn genuine(token: &str, algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> bool {
    let (signed, signature) = halves(token);
    UnparsedPublicKey::new(algorithm, key)
        .verify(signed, &signature)
        .is_ok()
}

#[test]
fn the_examples_are_genuine() {
    assert!(genuine(ES256, &ECDSA_P256_SHA256_FIXED, &point(&es256_jwk())));
    assert!(genuine(ES512, &ECDSA_P521_SHA512_FIXED, &point(&es512_jwk())));
    assert!(genuine(
        COOKBOOK_ES512,
        &ECDSA_P521_SHA512_FIXED,
        &point(&cookbook_jwk())
    ));
    assert!(genuine(
        EDDSA,
        &ED25519,
        &bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    ));
    assert!(genuine(DPOP, &ECDSA_P256_SHA256_FIXED, &point(&dpop_jwk())));

    let (signed, signature) = halves(RS256);
    let rsa = RsaPublicKeyComponents {
        n: member(&rs256_jwk(), "n"),
        e: member(&rs256_jwk(), "e"),
    };
    assert!(
        rsa.verify(&RSA_PKCS1_2048_8192_SHA256, signed, &signature)
            .is_ok()
    );

    let (signed, signature) = halves(HS256);
    let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &bytes(secret));
    assert!(hmac::verify(&secret, signed, &signature).is_ok());
}

#[test]
fn the_es256_example_verifies() {
    let key = PublicKey::from_jwk(&es256_jwk()).expect("a key");
    let (signed, signature) = ES256.rsplit_once('.').expect("three parts");
    let mut raw = bytes(signature);
    assert!(key.verifies(signed.as_bytes(), &raw));

    for position in 0..signed.len() {
        let mut altered = signed.as_bytes().to_vec();
        altered[position] ^= 1;
        assert!(!key.verifies(&altered, &raw), "byte {position}");
    }
    for bit in 0..8 * raw.len() {
        raw[bit / 8] ^= 1 << (bit % 8);
        assert!(!key.verifies(signed.as_bytes(), &raw), "bit {bit}");
        raw[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(key.verifies(signed.as_bytes(), &raw));

    let (r, s) = raw.split_at(32);
    for wrong in [
        [s, r].concat(),
        [&[0; 32], s].concat(),
        [r, &[0; 32]].concat(),
        vec![0; 64],
        vec![0xff; 64],
        [&[0], r, &[0], s].concat(),
        r.to_vec(),
        vec![],
    ] {
        assert!(!key.verifies(signed.as_bytes(), &wrong), "{wrong:02x?}");
    }
}

/// The key is right and the signature is, but a token of Hexclave's names its key.
#[test]
fn the_es256_example_is_refused_for_its_missing_key_id() {
    let refusal = Jws::parse(ES256).expect_err("no `kid`");
    assert_eq!(refusal.kind(), ErrorKind::KeyIdMissing);

    let (_, rest) = ES256.split_once('.').expect("three parts");
    let named = format!("{}.{rest}", base64url(r#"{"alg":"ES256","kid":"A.3"}"#));
    let jws = Jws::parse(&named).expect("a token that names its key");
    assert_eq!(jws.key_id, "A.3");
    assert!(jws.payload.starts_with(r#"{"iss":"joe","#));
    let key = PublicKey::from_jwk(&es256_jwk()).expect("a key");
    assert!(!key.verifies(jws.signed.as_bytes(), &jws.signature));
}

#[test]
fn tokens_that_are_not_es256_are_refused() {
    for (name, token, expected) in [
        ("HS256", HS256, ErrorKind::UnsupportedAlgorithm),
        ("RS256", RS256, ErrorKind::UnsupportedAlgorithm),
        ("ES512", ES512, ErrorKind::UnsupportedAlgorithm),
        (
            "ES512 with a key id",
            COOKBOOK_ES512,
            ErrorKind::UnsupportedAlgorithm,
        ),
        ("EdDSA", EDDSA, ErrorKind::UnsupportedAlgorithm),
        ("none", UNSECURED, ErrorKind::UnsupportedAlgorithm),
        ("none with crit", CRITICAL, ErrorKind::UnsupportedAlgorithm),
        ("dpop+jwt", DPOP, ErrorKind::UnsupportedHeader),
    ] {
        let refusal = Jws::parse(token).expect_err(name);
        assert_eq!(refusal.kind(), expected, "{name}");
        assert!(refusal.is_refusal(), "{name}");
    }
}

/// RFC 7515, section 7.2: the signature is the same, the serialization is not that of a token.
#[test]
fn the_json_serializations_are_refused() {
    let [header, payload, signature]: [&str; 3] = ES256
        .split('.')
        .collect::<Vec<_>>()
        .try_into()
        .expect("three parts");
    let flattened = json!({
        "payload": payload, "protected": header, "signature": signature,
        "header": { "kid": "e9bc097a-ce51-4036-9562-d2ade882db0d" },
    });
    let general = json!({
        "payload": payload, "signatures": [{ "protected": header, "signature": signature }],
    });
    for token in [flattened, general] {
        let refusal = Jws::parse(&token.to_string()).expect_err("JSON").kind();
        assert_eq!(refusal, ErrorKind::TokenMalformed);
    }
}

/// RFC 7515, section 2: base64url has no padding and no other alphabet, and spare bits that are set would be another
/// spelling of the same bytes.
#[test]
fn a_second_spelling_of_a_part_is_refused() {
    let respelled = [
        ES256.replace("J9.", "J9=."),
        ES256.replace("lfQ.", "lfR."),
        ES256.replace("lfQ.", "lfQ==."),
        ES256.replace("NU1Q", "NU1R"),
        ES256.replace('-', "+").replace('_', "/"),
        format!("{ES256}=="),
        format!("{ES256}\n"),
        format!(" {ES256}"),
        ES256.replace('.', ".\n"),
    ];
    for token in respelled {
        // With a `kid`, so that the spelling alone is at fault.
        let header = base64url(r#"{"alg":"ES256","kid":"A.3"}"#);
        let token = token.replace("eyJhbGciOiJFUzI1NiJ9", &header);
        let refusal = Jws::parse(&token).expect_err(&token).kind();
        assert_eq!(refusal, ErrorKind::TokenMalformed, "{token:?}");
    }
}

#[test]
fn keys_of_the_wrong_kind_are_refused() {
    for (jwk, why) in [
        (es512_jwk(), "its `crv` is not P-256"),
        (cookbook_jwk(), "its `crv` is not P-256"),
        (encryption_jwk(), "its `use` is not `sig`"),
        (cookbook_encryption_jwk(), "its `use` is not `sig`"),
        (rs256_jwk(), "its `kty` is not EC"),
        (
            json!({ "kty": "oct", "kid": "A.1", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ" }),
            "its `kty` is not EC",
        ),
        (
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": "A", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
            "its `kty` is not EC",
        ),
        (dpop_jwk(), "it has no `kid`"),
    ] {
        let error = PublicKey::from_jwk(&jwk).expect_err(why);
        assert_eq!(error.to_string(), why);
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    }
    for mut jwk in [encryption_jwk(), cookbook_encryption_jwk()] {
        jwk["use"] = "sig".into();
        assert!(
            PublicKey::from_jwk(&jwk).is_ok(),
            "all but its use is right: {jwk}"
        );
    }
    let document = json!({ "keys": [cookbook_jwk(), encryption_jwk(), es256_jwk(), rs256_jwk()] });
    let keys = KeySet::from_json(document.to_string().as_bytes()).expect("one is usable");
    assert_eq!(keys.iter().map(PublicKey::id).collect::<Vec<_>>(), ["A.3"]);
}

/// The key in the header of [`DPOP`].
fn dpop_jwk() -> Value {
    let (header, _) = DPOP.split_once('.').expect("three parts");
    let header: Value = serde_json::from_slice(&bytes(header)).expect("JSON");
    header["jwk"].clone()
}
