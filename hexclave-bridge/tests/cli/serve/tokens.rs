//! Tokens for Supabase, and what else is handed out.

use hexclave_supabase::{JwtSecret, SupabaseVerifier};
use serde_json::{Value, json};

use super::{client, header, json as json_of, service::Service};
use crate::{JWT_SECRET, hexclave, normal_user};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

fn user_of(token: &Value) -> String {
    let verifier = SupabaseVerifier::new(JwtSecret::new(JWT_SECRET).expect("a secret"));
    let verified = verifier.verify(token.as_str().expect("a text")).expect("a token");
    verified.user_id().to_string()
}

#[tokio::test]
async fn an_access_token_is_exchanged() {
    let hexclave = hexclave().await;
    let (token, user_id) = normal_user(&hexclave).await;
    let guest = hexclave.sign_up_anonymously().await.expect("tokens").access_token;
    let service = Service::of(&hexclave, |command| {
        command
            .env("SUPABASE_JWT_SECRET", JWT_SECRET)
            .args(["--lifetime", "600"]);
    })
    .await;
    let good = [
        ("grant_type", GRANT),
        ("subject_token", token.as_str()),
        ("subject_token_type", ACCESS_TOKEN),
        ("audience", "supabase"),
    ];
    let exchange = |form: &[(&str, &str)]| client().post(service.url("/oauth/token")).form(form).send();

    for (wanted, issued) in [("", ACCESS_TOKEN), (ACCESS_TOKEN, ACCESS_TOKEN), (JWT, JWT)] {
        let form = [
            &good[..],
            &[
                ("requested_token_type", wanted),
                ("unknown", "x"),
                ("unknown", "y"),
            ],
        ]
        .concat();
        let answer = exchange(&form).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "cache-control"), "no-store");
        assert_eq!(header(&answer, "pragma"), "no-cache");
        let answer = json_of(answer).await;
        assert_eq!(user_of(&answer["access_token"]), user_id);
        assert_eq!(answer["issued_token_type"], issued);
        assert_eq!(answer["token_type"], "Bearer");
        let left = answer["expires_in"].as_u64().expect("a number");
        assert!((1..=600).contains(&left), "{left}");
    }

    let with = |name: &'static str, value: &'static str| {
        let rest = good.iter().filter(move |(known, _)| *known != name);
        rest.copied().chain([(name, value)]).collect::<Vec<_>>()
    };
    let and = |name: &'static str, value: &'static str| [&good[..], &[(name, value)]].concat();
    let guests: Vec<_> = good[..1]
        .iter()
        .copied()
        .chain([("subject_token", guest.expose())])
        .chain(good[2..].iter().copied())
        .collect();
    for (form, error, code) in [
        (vec![], "invalid_request", "grant_type_missing"),
        (with("grant_type", ""), "invalid_request", "grant_type_missing"),
        (
            with("grant_type", "client_credentials"),
            "unsupported_grant_type",
            "unsupported_grant_type",
        ),
        (and("grant_type", GRANT), "invalid_request", "repeated_parameter"),
        (
            with("subject_token", ""),
            "invalid_request",
            "subject_token_missing",
        ),
        (
            with("subject_token", "garbage"),
            "invalid_request",
            "token_malformed",
        ),
        (guests, "invalid_request", "kind_not_accepted"),
        (
            with("subject_token_type", "x"),
            "invalid_request",
            "subject_token_type",
        ),
        (
            with("subject_token_type", ""),
            "invalid_request",
            "subject_token_type",
        ),
        (with("audience", ""), "invalid_request", "audience_missing"),
        (with("audience", "convex"), "invalid_target", "invalid_target"),
        (and("audience", "convex"), "invalid_target", "invalid_target"),
        (
            and("resource", "https://example.com"),
            "invalid_target",
            "invalid_target",
        ),
        (
            and("requested_token_type", "x"),
            "invalid_request",
            "requested_token_type",
        ),
        (and("scope", "x"), "invalid_scope", "invalid_scope"),
        (and("actor_token", "x"), "invalid_request", "actor_token"),
    ] {
        let answer = exchange(&form).await.expect("an answer");
        assert_eq!(answer.status(), 400, "{code}");
        assert_eq!(header(&answer, "cache-control"), "no-store");
        let answer = json_of(answer).await;
        assert_eq!((&answer["error"], &answer["code"]), (&json!(error), &json!(code)));
        let description = answer["error_description"].as_str().expect("a text");
        assert!(
            !description.contains(['"', '\\']) && description.is_ascii(),
            "{description}"
        );
    }
    let post = || client().post(service.url("/oauth/token"));
    let answer = post()
        .body("{}")
        .header("content-type", "application/json")
        .send()
        .await;
    assert_eq!(
        json_of(answer.expect("an answer")).await["error"],
        "invalid_request"
    );
    let answer = post().form(&[("subject_token", "a".repeat(70_000))]).send().await;
    assert_eq!(answer.expect("an answer").status(), 413);
    let answer = reqwest::get(service.url("/oauth/token"))
        .await
        .expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), header(&answer, "allow")),
        (405, "POST")
    );
}

#[tokio::test]
async fn a_browser_gets_a_token_or_null() {
    let hexclave = hexclave().await;
    let (token, user_id) = normal_user(&hexclave).await;
    let service = Service::of(&hexclave, |command| {
        command
            .env("SUPABASE_JWT_SECRET", JWT_SECRET)
            .args(["--origins", "https://app.example.com,http://localhost:3000"]);
    })
    .await;
    let url = service.url("/supabase/token");
    let answer = client()
        .get(&url)
        .bearer_auth(&token)
        .header("origin", "https://app.example.com")
        .send()
        .await;
    let answer = answer.expect("an answer");
    assert_eq!(
        header(&answer, "access-control-allow-origin"),
        "https://app.example.com"
    );
    assert_eq!(
        header(&answer, "access-control-allow-credentials"),
        "",
        "no cookies are taken"
    );
    assert_eq!(header(&answer, "cache-control"), "no-store");
    let vary: Vec<_> = answer.headers().get_all("vary").iter().collect();
    let vary = format!("{vary:?}");
    assert!(
        vary.contains("authorization") && vary.contains("origin"),
        "{vary}"
    );
    assert_eq!(user_of(&json_of(answer).await["access_token"]), user_id);

    let signed_out = reqwest::get(&url).await.expect("an answer");
    assert_eq!(signed_out.status(), 200);
    assert_eq!(json_of(signed_out).await, Value::Null);
    let bad = client()
        .get(&url)
        .bearer_auth("garbage")
        .header("origin", "http://localhost:3000")
        .send()
        .await;
    let bad = bad.expect("an answer");
    assert_eq!(
        bad.status(),
        401,
        "never null: somebody takes himself for signed in"
    );
    assert_eq!(
        header(&bad, "access-control-allow-origin"),
        "http://localhost:3000"
    );

    for (origin, allowed) in [
        ("https://app.example.com", true),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let preflight = client()
            .request(reqwest::Method::OPTIONS, &url)
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization")
            .send()
            .await
            .expect("an answer");
        let expected = if allowed { origin } else { "" };
        assert_eq!(header(&preflight, "access-control-allow-origin"), expected);
        assert!(header(&preflight, "access-control-allow-headers").contains("authorization"));
    }
    let answer = client()
        .get(service.url("/verify"))
        .header("origin", "https://app.example.com")
        .send()
        .await;
    assert_eq!(
        header(&answer.expect("an answer"), "access-control-allow-origin"),
        "",
        "for proxies only"
    );

    let with_cookies = Service::of(&hexclave, |command| {
        command.env("SUPABASE_JWT_SECRET", JWT_SECRET).args([
            "--cookies",
            "--origins",
            "https://app.example.com",
        ]);
    })
    .await;
    let cookies = format!("stack-refresh=r; stack-access=[\"r\",\"{token}\"]");
    for (origin, status) in [("https://app.example.com", 200), ("https://evil.example", 403)] {
        let request = client().get(with_cookies.url("/supabase/token"));
        let answer = request
            .header("cookie", &cookies)
            .header("origin", origin)
            .send()
            .await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), status);
        let allowed = if status == 200 { origin } else { "" };
        assert_eq!(header(&answer, "access-control-allow-origin"), allowed);
        assert_eq!(header(&answer, "access-control-allow-credentials"), "true");
    }
    let without_access_token = client()
        .get(with_cookies.url("/supabase/token"))
        .header("cookie", "stack-refresh=r");
    assert_eq!(
        without_access_token.send().await.expect("an answer").status(),
        401,
        "not null"
    );
}

#[tokio::test]
async fn what_is_served_is_described_and_measured() {
    let hexclave = hexclave().await;
    let (token, _) = normal_user(&hexclave).await;
    let service = Service::of(&hexclave, |command| {
        command.env("SUPABASE_JWT_SECRET", JWT_SECRET);
    })
    .await
    .ready()
    .await;
    let document = json_of(
        reqwest::get(service.url("/openapi.json"))
            .await
            .expect("an answer"),
    )
    .await;
    assert_eq!(document["openapi"], "3.1.0");
    let paths: Vec<_> = document["paths"]
        .as_object()
        .expect("paths")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        paths,
        [
            "/verify",
            "/convex/auth-config.json",
            "/oauth/token",
            "/supabase/token",
            "/livez",
            "/readyz",
            "/metrics",
            "/openapi.json"
        ]
    );
    let config = json_of(
        reqwest::get(service.url("/convex/auth-config.json"))
            .await
            .expect("an answer"),
    )
    .await;
    assert_eq!(config["providers"][0]["type"], "customJwt");
    let nothing = reqwest::get(service.url("/etc/passwd?token=secret"))
        .await
        .expect("an answer");
    assert_eq!(nothing.status(), 404);

    let answer = client()
        .get(service.url("/verify"))
        .bearer_auth(&token)
        .send()
        .await;
    assert_eq!(answer.expect("an answer").status(), 200);
    let metrics = reqwest::get(service.url("/metrics")).await.expect("an answer");
    assert_eq!(
        header(&metrics, "content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let metrics = metrics.text().await.expect("a text");
    for line in [
        r#"hexclave_bridge_requests_total{route="/verify",method="GET",status="200"} 1"#,
        r#"hexclave_bridge_requests_total{route="none",method="GET",status="404"} 1"#,
        r#"hexclave_bridge_request_seconds_count{route="/verify"} 1"#,
        r#"hexclave_verifications_total{result="ok"} 1"#,
        "hexclave_bridge_ready 1",
    ] {
        assert!(metrics.lines().any(|known| known == line), "{line}\n{metrics}");
    }
    let (_, log) = service.stop().await;
    assert!(!log.contains("secret") && !log.contains("passwd"), "{log}");

    let without_key = Service::of(&hexclave, |_| {}).await;
    for path in ["/supabase/token", "/oauth/token"] {
        assert_eq!(
            reqwest::get(without_key.url(path))
                .await
                .expect("an answer")
                .status(),
            404
        );
    }
}
