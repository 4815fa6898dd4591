//! The service as proxies, applications and browsers see it.
#![cfg(unix)]

mod crowd;
mod ending;
mod limits;
mod openapi;
mod outages;
mod proxies;
mod relay;
pub(crate) mod service;
mod tls;
mod tokens;
mod verify;
mod webhooks;

use reqwest::Response;
use serde_json::Value;

/// A header of an answer; empty where there is none.
fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    let value = answer.headers().get(name);
    value.map_or("", |value| value.to_str().expect("ASCII"))
}

async fn json(answer: Response) -> Value {
    let text = answer.text().await.expect("a body");
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("JSON: {text}"))
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}
