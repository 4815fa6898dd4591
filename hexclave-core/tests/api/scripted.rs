//! A server that answers what it was told to, one answer after the other, and keeps what it was asked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use hexclave_core::{
    ProjectConfig,
    api::{Client, ClientBuilder},
};
use serde_json::Value;
use tokio::{net::TcpListener, time::Instant};

pub(crate) const PROJECT: &str = "11111111-2222-4333-8444-555555555555";
pub(crate) const USER: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

pub(crate) struct Scripted {
    state: Arc<Script>,
    pub(crate) config: ProjectConfig,
}

struct Script {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) at: Instant,
}

pub(crate) enum Answer {
    /// This status, these headers, this body.
    Says(StatusCode, Vec<(&'static str, String)>, String),
    /// 200 with this JSON, compressed.
    Gzip(String),
    /// Never a word.
    Hangs,
    /// The beginning of an answer, and the end of the connection.
    Cut,
    /// A blank now and then, for ever.
    Drips,
}

impl Answer {
    pub(crate) fn json(body: impl Into<Value>) -> Self {
        Self::Says(StatusCode::OK, json_type(), body.into().to_string())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::text(status, "something about hidden@example.com")
    }

    pub(crate) fn text(status: u16, text: &str) -> Self {
        let status = StatusCode::from_u16(status).expect("a status");
        let content_type = vec![("content-type", "text/plain; charset=utf-8".to_owned())];
        Self::Says(status, content_type, text.to_owned())
    }

    /// An error as Hexclave answers with it.
    pub(crate) fn error(status: u16, code: &str, details: Value) -> Self {
        let body = serde_json::json!({
            "code": code,
            "details": details,
            "error": "About hidden@example.com.",
        });
        let status = StatusCode::from_u16(status).expect("a status");
        Self::Says(status, json_type(), body.to_string())
            .with("x-stack-known-error", code)
            .with("x-hexclave-known-error", code)
            .with("x-stack-request-id", "0123456789abcdef")
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Says(_, headers, _) = &mut self {
            headers.push((name, value.to_owned()));
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
        let config = ProjectConfig::builder()
            .project_id(PROJECT.parse().expect("a project"))
            .api_url(format!("http://{address}").parse().expect("a URL"))
            .publishable_client_key("pck_public")
            .and_then(|config| {
                Ok(config
                    .secret_server_key(hexclave_core::SecretKey::new("ssk_hidden")?)
                    .super_secret_admin_key(hexclave_core::SecretKey::new("sak_hidden")?))
            })
            .and_then(hexclave_core::ProjectConfigBuilder::build)
            .expect("a config");
        Self { state, config }
    }

    /// A client like the default one, but without the machine's certificates, which take long to read.
    pub(crate) fn builder(&self) -> ClientBuilder {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_only([])
            .build()
            .expect("a client");
        Client::builder(self.config.clone()).http_client(http)
    }

    /// Answers these when those before them are used up.
    pub(crate) fn will_answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.answers.lock().expect("a lock").extend(answers);
    }

    /// How often something was asked since the last time that it was looked at.
    pub(crate) fn count(&self) -> usize {
        self.state.asked.lock().expect("a lock").len()
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.state.asked.lock().expect("a lock"))
    }

    /// The one thing that was asked since the last time.
    pub(crate) fn asked_once(&self) -> Asked {
        let mut asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked.remove(0)
    }
}

impl Asked {
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.uri)
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json");
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

fn json_type() -> Vec<(&'static str, String)> {
    vec![("content-type", "application/json; charset=utf-8".to_owned())]
}

async fn answer(
    State(script): State<Arc<Script>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    script.asked.lock().expect("a lock").push(Asked {
        method,
        uri: uri.to_string(),
        headers,
        body,
        at: Instant::now(),
    });
    let next = script.answers.lock().expect("a lock").pop_front();
    let json = [(header::CONTENT_TYPE, "application/json")];
    match next {
        Some(Answer::Says(status, headers, body)) => {
            let mut response = (status, body).into_response();
            response.headers_mut().remove(header::CONTENT_TYPE);
            for (name, value) in headers {
                response
                    .headers_mut()
                    .append(name, value.parse().expect("a header"));
            }
            response
        }
        Some(Answer::Gzip(body)) => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            std::io::Write::write_all(&mut gzip, body.as_bytes()).expect("a body");
            let encoding = [(header::CONTENT_ENCODING, "gzip")];
            (json, encoding, gzip.finish().expect("a body")).into_response()
        }
        Some(Answer::Cut) => {
            let parts = [Ok("{\"id\":"), Err(std::io::Error::other("cut"))];
            (json, Body::from_stream(stream::iter(parts))).into_response()
        }
        Some(Answer::Hangs) => std::future::pending().await,
        Some(Answer::Drips) => {
            let drops = stream::unfold((), |()| async {
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                Some((Ok::<_, std::io::Error>(" "), ()))
            });
            (json, Body::from_stream(drops)).into_response()
        }
        None => panic!("nobody has said what to answer"),
    }
}
