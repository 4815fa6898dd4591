//! An application's backend with our crates, as the guides' front ends call it.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use hexclave_core::{AccessToken, CredentialSources, User, Verifier, web::AuthLayer};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// On a port of loopback, until it is dropped.
pub(super) struct Backend {
    pub(super) url: String,
    server: JoinHandle<()>,
}

impl Backend {
    pub(super) async fn start(verifier: Verifier) -> Self {
        let by_headers = Router::new()
            .route("/hello", get(hello))
            .route_layer(AuthLayer::required(verifier.clone()));
        let by_cookies = Router::new()
            .route("/page", get(hello))
            .route_layer(AuthLayer::required(verifier.clone()).sources(CredentialSources::ALL));
        let router = Router::new()
            .route("/rpc", post(rpc))
            .merge(by_headers)
            .merge(by_cookies)
            .with_state(verifier);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("a server") });
        Self { url, server }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn hello(user: User) -> String {
    format!("Hello, {}", user.name().unwrap_or("null"))
}

/// The tokens are in the call, as where the protocol has no headers.
async fn rpc(State(verifier): State<Verifier>, Json(call): Json<Value>) -> String {
    let Some(token) = call["data"]["auth"]["accessToken"].as_str() else {
        return "nobody".to_owned();
    };
    match verifier.verify(&AccessToken::from(token)).await {
        Ok(user) => hello(user).await,
        Err(error) => error.code().to_owned(),
    }
}
