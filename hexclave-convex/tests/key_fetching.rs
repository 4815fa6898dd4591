//! What Convex makes of the answers of a key server, with a real one on this machine.
#![allow(clippy::expect_used, reason = "all of this is test code")]

mod support;

use std::{error::Error, net::SocketAddr};

use hexclave_convex::AuthConfig;
use hexclave_core::AccessToken;
use serde_json::{Value, json};
use support::{HEADER, ISSUER, NOW, PROJECT, jwk, outcome, provider, signed, verifier};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const JSON: &str = "content-type: application/json; charset=utf-8\r\n";

fn key_set() -> String {
    json!({ "keys": [jwk()] }).to_string()
}

fn token() -> AccessToken {
    let payload = json!({ "iss": ISSUER, "sub": "u", "aud": PROJECT, "exp": NOW + 1 });
    signed(HEADER, &payload.to_string())
}

fn response(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} -\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

/// The whole answer to a request for a path.
fn answer(path: &str) -> String {
    let set = key_set();
    match path {
        "/good" | "/good?include_anonymous=true" => response(200, JSON, &set),
        "/jwk-set" => response(200, "content-type: application/jwk-set+json\r\n", &set),
        "/no-type" => response(200, "", &set),
        "/text" => response(200, "content-type: text/plain\r\n", &set),
        "/latin1" => response(200, "content-type: application/json; charset=latin1\r\n", &set),
        "/created" => response(201, JSON, &set),
        "/html" => response(200, JSON, "<html>"),
        "/large" => response(
            200,
            JSON,
            &format!("{}{set}", " ".repeat(1024 * 1024 - set.len())),
        ),
        "/too-large" => response(
            200,
            JSON,
            &format!("{}{set}", " ".repeat(1024 * 1024 + 1 - set.len())),
        ),
        "/cut-off" => response(200, JSON, &set).replace("content-length: ", "content-length: 1"),
        "/nonsense" => "nonsense\r\n\r\n".to_owned(),
        path => match path.split_once("/redirected/").map(|(_, times)| times.parse()) {
            Some(Ok(0_u32)) => response(302, "location: /good\r\n", ""),
            Some(Ok(times)) => response(302, &format!("location: /redirected/{}\r\n", times - 1), ""),
            _ => {
                let status = path.trim_start_matches("/status/").parse();
                response(status.expect("a status"), JSON, &set)
            }
        },
    }
}

async fn serve(mut stream: TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.expect("a whole request"));
    }
    let request = String::from_utf8(request).expect("text");
    let path = request.strip_prefix("GET ").expect("a GET");
    let (path, headers) = path.split_once(" HTTP/1.1\r\n").expect("HTTP/1.1");
    let headers = headers.to_ascii_lowercase();
    assert!(headers.contains("accept: application/json\r\n"), "{headers}");
    assert!(headers.contains("user-agent: hexclave-convex/"), "{headers}");
    assert!(!headers.contains("authorization"), "{headers}");
    let _ = stream.write_all(answer(path).as_bytes()).await;
}

async fn key_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

#[tokio::test]
async fn answers_of_a_key_server_are_judged_like_convex_does() {
    let address = key_server().await;
    let passes = || {
        Ok(format!(
            r#"{{"tokenIdentifier":"{ISSUER}|u","issuer":"{ISSUER}","subject":"u"}}"#
        ))
    };
    let refused = || Err(("InvalidAuthHeader", 401));
    for (path, expected, unreachable) in [
        ("/good", passes(), false),
        ("/good?include_anonymous=true", passes(), false),
        ("/good#fragment", passes(), false),
        ("/jwk-set", passes(), false),
        ("/large", passes(), false),
        ("/redirected/0", passes(), false),
        ("/redirected/9", passes(), false),
        ("/redirected/10", refused(), false),
        ("/no-type", refused(), false),
        ("/text", refused(), false),
        ("/latin1", refused(), false),
        ("/html", refused(), false),
        ("/too-large", refused(), false),
        ("/created", refused(), false),
        ("/status/304", refused(), false),
        ("/status/401", refused(), false),
        ("/status/404", refused(), false),
        ("/status/429", refused(), true),
        ("/status/500", refused(), true),
        ("/status/503", refused(), true),
        ("/cut-off", refused(), true),
        ("/nonsense", refused(), true),
    ] {
        let verifier = verifier(json!([provider(&format!("http://{address}{path}"))]));
        assert_eq!(outcome(&verifier, &token()).await, expected, "{path}");
        if let Err(error) = verifier.verify(&token()).await {
            assert_eq!(error.is_unreachable(), unreachable, "{path}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_leaves_the_token_unjudged() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let verifier = verifier(json!([provider(&format!("http://{address}/jwks.json"))]));
    let error = verifier.verify(&token()).await.expect_err("no server");
    assert_eq!((error.code(), error.http_status()), ("InvalidAuthHeader", 401));
    assert!(error.is_unreachable());
    assert!(
        error
            .to_string()
            .starts_with("Could not fetch JWKS from URL \"http://127.0.0.1"),
        "{error}"
    );
    assert!(error.source().is_some());
}

#[tokio::test]
async fn what_is_no_url_is_not_asked() {
    let refused = Err(("InvalidAuthHeader", 401));
    let broken = Err(("InternalServerError", 500));
    for (jwks, expected) in [
        ("", broken.clone()),
        ("https://a b.com/x", broken.clone()),
        (" https://a.com/x", broken.clone()),
        ("api.hexclave.com/jwks.json", broken),
        ("api.hexclave.com", refused.clone()),
        ("/jwks.json", refused.clone()),
        ("ftp://api.hexclave.com/jwks.json", refused),
    ] {
        let verifier = verifier(json!([provider(jwks)]));
        assert_eq!(outcome(&verifier, &token()).await, expected, "{jwks}");
        let error = verifier.verify(&token()).await.expect_err(jwks);
        assert!(!error.is_unreachable(), "{jwks}");
    }
}

#[tokio::test]
async fn a_password_in_a_url_is_not_shown() {
    let verifier = verifier(json!([provider("http://ada:hunter2@127.0.0.1:1/jwks.json")]));
    let error = verifier.verify(&token()).await.expect_err("no server");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn a_given_client_is_used() {
    let address = key_server().await;
    let strict = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent("hexclave-convex/test")
        .build()
        .expect("a client");
    let providers = Value::from(vec![provider(&format!("http://{address}/redirected/0"))]);
    let config = AuthConfig::from_json(&providers.to_string()).expect("a provider list");
    let verifier = hexclave_convex::ConvexVerifier::builder(config)
        .http_client(strict)
        .build()
        .expect("a verifier");
    let error = verifier.verify(&token()).await.expect_err("a redirect");
    assert!(error.to_string().ends_with("the server answered 302"), "{error}");
}
