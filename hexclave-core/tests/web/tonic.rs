use hexclave_core::web::AuthLayer;
use http::uri::PathAndQuery;
use tonic::{Code, Request, Status, client::Grpc};
use tower::Layer;

use crate::{
    callers::{Caller, Callers, Outcome},
    tonic_example::{Greeter, Text},
};

/// Calls as a client does, over the layer instead of a connection.
async fn call(layer: AuthLayer<hexclave_core::web::Grpc>, caller: &Caller) -> Result<String, Status> {
    let mut client = Grpc::new(layer.layer(Greeter));
    client.ready().await.expect("ready");
    let mut request = Request::new("hello".to_owned());
    for (name, value) in &caller.headers {
        request
            .metadata_mut()
            .append(*name, value.parse().expect("a value"));
    }
    let path = PathAndQuery::from_static("/example.Greeter/Who");
    Ok(client.unary(request, path, Text).await?.into_inner())
}

#[tokio::test]
async fn the_example_lets_in_and_refuses() {
    let callers = Callers::new().await;
    for caller in callers.all() {
        let verifier = callers.verifier(&caller);
        let required = call(AuthLayer::required(verifier.clone()).grpc(), &caller).await;
        let optional = call(AuthLayer::optional(verifier).grpc(), &caller).await;
        let (code, error) = match caller.outcome {
            Outcome::User((id, _)) => {
                for answer in [required, optional] {
                    assert_eq!(answer.expect("an answer"), format!("hello, {id}"));
                }
                continue;
            }
            Outcome::Nobody => {
                assert_eq!(optional.expect("an answer"), "hello, stranger");
                let status = required.expect_err("nobody");
                assert_denied(&caller, &status, Code::Unauthenticated, "token_missing");
                continue;
            }
            Outcome::Bad(error) => (Code::Unauthenticated, error),
            Outcome::NotLetIn(_) => (Code::PermissionDenied, "kind_not_accepted"),
            Outcome::Conflict => (Code::InvalidArgument, "conflicting_credentials"),
            Outcome::KeysUnavailable => (Code::Unavailable, "keys_unavailable"),
        };
        for answer in [required, optional] {
            assert_denied(&caller, &answer.expect_err("refused"), code, error);
        }
    }
}

fn assert_denied(caller: &Caller, status: &Status, code: Code, error: &str) {
    assert_eq!(status.code(), code, "{caller:?}: {status:?}");
    let sent = status.metadata().get("hexclave-error").expect("a code");
    assert_eq!(sent, error, "{caller:?}");
    assert!(!status.message().is_empty());
}
