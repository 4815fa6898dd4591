//! `/verify`, and what happens to it while Hexclave is in trouble.

use hexclave_testkit::hexclave::Fault;
use serde_json::json;

use super::{client, header, json, service::Service};
use crate::{PASSWORD, PROJECT, hexclave, normal_user};

#[tokio::test]
async fn a_proven_user_is_told_in_headers() {
    let hexclave = hexclave().await;
    let (token, user_id) = normal_user(&hexclave).await;
    let service = Service::of(&hexclave, |_| {}).await;
    for path in ["/verify", "/verify/", "/verify/any/path?x=1"] {
        for method in [
            reqwest::Method::GET,
            reqwest::Method::POST,
            reqwest::Method::DELETE,
        ] {
            let request = client()
                .request(method, service.url(path))
                .header("x-stack-access-token", &token)
                .header("x-identity-kind", "admin")
                .header("x-request-id", "from-the-proxy");
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 200, "{path}");
            assert_eq!(header(&answer, "x-identity-user-id"), user_id);
            assert_eq!(header(&answer, "x-identity-project-id"), PROJECT);
            assert_eq!(header(&answer, "x-identity-kind"), "normal");
            assert_eq!(header(&answer, "x-identity-email"), "ada@example.com");
            assert_eq!(header(&answer, "x-identity-session-id").len(), 36);
            assert!(
                answer.headers().contains_key("x-identity-team-id"),
                "empty, but there"
            );
            assert_eq!(header(&answer, "cache-control"), "private, no-store");
            assert_eq!(header(&answer, "x-request-id"), "from-the-proxy");
            assert_eq!(answer.bytes().await.expect("a body").len(), 0);
        }
    }
    let (status, log) = service.stop().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(
        log.lines()
            .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
        "{log}"
    );
    assert!(log.contains(r#""request_id":"from-the-proxy""#) && log.contains(r#""route":"/verify""#));
    for personal in [token.as_str(), "ada@example.com", "eyJ"] {
        assert!(!log.contains(personal), "{log}");
    }
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why() {
    let hexclave = hexclave().await;
    let (token, _) = normal_user(&hexclave).await;
    let guest = hexclave.sign_up_anonymously().await.expect("tokens").access_token;
    let restricted = hexclave
        .sign_up("grace@example.com", PASSWORD)
        .await
        .expect("tokens");
    let other = restricted.access_token.expose();
    let service = Service::of(&hexclave, |_| {}).await;
    let bearer = |token: &str| vec![("authorization", format!("Bearer {token}"))];
    let two = vec![
        ("authorization", format!("Bearer {token}")),
        ("x-stack-access-token", other.to_owned()),
    ];
    for (headers, status, code) in [
        (Vec::new(), 401, "token_missing"),
        (bearer("garbage"), 401, "token_malformed"),
        (bearer(guest.expose()), 403, "kind_not_accepted"),
        (bearer(other), 403, "kind_not_accepted"),
        (two, 400, "conflicting_credentials"),
        (
            vec![(
                "cookie",
                format!("stack-refresh=r; stack-access=[\"r\",\"{token}\"]"),
            )],
            401,
            "token_missing",
        ),
    ] {
        let mut request = client().get(service.url("/verify"));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{code}");
        assert!(!answer.headers().contains_key("x-identity-user-id"), "{code}");
        assert_eq!(
            answer.headers().contains_key("www-authenticate"),
            status != 503,
            "{code}"
        );
        assert_eq!(json(answer).await["code"], code);
    }
    let widened = Service::of(&hexclave, |command| {
        command.args(["--allow", "normal,anonymous"]);
    })
    .await;
    let answer = client()
        .get(widened.url("/verify"))
        .bearer_auth(guest.expose())
        .send()
        .await;
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), header(&answer, "x-identity-kind")),
        (200, "anonymous")
    );
    assert_eq!(header(&answer, "x-identity-email"), "");
}

#[tokio::test]
async fn cookies_count_where_they_are_asked_for_and_not_on_other_sites_pages() {
    let hexclave = hexclave().await;
    let (token, user_id) = normal_user(&hexclave).await;
    let service = Service::of(&hexclave, |command| {
        command.args(["--cookies", "--origins", "https://app.example.com"]);
    })
    .await;
    let cookies = format!("stack-refresh=r; stack-access=[\"r\",\"{token}\"]");
    for (headers, status) in [
        (vec![], 200),
        (vec![("origin", "https://app.example.com")], 200),
        (
            vec![
                ("origin", "https://own.example"),
                ("x-forwarded-host", "own.example"),
            ],
            200,
        ),
        (
            vec![
                ("origin", "https://evil.example"),
                ("x-forwarded-host", "own.example"),
            ],
            403,
        ),
        (vec![("origin", "null")], 403),
    ] {
        let mut request = client().get(service.url("/verify")).header("cookie", &cookies);
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{headers:?}");
        let expected = if status == 200 { user_id.as_str() } else { "" };
        assert_eq!(header(&answer, "x-identity-user-id"), expected);
        assert!(
            answer
                .headers()
                .get_all("vary")
                .iter()
                .any(|name| name == "cookie")
        );
    }
    let with_token = client()
        .get(service.url("/verify"))
        .header("origin", "https://evil.example");
    let answer = with_token.bearer_auth(&token).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "no page gets at another's token");
}

#[tokio::test]
async fn without_keys_nobody_is_taken_for_signed_out() {
    let hexclave = hexclave().await;
    let (token, _) = normal_user(&hexclave).await;
    hexclave.inject(Fault::status(500));
    let service = Service::of(&hexclave, |command| {
        command.env("SUPABASE_JWT_SECRET", crate::JWT_SECRET);
    })
    .await;
    assert_eq!(
        reqwest::get(service.url("/livez"))
            .await
            .expect("an answer")
            .status(),
        200
    );
    for path in ["/verify", "/supabase/token", "/readyz"] {
        let answer = client().get(service.url(path)).bearer_auth(&token).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 503, "{path}");
        assert_eq!(header(&answer, "retry-after"), "5", "{path}");
        assert_eq!(json(answer).await["code"], "keys_unavailable", "{path}");
    }

    hexclave.heal();
    let service = Service::of(&hexclave, |_| {}).await.ready().await;
    hexclave.inject(Fault::status(500));
    let answer = client()
        .get(service.url("/verify"))
        .bearer_auth(&token)
        .send()
        .await;
    assert_eq!(answer.expect("an answer").status(), 200, "known keys stay in use");
    let answer = reqwest::get(service.url("/readyz")).await.expect("an answer");
    assert_eq!(json(answer).await["status"], json!("ready"));
}
