//! A real nginx with the configuration of the documentation, in front of an application that tells what reaches it.

use std::{
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use axum::{
    Json, Router,
    extract::Request,
    http::{HeaderMap, Method},
};
use hexclave_testkit::hexclave::Fault;
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixStream},
};

use super::service::Service;
use crate::{hexclave, normal_user};

/// nginx on a Unix socket in a folder of its own. It ends with the pipe to this process.
struct Nginx {
    shell: Child,
    folder: tempfile::TempDir,
}

/// The shell ends nginx when its standard input ends, however this process does.
const UNTIL_END_OF_INPUT: &str = r#""$0" "$@" & read -r nothing; kill $!; wait $!"#;

impl Nginx {
    async fn start(program: &Path, locations: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().display();
        let configuration = format!(
            "daemon off; master_process off; pid {path}/pid; error_log {path}/errors;
             events {{}}
             http {{
                 access_log off;
                 client_body_temp_path {path}/body; proxy_temp_path {path}/proxy; fastcgi_temp_path {path}/fastcgi;
                 server {{ listen unix:{path}/socket; server_name app.example.com; {locations} }}
             }}"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, configuration).expect("a file");
        let shell = Command::new("sh")
            .args(["-c", UNTIL_END_OF_INPUT])
            .arg(program)
            .args(["-e", &format!("{path}/errors"), "-p", &path.to_string(), "-c"])
            .arg(&file)
            .stdin(Stdio::piped())
            .spawn()
            .expect("nginx starts");
        let nginx = Self { shell, folder };
        for _ in 0..600 {
            if UnixStream::connect(nginx.socket()).await.is_ok() {
                return nginx;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let errors = std::fs::read_to_string(nginx.folder.path().join("errors"));
        panic!("nginx does not answer: {errors:?}");
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// The whole answer to a request.
    async fn ask(&self, method: &str, headers: &[(&str, &str)], body: &str) -> String {
        let mut request = format!(
            "{method} /notes/1?x=y HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("\r\n{body}"));
        let mut stream = UnixStream::connect(self.socket()).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        match stream.read_to_string(&mut answer).await {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
            _ => answer,
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// Debian's is where only root looks for programs.
fn nginx_program() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&folders)
        .chain(more)
        .map(|folder| folder.join("nginx"))
        .find(|program| program.is_file())
}

/// The locations of the documentation, for these addresses.
fn locations(service: &str, application: &str) -> String {
    let page = include_str!("../../../../docs/service.md");
    let (_, behind) = page.split_once("```nginx\n").expect("an example for nginx");
    let (example, _) = behind.split_once("```").expect("an end");
    assert!(example.contains("127.0.0.1:8787") && example.contains("127.0.0.1:3000"));
    example
        .replace("127.0.0.1:8787", service)
        .replace("127.0.0.1:3000", application)
}

/// An application that answers with what has reached it.
async fn application() -> String {
    let echo = async |method: Method, headers: HeaderMap, request: Request| {
        let named: Map<String, Value> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), json!(value.to_str().expect("ASCII"))))
            .collect();
        let body = axum::body::to_bytes(request.into_body(), 1024)
            .await
            .expect("a body");
        let body = String::from_utf8_lossy(&body).into_owned();
        Json(json!({ "method": method.as_str(), "headers": named, "body": body }))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let router: Router = Router::new().fallback(echo);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).expect("a status")
}

fn echoed(answer: &str) -> Value {
    let from = answer.find('{').unwrap_or_else(|| panic!("JSON: {answer}"));
    let to = answer.rfind('}').expect("an end");
    serde_json::from_str(answer.get(from..=to).expect("JSON")).unwrap_or_else(|_| panic!("JSON: {answer}"))
}

#[tokio::test]
async fn nginx_lets_in_who_is_signed_in_and_says_who_that_is() {
    let Some(program) = nginx_program() else {
        // Past the test harness, which keeps what tests print to itself.
        let warning =
            b"*** There is no nginx (scripts/ensure-nginx installs it): its test is left out. ***\n";
        std::io::stderr().write_all(warning).expect("standard error");
        return;
    };
    let hexclave = hexclave().await;
    let (token, user_id) = normal_user(&hexclave).await;
    let guest = hexclave.sign_up_anonymously().await.expect("tokens").access_token;
    let service = Service::of(&hexclave, |command| {
        command.arg("--cookies");
    })
    .await;
    let application = application().await;
    let nginx = Nginx::start(&program, &locations(service.address(), &application)).await;

    let bearer = format!("Bearer {token}");
    let forged = [
        ("X-Identity-User-Id", "00000000-0000-4000-8000-000000000000"),
        ("x-identity-team-id", "forged"),
        ("X-Identity-Kind", "admin"),
        ("X_Identity_Name", "forged"),
    ];
    let headers = [&[("Authorization", bearer.as_str())], &forged[..]].concat();
    let answer = nginx.ask("POST", &headers, "a note").await;
    assert_eq!(status(&answer), "200", "{answer}");
    let seen = echoed(&answer);
    assert_eq!(
        (&seen["method"], &seen["body"]),
        (&json!("POST"), &json!("a note"))
    );
    let seen = &seen["headers"];
    assert_eq!(seen["x-identity-user-id"], user_id);
    assert_eq!(seen["x-identity-kind"], "normal");
    assert_eq!(seen["x-identity-email"], "ada@example.com");
    assert_eq!(seen.get("x-identity-team-id"), None);
    assert!(
        !answer.contains("forged") && !answer.contains("admin"),
        "{answer}"
    );

    let bearer = format!("Bearer {}", guest.expose());
    let cookies = format!("stack-refresh=r; stack-access=[\"r\",\"{token}\"]");
    for (headers, expected) in [
        (vec![], "401"),
        (forged.to_vec(), "401"),
        (vec![("Authorization", "Bearer garbage")], "401"),
        (vec![("Authorization", bearer.as_str())], "403"),
        (
            vec![("Authorization", &bearer), ("X-Stack-Access-Token", &token)],
            "400",
        ),
        (vec![("Cookie", &cookies)], "200"),
        (
            vec![("Cookie", &cookies), ("Origin", "https://app.example.com")],
            "200",
        ),
        (
            vec![("Cookie", &cookies), ("Origin", "https://evil.example")],
            "403",
        ),
    ] {
        let answer = nginx.ask("POST", &headers, "").await;
        assert_eq!(status(&answer), expected, "{headers:?} {answer}");
        assert_eq!(answer.contains("x-identity"), expected == "200", "{answer}");
        let challenged = answer.to_lowercase().contains("www-authenticate: bearer");
        assert_eq!(challenged, expected == "401", "{answer}");
    }

    hexclave.inject(Fault::status(500));
    let without_keys = Service::of(&hexclave, |_| {}).await;
    let nginx = Nginx::start(&program, &locations(without_keys.address(), &application)).await;
    let headers = [("X-Stack-Access-Token", token.as_str())];
    let answer = nginx.ask("GET", &headers, "").await;
    assert_eq!(status(&answer), "503", "{answer}");
    assert!(answer.contains("Retry-After: 5"), "{answer}");
    without_keys.stop().await;
    let answer = nginx.ask("GET", &headers, "").await;
    assert_eq!(status(&answer), "503", "{answer}");
}
