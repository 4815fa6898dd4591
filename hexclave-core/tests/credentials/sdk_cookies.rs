//! The cookies of Hexclave's own clients.

use hexclave_core::CredentialSource;

use super::{PROJECT, everywhere, found};

/// The rules of `_extractRefreshTokenFromCookieMap` and `_getTokensFromCookies` in `@stackframe/js` 2.8.108.
#[test]
fn cookies_are_read_as_the_sdk_reads_them() {
    let refresh = |name: &str, token: &str, millis: u64| {
        format!("{name}=%7B%22refresh_token%22%3A%22{token}%22%2C%22updated_at_millis%22%3A{millis}%7D")
    };
    let ours = |name: &str, token: &str, millis: u64| refresh(&name.replace('P', PROJECT), token, millis);
    let cookies = |cookies: &[&str]| {
        let (source, access, refresh) = everywhere(&[("cookie", &cookies.join("; "))]).expect("cookies");
        assert!(source.is_none_or(|source| source == CredentialSource::Cookie));
        (access, refresh)
    };
    let kept = |cookie: &str| cookies(&[cookie]).1;

    for name in [
        "hexclave-refresh-P--default",
        "__Host-hexclave-refresh-P--default",
        "hexclave-refresh-P--custom-ABC",
        "stack-refresh-P--default",
        "__Host-stack-refresh-P--default",
        "stack-refresh-P--custom-ABC",
    ] {
        assert_eq!(kept(&ours(name, "kept", 1)).as_deref(), Some("kept"), "{name}");
    }
    for name in ["stack-refresh-P", "stack-refresh"] {
        assert_eq!(
            kept(&format!("{}=kept", name.replace('P', PROJECT))).as_deref(),
            Some("kept")
        );
    }
    for bad in [
        "hexclave-refresh-66666666-7777-4888-8999-aaaaaaaaaaaa--default",
        "hexclave-refresh-P",
        "__Secure-hexclave-refresh-P--default",
        "hexclave-refresh",
    ] {
        assert_eq!(kept(&ours(bad, "kept", 1)), None, "{bad}");
    }

    // The newest of a brand; no time is before all times; the first of equals; the new brand, then bare, then the old.
    let name = "hexclave-refresh-P--default";
    let custom = "hexclave-refresh-P--custom-X";
    let newest = |one: &str, other: &str| cookies(&[one, other]).1.expect("a token");
    assert_eq!(newest(&ours(name, "old", 1), &ours(custom, "new", 2)), "new");
    assert_eq!(newest(&ours(custom, "new", 2), &ours(name, "old", 1)), "new");
    assert_eq!(newest(&ours(custom, "one", 2), &ours(name, "two", 2)), "one");
    let timeless = format!("hexclave-refresh-{PROJECT}--default={{\"refresh_token\":\"old\"}}");
    assert_eq!(newest(&timeless, &ours(custom, "new", 0)), "new");
    let garbage = format!("hexclave-refresh-{PROJECT}--default=%7B%22");
    assert_eq!(newest(&garbage, &ours(custom, "new", 0)), "new");
    let old_brand = ours("stack-refresh-P--default", "old", 9);
    assert_eq!(newest(&old_brand, &ours(name, "new", 1)), "new");
    assert_eq!(newest(&old_brand, "stack-refresh=bare"), "bare");
    assert_eq!(
        newest("stack-refresh=bare", &format!("stack-refresh-{PROJECT}=own")),
        "own"
    );
    // The first cookie of a name.
    assert_eq!(newest(&ours(name, "first", 1), &ours(name, "second", 2)), "first");
    assert_eq!(newest("stack-refresh=first", "stack-refresh=second"), "first");

    // The access token that belongs to the refresh token, in both ways of encoding.
    let refresh = ours(name, "kept", 1);
    for access in [
        "hexclave-access=[%22kept%22%2C%22a.b.c%22]",
        "hexclave-access=%5B%22kept%22%2C%22a.b.c%22%5D",
        "hexclave-access=[\"kept\",\"a.b.c\"]",
        "stack-access=[%22kept%22%2C%22a.b.c%22]",
    ] {
        assert_eq!(
            cookies(&[access, &refresh]),
            (Some("a.b.c".into()), Some("kept".into()))
        );
        assert_eq!(cookies(&[access]), (None, None));
    }
    for access in [
        "hexclave-access=[%22other%22%2C%22a.b.c%22]",
        "hexclave-access=[%22kept%22]",
        "hexclave-access=[%22kept%22%2C%22a.b.c%22%2C1]",
        "hexclave-access=; stack-access=[%22kept%22%2C%22a.b.c%22]",
        "hexclave-access=a.b.c",
    ] {
        assert_eq!(
            cookies(&[access, &refresh]),
            (None, Some("kept".into())),
            "{access}"
        );
    }

    // HTTP/2 may send them apart.
    let apart = [
        ("cookie", refresh.as_str()),
        ("cookie", "stack-access=[%22kept%22%2C%22a.b.c%22]"),
    ];
    assert_eq!(
        everywhere(&apart),
        found(CredentialSource::Cookie, Some("a.b.c"), Some("kept"))
    );
}
