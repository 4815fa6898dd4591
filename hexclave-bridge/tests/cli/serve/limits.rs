//! What is too much, too slow, or too late.

use hexclave_testkit::hexclave::Fault;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{client, service::Service};
use crate::{exit, hexclave, json_of, normal_user, run};

async fn connect(service: &Service) -> TcpStream {
    TcpStream::connect(service.address()).await.expect("a connection")
}

/// All that comes until the other side ends it.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is reset has ended, too.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

const LIVE: &[u8] = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn a_request_that_is_under_way_is_answered_before_the_end() {
    let hexclave = hexclave().await;
    let (token, _) = normal_user(&hexclave).await;
    hexclave.inject(Fault::hang());
    let service = Service::of(&hexclave, |_| {}).await;
    let (url, token) = (service.url("/verify"), token.clone());
    let asking = tokio::spawn(async move { client().get(url).bearer_auth(token).send().await });
    let in_flight = "hexclave_bridge_requests_in_flight 2";
    while !client()
        .get(service.url("/metrics"))
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("text")
        .contains(in_flight)
    {}
    let idle = connect(&service).await;
    service.terminate();
    while TcpStream::connect(service.address()).await.is_ok() {}
    hexclave.heal();
    let answer = asking.await.expect("an end").expect("an answer");
    assert_eq!(answer.status(), 200);
    let (status, log) = service.ended().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("ending: answering"), "{log}");
    drop(idle);
}

#[tokio::test]
async fn what_is_too_much_is_told_so_at_once() {
    let hexclave = hexclave().await;
    let (token, _) = normal_user(&hexclave).await;
    hexclave.inject(Fault::hang());
    let service = Service::of(&hexclave, |command| {
        command.args(["--max-requests", "1", "--max-connections", "3"]);
    })
    .await;
    let (url, first) = (service.url("/verify"), token.clone());
    let asking = tokio::spawn(async move {
        let client = client();
        loop {
            let answer = client.get(&url).bearer_auth(&first).send().await;
            // Those who look whether the place is taken may have it themselves.
            if answer.as_ref().is_ok_and(|answer| answer.status() == 503) {
                continue;
            }
            break answer;
        }
    });
    // Once the first has its place, others find none; probes need no place.
    let client = client();
    loop {
        let answer = client.get(service.url("/convex/auth-config.json")).send().await;
        let answer = answer.expect("an answer");
        if answer.status() == 503 {
            assert_eq!(super::header(&answer, "retry-after"), "5");
            assert_eq!(super::json(answer).await["code"], "overloaded");
            break;
        }
    }
    let live = client.get(service.url("/livez")).send().await;
    assert_eq!(live.expect("an answer").status(), 200);

    let mut open = Vec::new();
    let told = loop {
        let mut stream = connect(&service).await;
        stream.write_all(LIVE).await.expect("sent");
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.expect("an answer");
        if &first == b"HTTP/1.1 503" {
            break rest(&mut stream).await;
        }
        open.push(stream);
        assert!(open.len() <= 3, "more connections than are allowed");
    };
    assert!(
        told.contains("connection: close") && told.contains("retry-after: 5") && told.contains("overloaded"),
        "{told}"
    );
    hexclave.heal();
    assert_eq!(asking.await.expect("an end").expect("an answer").status(), 200);
}

#[tokio::test]
async fn slow_and_long_heads_are_not_waited_for() {
    let hexclave = hexclave().await;
    let service = Service::of(&hexclave, |command| {
        command.args(["--header-timeout", "1"]);
    })
    .await;
    let mut slow = connect(&service).await;
    slow.write_all(b"GET /livez HTTP/1.1\r\nX-A: ")
        .await
        .expect("sent");
    let answer = rest(&mut slow).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
        "{answer}"
    );
    let mut idle = connect(&service).await;
    assert_eq!(rest(&mut idle).await, "");

    let request = client()
        .get(service.url("/livez"))
        .header("x-long", "a".repeat(60_000));
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    let mut long = connect(&service).await;
    let head = format!("GET /livez HTTP/1.1\r\nX-A: {}\r\n\r\n", "a".repeat(70_000));
    let _ = long.write_all(head.as_bytes()).await;
    let answer = rest(&mut long).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_503() {
    let hexclave = hexclave().await;
    let (token, _) = normal_user(&hexclave).await;
    hexclave.inject(Fault::hang());
    let service = Service::of(&hexclave, |command| {
        command.args(["--request-timeout", "1"]);
    })
    .await;
    let answer = client()
        .get(service.url("/verify"))
        .bearer_auth(&token)
        .send()
        .await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 503);
    assert_eq!(super::json(answer).await["code"], "timed_out");
}

#[tokio::test]
async fn what_cannot_be_served_is_said_at_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    for (args, code) in [
        (vec!["--listen", &taken], "address_unusable"),
        (vec![], "invalid_config"),
    ] {
        let mut command = crate::bridge(&["serve", "--json"]);
        command.args(&args);
        if !args.is_empty() {
            command.args(["--project-id", crate::PROJECT]);
        }
        let output = run(command, None).await;
        assert_eq!(exit(&output), 2, "{code}");
        assert_eq!(json_of(&output)["error"]["code"], code);
    }
    for (name, value, says) in [
        ("HEXCLAVE_BRIDGE_ORIGINS", "*", "is not an origin"),
        ("HEXCLAVE_BRIDGE_REQUEST_TIMEOUT", "0", "from 1 to 86400"),
        ("HEXCLAVE_BRIDGE_LISTEN", "8787", "HEXCLAVE_BRIDGE_LISTEN"),
        ("SUPABASE_SIGNING_KEY", "{}", "SUPABASE_SIGNING_KEY"),
        ("SUPABASE_JWT_SECRET", "short", "SUPABASE_JWT_SECRET"),
    ] {
        let mut command = crate::bridge(&["serve", "--json", "--project-id", crate::PROJECT]);
        command.args(["--api-url", "http://127.0.0.1:9"]).env(name, value);
        let output = run(command, None).await;
        assert_eq!(exit(&output), 2, "{name}");
        let message = json_of(&output)["error"]["message"].to_string();
        assert!(message.contains(says), "{message}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    for (settings, says) in [
        (
            "max-requests = \"8\"",
            "`serve.max-requests` takes a whole number",
        ),
        ("max-requests = 0x10", "a whole number"),
        ("max-requests = 8\nrequest-timeout = 100_000", "from 1 to 86400"),
    ] {
        let file = folder.path().join("bridge.toml");
        std::fs::write(&file, format!("[serve]\n{settings}\n")).expect("a file");
        let mut command = crate::bridge(&["serve", "--json", "--project-id", crate::PROJECT, "--config"]);
        command.arg(&file);
        let output = run(command, None).await;
        assert_eq!(exit(&output), 2, "{settings}");
        let message = json_of(&output)["error"]["message"].to_string();
        assert!(message.contains(says), "{message}");
    }
}
