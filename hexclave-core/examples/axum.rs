//! A service with routes for everybody, for whoever is signed in, and for users of one kind.
//!
//! `HEXCLAVE_PROJECT_ID=… cargo run -p hexclave-core --example axum --features axum`, then
//! `curl -i -H "x-stack-access-token: $TOKEN" http://127.0.0.1:3000/me`.
#![allow(clippy::print_stdout)]

use axum::{Router, routing::get};
use hexclave_core::{
    AcceptedKinds, Normal, ProjectConfig, User, UserKind, Verified, Verifier, web::AuthLayer,
};

pub(crate) fn router(verifier: Verifier) -> Router {
    let members = Router::new()
        .route("/me", get(me))
        .route("/orders", get(orders))
        .route_layer(AuthLayer::required(verifier.clone()));
    let visitors = Router::new()
        .route("/hello", get(hello))
        .route_layer(AuthLayer::optional(verifier.clone()));
    Router::new()
        .route("/", get(async || "open to all"))
        .merge(members)
        .merge(visitors)
        .with_state(verifier)
}

/// For whoever the verifier lets in.
async fn me(user: User) -> String {
    format!("{} ({})", user.id(), user.kind())
}

/// Not for guests, although the verifier lets them in.
async fn orders(user: Verified<Normal>) -> String {
    format!("orders of {}", user.id())
}

async fn hello(user: Option<User>) -> String {
    match user {
        Some(user) => format!("hello, {}", user.id()),
        None => "hello, stranger".to_owned(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let verifier = Verifier::builder(ProjectConfig::from_env()?)
        .accept(AcceptedKinds::default().and(UserKind::Anonymous))
        .build()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router(verifier)).await?;
    Ok(())
}
