//! A gRPC service that tells whoever calls who that is.
//!
//! `HEXCLAVE_PROJECT_ID=… cargo run -p hexclave-core --example tonic --features tonic`. The service is written by hand
//! and its messages are plain text, so that no code has to be generated; with generated services, `layer` and `who` look
//! the same.
#![allow(clippy::print_stdout)]

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use hexclave_core::{ProjectConfig, User, Verifier, web::AuthLayer};
use tonic::{
    Request, Response, Status,
    body::Body,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    server::{Grpc, NamedService},
    transport::Server,
};
use tower::{Service, service_fn};

/// The one method.
async fn who(request: Request<String>) -> Result<Response<String>, Status> {
    let greeting = request.get_ref();
    Ok(Response::new(match request.extensions().get::<User>() {
        Some(user) => format!("{greeting}, {}", user.id()),
        None => format!("{greeting}, stranger"),
    }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let verifier = Verifier::new(ProjectConfig::from_env()?)?;
    println!("listening on http://127.0.0.1:50051");
    Server::builder()
        .layer(AuthLayer::required(verifier).grpc())
        .add_service(Greeter)
        .serve("127.0.0.1:50051".parse()?)
        .await?;
    Ok(())
}

/// What would be generated.
#[derive(Clone, Debug)]
pub(crate) struct Greeter;

impl NamedService for Greeter {
    const NAME: &'static str = "example.Greeter";
}

impl Service<http::Request<Body>> for Greeter {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async { Ok(Grpc::new(Text).unary(service_fn(who), request).await) })
    }
}

/// Messages of plain text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, text: String, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(buffer, text.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let text = std::io::read_to_string(bytes::Buf::reader(buffer));
        text.map(Some)
            .map_err(|_| Status::invalid_argument("the message is not UTF-8"))
    }
}
