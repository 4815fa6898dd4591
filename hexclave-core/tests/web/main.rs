//! The services of `examples/`, against a local Hexclave: who is let in, and what is answered to whom.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../../examples/actix.rs"]
#[allow(dead_code)]
mod actix_example;
#[path = "../../examples/axum.rs"]
#[allow(dead_code)]
mod axum_example;
#[path = "../../examples/tonic.rs"]
#[allow(dead_code)]
mod tonic_example;

mod actix;
mod axum;
mod callers;
mod tonic;

use callers::{Caller, Callers, Outcome};
use http::{HeaderMap, StatusCode};

/// What a service over HTTP has answered.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let values: Vec<_> = self.headers.get_all(name).into_iter().collect();
        match values[..] {
            [] => "",
            [value] => value.to_str().expect("ASCII"),
            _ => panic!("{name}: {values:?}"),
        }
    }

    /// A response to a request that was not let in.
    fn assert_denied(&self, caller: &Caller, outcome: Outcome) {
        let (status, code, challenge) = match outcome {
            Outcome::Nobody => (401, "token_missing", r#"Bearer realm="hexclave""#),
            Outcome::Bad(code) => (401, code, r#"error="invalid_token""#),
            Outcome::NotLetIn(_) => (403, "kind_not_accepted", r#"error="insufficient_scope""#),
            Outcome::Conflict => (400, "conflicting_credentials", r#"error="invalid_request""#),
            Outcome::KeysUnavailable => (503, "keys_unavailable", ""),
            Outcome::User(_) => panic!("{caller:?} is let in"),
        };
        assert_eq!(self.status, status, "{caller:?}: {self:?}");
        let sent = self.header("www-authenticate");
        assert!(sent.contains(challenge), "{caller:?}: {sent}");
        assert_eq!(sent.is_empty(), challenge.is_empty(), "{caller:?}: {sent}");
        assert_eq!(
            sent.contains("error"),
            challenge.contains("error"),
            "{caller:?}: {sent}"
        );
        assert_eq!(
            self.header("retry-after"),
            if status == 503 { "5" } else { "" },
            "{caller:?}"
        );
        assert_eq!(self.header("content-type"), "application/problem+json");
        let body: serde_json::Value = serde_json::from_str(&self.body).expect("JSON");
        assert_eq!(body["code"], code, "{caller:?}");
        assert_eq!(body["status"], status, "{caller:?}");
        if let Outcome::NotLetIn(kind) = outcome {
            assert_eq!(body["kind"], kind.as_str());
        }
        for (_, value) in &caller.headers {
            let everything = format!("{self:?}");
            assert!(value.is_empty() || !everything.contains(value), "{everything}");
        }
        self.assert_private();
    }

    fn assert_private(&self) {
        assert_eq!(self.header("cache-control"), "private, no-store");
        assert_eq!(
            self.header("vary"),
            "x-stack-access-token, x-hexclave-access-token, authorization, x-stack-auth"
        );
    }

    fn assert_open(&self) {
        assert_eq!((self.status, self.body.as_str()), (StatusCode::OK, "open to all"));
        assert_eq!((self.header("cache-control"), self.header("vary")), ("", ""));
    }
}

/// Every caller on every route of a service over HTTP.
async fn check_all_routes<F: Future<Output = Answer>>(
    callers: &Callers,
    call: impl Fn(hexclave_core::Verifier, &'static str, Caller) -> F,
) {
    for caller in callers.all() {
        let verifier = callers.verifier(&caller);
        let ask = |path| call(verifier.clone(), path, caller.clone());

        ask("/").await.assert_open();
        let [me, orders, hello] = [ask("/me").await, ask("/orders").await, ask("/hello").await];
        match caller.outcome {
            Outcome::User((id, kind)) => {
                assert_eq!((me.status.as_u16(), me.body), (200, format!("{id} ({kind})")));
                assert_eq!(
                    (hello.status.as_u16(), hello.body.clone()),
                    (200, format!("hello, {id}"))
                );
                hello.assert_private();
                match kind {
                    hexclave_core::UserKind::Normal => {
                        assert_eq!(orders.body, format!("orders of {id}"));
                        orders.assert_private();
                    }
                    _ => orders.assert_denied(&caller, Outcome::NotLetIn(kind)),
                }
            }
            Outcome::Nobody => {
                me.assert_denied(&caller, Outcome::Nobody);
                orders.assert_denied(&caller, Outcome::Nobody);
                assert_eq!(
                    (hello.status.as_u16(), hello.body.as_str()),
                    (200, "hello, stranger")
                );
                hello.assert_private();
            }
            outcome => {
                for answer in [me, orders, hello] {
                    answer.assert_denied(&caller, outcome);
                }
            }
        }
    }
}
