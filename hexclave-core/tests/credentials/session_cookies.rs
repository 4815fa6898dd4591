//! The cookies in which an application keeps a session itself.

use std::time::{Duration, UNIX_EPOCH};

use hexclave_core::{AccessToken, CredentialSource, RefreshToken, SessionCookies};
use http::HeaderValue;

use super::{PROJECT, config, everywhere, headers};

/// The pairs that a browser sends back, and the attributes that it goes by.
fn sent_back(set: &[HeaderValue]) -> (String, Vec<String>) {
    let texts = set.iter().map(|value| value.to_str().expect("ASCII"));
    let parts: Vec<_> = texts
        .map(|text| text.split_once("; ").expect("attributes"))
        .collect();
    let pairs: Vec<_> = parts.iter().map(|(pair, _)| *pair).collect();
    let attributes = parts.iter().map(|(_, attributes)| (*attributes).to_owned());
    (pairs.join("; "), attributes.collect())
}

#[test]
fn a_session_that_is_kept_in_cookies_is_read_from_them() {
    let strict = SessionCookies::new(&config());
    let scripts = strict.clone().insecure().readable_by_scripts();
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    // Whatever a token holds, nothing of it ends a cookie.
    let (refresh, access) = ("kept;\"\\,=%", "d.e.f");
    for (cookies, name, attributes) in [
        (&strict, "__Host-hexclave-refresh-", "; Secure; HttpOnly"),
        (&scripts, "hexclave-refresh-", ""),
    ] {
        let set = cookies.keep(&RefreshToken::from(refresh), &AccessToken::from(access), at(7));
        assert!(set.iter().all(HeaderValue::is_sensitive));
        let (sent, written) = sent_back(&set);
        assert!(sent.starts_with(&format!("{name}{PROJECT}--default=")), "{sent}");
        assert_eq!(
            written,
            [
                format!("Path=/; Max-Age=31536000; SameSite=Lax{attributes}"),
                format!("Path=/; Max-Age=86400; SameSite=Lax{attributes}"),
            ]
        );
        let sent = format!("theme=dark; {sent}; lang=en");
        let found = (
            Some(CredentialSource::Cookie),
            Some(access.to_owned()),
            Some(refresh.to_owned()),
        );
        assert_eq!(everywhere(&[("cookie", &sent)]), Ok(found));
        assert!(!format!("{cookies:?} {set:?}").contains("kept"));
    }

    // Of two sessions the one that was kept last counts, whatever the browser sends first.
    let kept = |cookies: &SessionCookies, token: &str, seconds| {
        sent_back(&cookies.keep(
            &RefreshToken::from(token),
            &AccessToken::from("a.b.c"),
            at(seconds),
        ))
        .0
    };
    let (earlier, later) = (kept(&scripts, "earlier", 7), kept(&strict, "later", 8));
    for sent in [format!("{earlier}; {later}"), format!("{later}; {earlier}")] {
        let (_, _, refresh) = everywhere(&[("cookie", &sent)]).expect("credentials");
        assert_eq!(refresh.as_deref(), Some("later"));
    }
}

#[test]
fn every_session_of_the_project_is_forgotten() {
    let other = "22222222-2222-4333-8444-555555555555";
    let ours = [
        format!("__Host-hexclave-refresh-{PROJECT}--default"),
        format!("hexclave-refresh-{PROJECT}--default"),
        format!("stack-refresh-{PROJECT}--custom-ABC"),
        format!("stack-refresh-{PROJECT}"),
        "stack-refresh".to_owned(),
        "hexclave-access".to_owned(),
        "stack-access".to_owned(),
    ];
    let others = [
        format!("hexclave-refresh-{other}--default"),
        format!("hexclave-refresh-{PROJECT}0"),
        "hexclave-oauth-outer-1".to_owned(),
        "theme".to_owned(),
    ];
    let sent: Vec<_> = ours
        .iter()
        .chain(&others)
        .map(|name| format!("{name}=kept"))
        .collect();
    let request = headers(&[("cookie", &sent.join("; "))]);
    for cookies in [
        SessionCookies::new(&config()),
        SessionCookies::new(&config()).insecure(),
    ] {
        let set = cookies.forget(&request);
        let (sent, attributes) = sent_back(&set);
        let names: Vec<_> = ours.iter().map(|name| format!("{name}=")).collect();
        assert_eq!(sent, names.join("; "));
        assert!(
            attributes
                .iter()
                .all(|attributes| attributes.contains("Max-Age=0;"))
        );
        // Without, a browser does not let go of it.
        assert!(
            attributes
                .first()
                .is_some_and(|attributes| attributes.contains("; Secure"))
        );
        assert_eq!(
            cookies.forget(&headers(&[("cookie", "theme=dark")])),
            [] as [HeaderValue; 0]
        );
    }
}
