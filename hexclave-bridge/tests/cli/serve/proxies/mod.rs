//! Real proxies with the configurations of the documentation, in front of an application that tells what reaches it.

mod caddy;
mod envoy;
mod nginx;
mod traefik;

use std::{
    fs::File,
    io::{self, ErrorKind, Write},
    net::SocketAddr,
    os::fd::OwnedFd,
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
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
};

use super::service::Service;
use crate::{hexclave, normal_user};

/// A kind of proxy.
struct Kind {
    name: &'static str,
    program: fn() -> Option<PathBuf>,
    /// Writes a configuration with the documentation's example, for this folder, and gives the arguments to run with.
    configure: fn(&Path, Upstream<'_>) -> Vec<String>,
    /// What it calls the listening TCP socket that it is handed, as systemd hands them; or else it makes a socket `socket`
    /// in the folder.
    listens_at: Option<&'static str>,
    /// What a client gets where the service does not answer.
    without_service: &'static str,
    /// Whether a client is told when to try again.
    says_when: bool,
    /// Whether names with underscores are dropped.
    drops_underscores: bool,
}

/// The addresses behind a proxy.
#[derive(Clone, Copy)]
struct Upstream<'a> {
    service: &'a str,
    application: &'a str,
}

impl Upstream<'_> {
    /// An example of the documentation, for these addresses.
    fn example(self, language: &str, begins: &str) -> String {
        let example = example(language, begins);
        assert!(example.contains("127.0.0.1:8787"), "{example}");
        example
            .replace("127.0.0.1:8787", self.service)
            .replace("127.0.0.1:3000", self.application)
    }
}

/// The first example of the documentation in this language that begins so.
fn example(language: &str, begins: &str) -> String {
    let page = include_str!("../../../../../docs/service.md");
    let (_, behind) = page
        .split_once(&format!("```{language}\n{begins}"))
        .expect("an example");
    let (example, _) = behind.split_once("```").expect("an end");
    format!("{begins}{example}")
}

/// A proxy with a folder of its own. It ends with the pipe to this process.
struct Proxy {
    shell: Child,
    folder: tempfile::TempDir,
    /// That of the socket that it was handed.
    address: Option<SocketAddr>,
}

/// The shell ends the proxy when its standard input ends, however this process does. What was its standard output is handed
/// on as the first socket of `sd_listen_fds(3)`.
const UNTIL_END_OF_INPUT: &str = r#"
    exec 3>&1 1>&2
    sh -c 'LISTEN_PID=$$ exec "$0" "$@"' "$0" "$@" &
    exec 3>&-
    read -r nothing; kill $!; wait $!"#;

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

impl Proxy {
    async fn start(kind: &Kind, program: &Path, upstream: Upstream<'_>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments = (kind.configure)(folder.path(), upstream);
        let output = File::create(folder.path().join("output")).expect("a file");
        let mut command = Command::new("sh");
        let mut address = None;
        match kind.listens_at {
            Some(name) => {
                let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
                address = listener.local_addr().ok();
                command
                    .envs([("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", name)])
                    .stdout(OwnedFd::from(listener));
            }
            None => {
                command.stdout(output.try_clone().expect("a file"));
            }
        }
        let shell = command
            .args(["-c", UNTIL_END_OF_INPUT])
            .arg(program)
            .args(arguments)
            // Whatever it keeps besides.
            .env("HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .stdin(Stdio::piped())
            .stderr(output)
            .spawn()
            .expect("the proxy starts");
        // It keeps the listener, at which nobody would answer if the proxy ended.
        drop(command);
        let proxy = Self {
            shell,
            folder,
            address,
        };
        for _ in 0..3000 {
            match proxy.exchange("GET", &[], "").await {
                // It listens, and knows no routes yet.
                Ok(answer) if status(&answer) == "404" => {}
                Ok(_) => return proxy,
                Err(_) => {}
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("{} does not answer: {}", kind.name, proxy.output());
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self.address {
            Some(address) => Box::new(TcpStream::connect(address).await?),
            None => Box::new(UnixStream::connect(self.folder.path().join("socket")).await?),
        })
    }

    fn output(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("output")).unwrap_or_default()
    }

    /// The whole answer to a request.
    async fn ask(&self, method: &str, headers: &[(&str, &str)], body: &str) -> String {
        self.exchange(method, headers, body).await.expect("an answer")
    }

    async fn exchange(&self, method: &str, headers: &[(&str, &str)], body: &str) -> io::Result<String> {
        let mut request = format!(
            "{method} /notes/1?x=y HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("\r\n{body}"));
        let mut stream = self.connect().await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        match stream.read_to_string(&mut answer).await {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(error),
            _ if answer.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(answer),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// Debian's are where only root looks for programs.
fn installed(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&folders)
        .chain(more)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// What `make proxies` has installed from PyPI.
fn from_pypi(name: &str) -> Option<PathBuf> {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
    let program = target.join(name).join("bin").join(name);
    program.is_file().then_some(program)
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
    answer
        .split(' ')
        .nth(1)
        .unwrap_or_else(|| panic!("a status: {answer:?}"))
}

fn echoed(answer: &str) -> Value {
    let from = answer.find('{').unwrap_or_else(|| panic!("JSON: {answer}"));
    let to = answer.rfind('}').expect("an end");
    serde_json::from_str(answer.get(from..=to).expect("JSON")).unwrap_or_else(|_| panic!("JSON: {answer}"))
}

async fn lets_in_who_is_signed_in_and_says_who_that_is(kind: Kind) {
    let Some(program) = (kind.program)() else {
        // Past the test harness, which keeps what tests print to itself.
        let warning = format!(
            "*** There is no {} (`make proxies` installs it): its test is left out. ***\n",
            kind.name
        );
        io::stderr()
            .write_all(warning.as_bytes())
            .expect("standard error");
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
    let upstream = Upstream {
        service: service.address(),
        application: &application,
    };
    let proxy = Proxy::start(&kind, &program, upstream).await;

    let bearer = format!("Bearer {token}");
    let forged = [
        ("X-Identity-User-Id", "00000000-0000-4000-8000-000000000000"),
        ("x-identity-team-id", "forged"),
        ("X-Identity-Kind", "admin"),
        ("X_Identity_Name", "underscored"),
    ];
    let headers = [&[("Authorization", bearer.as_str())], &forged[..]].concat();
    let answer = proxy.ask("POST", &headers, "a note").await;
    assert_eq!(status(&answer), "200", "{answer} {}", proxy.output());
    let seen = echoed(&answer);
    assert_eq!(
        (&seen["method"], &seen["body"]),
        (&json!("POST"), &json!("a note"))
    );
    let seen = &seen["headers"];
    assert_eq!(seen["x-identity-user-id"], user_id);
    assert_eq!(seen["x-identity-kind"], "normal");
    assert_eq!(seen["x-identity-email"], "ada@example.com");
    assert_eq!(seen["x-identity-team-id"].as_str().unwrap_or_default(), "");
    assert!(
        !answer.contains("forged") && !answer.contains("admin"),
        "{answer}"
    );
    assert!(
        !kind.drops_underscores || !answer.contains("underscored"),
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
        (vec![("X-Stack-Access-Token", &token)], "200"),
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
        let answer = proxy.ask("POST", &headers, "").await;
        assert_eq!(
            status(&answer),
            expected,
            "{headers:?} {answer} {}",
            proxy.output()
        );
        assert_eq!(
            answer.contains("x-identity-user-id"),
            expected == "200",
            "{answer}"
        );
        let challenged = answer.to_lowercase().contains("www-authenticate: bearer");
        match expected {
            "401" => assert!(challenged, "{answer}"),
            // Some proxies keep it to themselves.
            "400" | "403" => {}
            _ => assert!(!challenged, "{answer}"),
        }
    }

    hexclave.inject(Fault::status(500));
    let without_keys = Service::of(&hexclave, |_| {}).await;
    let upstream = Upstream {
        service: without_keys.address(),
        ..upstream
    };
    let proxy = Proxy::start(&kind, &program, upstream).await;
    let headers = [("X-Stack-Access-Token", token.as_str())];
    let answer = proxy.ask("GET", &headers, "").await;
    assert_eq!(status(&answer), "503", "{answer}");
    let says_when = answer.to_lowercase().contains("retry-after: 5");
    assert_eq!(says_when, kind.says_when, "{answer}");
    without_keys.stop().await;
    let answer = proxy.ask("GET", &headers, "").await;
    assert_eq!(status(&answer), kind.without_service, "{answer}");
}
