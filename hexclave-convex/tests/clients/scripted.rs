//! A deployment that answers what it was told to, one answer after the other, and keeps what it was asked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use hexclave_convex::{DeploymentUrl, FunctionClient, FunctionClientBuilder};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

pub(crate) struct Scripted {
    state: Arc<Script>,
    url: DeploymentUrl,
}

struct Script {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
}

#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) at: Instant,
}

pub(crate) enum Answer {
    /// This status, these headers, this body.
    Says(u16, Vec<(&'static str, &'static str)>, String),
    /// Never a word.
    Hangs,
    /// The beginning of an answer, and the end of the connection.
    Cut,
    /// A blank now and then, for ever.
    Drips,
}

impl Answer {
    pub(crate) fn value(value: Value) -> Self {
        Self::json(
            200,
            json!({ "status": "success", "value": value, "logLines": [] }),
        )
    }

    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self::Says(
            status,
            vec![("content-type", "application/json")],
            body.to_string(),
        )
    }

    pub(crate) fn refusal(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, json!({ "code": code, "message": message }))
    }

    pub(crate) fn page(status: u16) -> Self {
        Self::Says(
            status,
            vec![("content-type", "text/html")],
            "<html>hidden</html>".to_owned(),
        )
    }

    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        if let Self::Says(_, headers, _) = &mut self {
            headers.push((name, value));
        }
        self
    }
}

impl Scripted {
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Script {
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let url = format!("http://{address}").parse().expect("a deployment");
        Self { state, url }
    }

    pub(crate) fn builder(&self) -> FunctionClientBuilder {
        FunctionClient::builder(self.url.clone()).http_client(http_client())
    }

    pub(crate) fn client(&self) -> FunctionClient {
        self.builder().build().expect("a client")
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.state.asked.lock().expect("a lock"))
    }
}

/// Like the default one, but without the machine's certificates, which take long to read.
pub(crate) fn http_client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([])
        .build()
        .expect("a client")
}

async fn answer(
    State(script): State<Arc<Script>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    script.asked.lock().expect("a lock").push(Asked {
        line: format!("{method} {uri}"),
        headers,
        body: serde_json::from_slice(&body).expect("JSON"),
        at: Instant::now(),
    });
    let next = script.answers.lock().expect("a lock").pop_front();
    match next.expect("somebody has said what to answer") {
        Answer::Says(status, headers, body) => {
            let mut response = body.into_response();
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            response.headers_mut().clear();
            for (name, value) in headers {
                response
                    .headers_mut()
                    .append(name, value.parse().expect("a header"));
            }
            response
        }
        Answer::Hangs => std::future::pending().await,
        Answer::Cut => {
            let parts = [Ok("{\"status\":"), Err(std::io::Error::other("cut"))];
            Body::from_stream(stream::iter(parts)).into_response()
        }
        Answer::Drips => {
            let drops = stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Some((Ok::<_, std::io::Error>(" "), ()))
            });
            Body::from_stream(drops).into_response()
        }
    }
}
