//! The page for people, and who may use it.

use hexclave_testkit::hexclave::{DeliveryOrder, LocalHexclave, NewUser};
use reqwest::{Method, RequestBuilder, StatusCode};

use crate::support::{PASSWORD, as_client, request, start};

fn get(hexclave: &LocalHexclave, path: &str) -> RequestBuilder {
    request(hexclave, Method::GET, path)
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields).finish()
}

fn form(hexclave: &LocalHexclave, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
    request(hexclave, Method::POST, path)
        .header("origin", hexclave.config().api_url().as_str())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(encoded(fields))
}

async fn text(request: RequestBuilder) -> (StatusCode, String) {
    let answer = request.send().await.expect("an answer");
    (answer.status(), answer.text().await.expect("a text"))
}

#[tokio::test]
async fn it_shows_who_there_is_and_what_was_asked() {
    let (hexclave, _) = start().await;
    let (status, empty) = text(get(&hexclave, "/")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(empty.contains("Nobody has signed up yet"), "{empty}");
    let tokens = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    hexclave.sign_up_anonymously().await.expect("tokens");
    hexclave
        .add_user(NewUser::new("eve@example.com").name("<script>alert(1)</script>"))
        .expect("a user");

    let (_, page) = text(get(&hexclave, "/")).await;
    for expected in [
        "Users (3)",
        "ada@example.com",
        "not verified",
        ">restricted<",
        ">anonymous<",
        ">normal<",
        "POST /api/v1/auth/password/sign-up",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let secret = hexclave.config().secret_server_key().expect("a key").expose();
    for hidden in [
        "<script",
        tokens.refresh_token.expose(),
        tokens.access_token.expose(),
        secret,
    ] {
        assert!(!page.contains(hidden), "{hidden}");
    }
    assert!(!hexclave.requests().iter().any(|request| request.path == "/"));
}

#[tokio::test]
async fn its_forms_do_what_they_say() {
    let (hexclave, _) = start().await;
    let ada = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let id = ada.user_id.to_string();
    let (_, page) = text(form(&hexclave, "/page/verify-email", &[("user", &id)])).await;
    assert!(!page.contains("not verified"), "{page}");

    let (_, page) = text(form(&hexclave, "/page/access-token", &[("user", &id)])).await;
    let (_, token) = page.split_once("spellcheck=\"false\">").expect("a token");
    let (token, _) = token.split_once('<').expect("its end");
    let verifier = hexclave_core::Verifier::builder(hexclave.config().clone())
        .keys(hexclave.issuer().project_keys().expect("keys"))
        .clock(std::sync::Arc::new(hexclave_testkit::TestClock::at(
            crate::support::NOW,
        )))
        .build()
        .expect("a verifier");
    let user = verifier.verify(&token.into()).await.expect("a normal user");
    assert_eq!(user.id(), ada.user_id);

    let fields = [
        ("fault", "503"),
        ("endpoint", "GET /projects/{id}/.well-known/jwks.json"),
        ("times", ""),
    ];
    let (_, page) = text(form(&hexclave, "/page/break", &fields)).await;
    assert!(
        page.contains("status 503 at GET /projects/{id}/.well-known/jwks.json"),
        "{page}"
    );
    let keys = format!(
        "/api/v1/projects/{}/.well-known/jwks.json",
        hexclave.config().project_id()
    );
    assert_eq!(
        text(get(&hexclave, &keys)).await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
    let (_, page) = text(form(&hexclave, "/page/heal", &[])).await;
    assert!(page.contains("Everything works"), "{page}");
    assert_eq!(text(get(&hexclave, &keys)).await.0, StatusCode::OK);

    for (path, fields) in [
        ("/page/access-token", [("user", "nobody"), ("", "")]),
        ("/page/break", [("fault", "503"), ("times", "0")]),
        ("/page/break", [("fault", "503"), ("endpoint", "GET")]),
        ("/page/break", [("fault", "fire"), ("", "")]),
    ] {
        assert_eq!(
            text(form(&hexclave, path, &fields)).await.0,
            StatusCode::BAD_REQUEST,
            "{path}"
        );
    }
}

#[tokio::test]
async fn users_are_added_and_deleted_as_by_a_server() {
    let (hexclave, _) = start().await;
    let add = |fields: &[(&str, &str)]| form(&hexclave, "/page/add-user", fields);
    let ada = [
        ("email", "ada@example.com"),
        ("name", "Ada <b>"),
        ("password", PASSWORD),
        ("verified", "on"),
    ];
    let (status, page) = text(add(&ada)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains("Users (1)") && page.contains("Ada &lt;b&gt;"),
        "{page}"
    );
    let tokens = hexclave
        .sign_in("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    for (fields, said) in [
        (&ada[..], "exists"),
        (&[("email", "")], "e-mail address"),
        (&[("email", "no address")], "is not one"),
        (&[("email", "eve@example.com"), ("password", "short")], "8"),
    ] {
        let (status, page) = text(add(fields)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(page.contains(said), "{said}: {page}");
    }
    let (_, page) = text(add(&[("email", "eve@example.com")])).await;
    assert!(
        page.contains("Users (2)") && page.contains("not verified"),
        "{page}"
    );

    let id = tokens.user_id.to_string();
    let (_, page) = text(form(&hexclave, "/page/delete-user", &[("user", &id)])).await;
    assert!(
        page.contains("Users (1)") && !page.contains("ada@example.com"),
        "{page}"
    );
    let (status, _) = text(form(&hexclave, "/page/delete-user", &[("user", &id)])).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let told: Vec<_> = hexclave
        .webhooks()
        .into_iter()
        .map(|told| told.event_type)
        .collect();
    assert_eq!(told, ["user.created", "user.created", "user.deleted"]);
}

#[tokio::test]
async fn it_shows_who_was_told_what_and_how_that_went() {
    let (hexclave, _) = start().await;
    let (_, page) = text(get(&hexclave, "/")).await;
    assert!(page.contains("Nobody is told"), "{page}");
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!(
        "http://{}/hooks?a=1&b=2",
        closed.local_addr().expect("an address")
    );
    drop(closed);
    let secret = hexclave.webhook_secret().clone();
    hexclave
        .add_webhook_endpoint(&url, secret.clone())
        .expect("a URL");
    hexclave.create_user(serde_json::json!({})).expect("a user");
    let (_, page) = text(get(&hexclave, "/")).await;
    assert!(page.contains("Nothing has been told yet"), "{page}");
    hexclave.deliver_webhooks(DeliveryOrder::AsHappened).await;
    let (_, page) = text(get(&hexclave, "/")).await;
    let id = hexclave.webhooks().remove(0).id;
    let url = url.replace('&', "&amp;");
    for expected in [
        "user.created",
        &id,
        &url,
        "no answer",
        "attempt&nbsp;1",
        "again after 5 s",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains(secret.expose()));

    let faults = [("late", "on"), ("doubled", "on")];
    let (_, page) = text(form(&hexclave, "/page/webhook-faults", &faults)).await;
    for (name, is_on) in [
        ("reversed", false),
        ("doubled", true),
        ("late", true),
        ("lost", false),
    ] {
        let on = page.contains(&format!("name=\"{name}\" checked>"));
        assert_eq!(on, is_on, "{name}: {page}");
    }
    let (status, _) = text(form(&hexclave, "/page/send-webhook-again", &[("id", &id)])).await;
    assert_eq!(status, StatusCode::OK);
    let attempts = hexclave.deliver_webhooks(DeliveryOrder::AsHappened).await;
    assert_eq!(
        attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(),
        [2]
    );
    let (status, _) = text(form(&hexclave, "/page/send-webhook-again", &[("id", "msg_")])).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn no_other_page_can_read_or_use_it() {
    let (hexclave, _) = start().await;
    let answer = get(&hexclave, "/").send().await.expect("an answer");
    let headers = answer.headers();
    assert!(!headers.contains_key("access-control-allow-origin"));
    assert_eq!(headers["x-frame-options"], "DENY");
    assert!(
        headers["content-security-policy"]
            .to_str()
            .expect("a text")
            .contains("default-src 'none'")
    );

    // A name that an attacker has pointed at this machine.
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "0.0.0.0",
        "evil@localhost",
    ] {
        let (status, _) = text(get(&hexclave, "/").header("host", host)).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{host}");
    }
    for host in ["localhost", "localhost:8102", "127.0.0.1:8102", "[::1]:8102"] {
        let (status, _) = text(get(&hexclave, "/").header("host", host)).await;
        assert_eq!(status, StatusCode::OK, "{host}");
    }
    let own = hexclave.config().api_url().to_string();
    for origin in [
        None,
        Some("null"),
        Some("https://evil.example"),
        Some("http://localhost:1"),
    ] {
        let mut request = request(&hexclave, Method::POST, "/page/break").body("fault=503");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        assert_eq!(text(request).await.0, StatusCode::FORBIDDEN, "{origin:?}");
    }
    let request = request(&hexclave, Method::POST, "/page/break").body("fault=503");
    assert_eq!(text(request.header("origin", own)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_login_at_a_command_line_is_confirmed_as_somebody_who_may() {
    let (hexclave, _) = start().await;
    let ada = hexclave
        .add_user(NewUser::new("ada@example.com"))
        .expect("a user");
    let eve = hexclave
        .add_user(NewUser::new("eve@example.com").unverified())
        .expect("a user");
    let client = |path: &str, body: serde_json::Value| as_client(&hexclave, Method::POST, path).json(&body);
    let (_, started) = text(client("/api/v1/auth/cli", serde_json::json!({}))).await;
    let started: serde_json::Value = serde_json::from_str(&started).expect("JSON");
    let code = started["login_code"].as_str().expect("a code");

    let (status, page) = text(get(
        &hexclave,
        &format!("/handler/cli-auth-confirm?login_code={code}"),
    ))
    .await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains("Log in as ada@example.com") && !page.contains("eve@example.com"),
        "{page}"
    );

    let confirm = |code: &str, user: hexclave_core::UserId| {
        let user = user.to_string();
        form(
            &hexclave,
            "/handler/cli-auth-confirm",
            &[("login_code", code), ("user", &user)],
        )
    };
    assert_eq!(text(confirm(code, eve)).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(text(confirm("unknown", ada)).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(text(confirm(code, ada)).await.0, StatusCode::OK);
    assert_eq!(text(confirm(code, ada)).await.0, StatusCode::BAD_REQUEST, "once");

    let poll = serde_json::json!({ "polling_code": started["polling_code"] });
    let (_, polled) = text(client("/api/v1/auth/cli/poll", poll)).await;
    assert!(polled.contains("\"success\""), "{polled}");
}

/// What a real browser makes of the page. Where there is no Chromium, that is said.
#[tokio::test]
async fn a_browser_shows_names_as_text_and_runs_nothing() {
    let (hexclave, _) = start().await;
    let name = "<img src=x onerror=\"document.title='run'\">";
    hexclave
        .add_user(NewUser::new("eve@example.com").name(name))
        .expect("a user");
    let url = hexclave.config().api_url().to_string();
    let dumped = tokio::task::spawn_blocking(move || {
        let profile = tempfile::tempdir().expect("a folder");
        let mut browser = std::process::Command::new("chromium");
        browser
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(["--dump-dom", &url]);
        browser.output()
    });
    let output = match dumped.await.expect("an end") {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("SKIPPED: there is no `chromium` here, so the page was seen by no browser");
            return;
        }
        output => output.expect("a browser"),
    };
    let page = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(page.contains("<title>Local Hexclave</title>"), "{page}");
    assert!(page.contains("eve@example.com"), "{page}");
    assert!(page.contains("&lt;img src=x") && !page.contains("<img"), "{page}");
}
