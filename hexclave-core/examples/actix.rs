//! A service with routes for everybody, for whoever is signed in, and for users of one kind.
//!
//! `HEXCLAVE_PROJECT_ID=… cargo run -p hexclave-core --example actix --features actix-web`, then
//! `curl -i -H "x-stack-access-token: $TOKEN" http://127.0.0.1:3000/me`.
#![allow(clippy::print_stdout)]

use actix_web::{
    App, HttpServer, Responder,
    web::{self, ServiceConfig},
};
use hexclave_core::{
    AcceptedKinds, Normal, ProjectConfig, User, UserKind, Verified, Verifier, web::AuthMiddleware,
};

pub(crate) fn routes(verifier: Verifier) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let members = AuthMiddleware::required(verifier.clone());
        config
            .route("/", web::get().to(async || "open to all"))
            .service(
                web::resource("/me")
                    .wrap(members.clone())
                    .route(web::get().to(me)),
            )
            .service(
                web::resource("/orders")
                    .wrap(members)
                    .route(web::get().to(orders)),
            )
            .service(
                web::resource("/hello")
                    .wrap(AuthMiddleware::optional(verifier))
                    .route(web::get().to(hello)),
            );
    }
}

/// For whoever the verifier lets in.
async fn me(user: User) -> impl Responder {
    format!("{} ({})", user.id(), user.kind())
}

/// Not for guests, although the verifier lets them in.
async fn orders(user: Verified<Normal>) -> impl Responder {
    format!("orders of {}", user.id())
}

async fn hello(user: Option<User>) -> impl Responder {
    match user {
        Some(user) => format!("hello, {}", user.id()),
        None => "hello, stranger".to_owned(),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let verifier = Verifier::builder(ProjectConfig::from_env()?)
        .accept(AcceptedKinds::default().and(UserKind::Anonymous))
        .build()?;
    let server = HttpServer::new(move || App::new().configure(routes(verifier.clone())));
    println!("listening on http://127.0.0.1:3000");
    actix_web::rt::System::new().block_on(server.bind("127.0.0.1:3000")?.run())?;
    Ok(())
}
