use axum::{Router, body, http::header, routing::get};
use hexclave_core::{CredentialSource, CredentialSources, User, Verifier, web::AuthLayer};
use http::Request;
use tower::ServiceExt;

use crate::{
    Answer, axum_example,
    callers::{Caller, Callers, Outcome},
    check_all_routes,
};

async fn call(router: Router, path: &str, caller: &Caller) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in &caller.headers {
        request = request.header(*name, value);
    }
    let request = request.body(body::Body::empty()).expect("a request");
    let (parts, body) = router.oneshot(request).await.expect("a response").into_parts();
    let body = body::to_bytes(body, usize::MAX).await.expect("a body");
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).expect("text"),
    }
}

#[tokio::test]
async fn the_example_lets_in_and_refuses() {
    let callers = Callers::new().await;
    check_all_routes(&callers, async |verifier, path, caller| {
        call(axum_example::router(verifier), path, &caller).await
    })
    .await;
}

/// Routes without the layer: the extractors read the headers themselves.
#[tokio::test]
async fn extractors_do_without_the_layer() {
    let callers = Callers::new().await;
    for caller in callers.all() {
        let router = Router::new()
            .route("/me", get(async |user: User| user.id().to_string()))
            .route(
                "/hello",
                get(async |user: Option<User>| user.is_some().to_string()),
            )
            .with_state(callers.verifier(&caller));
        let me = call(router.clone(), "/me", &caller).await;
        let hello = call(router, "/hello", &caller).await;
        match caller.outcome {
            Outcome::User((id, _)) => {
                assert_eq!((me.body, hello.body), (id.to_string(), "true".to_owned()));
            }
            Outcome::Nobody => {
                me.assert_denied(&caller, Outcome::Nobody);
                assert_eq!(hello.body, "false");
            }
            outcome => {
                me.assert_denied(&caller, outcome);
                hello.assert_denied(&caller, outcome);
            }
        }
    }
}

/// What the innermost layer has found counts, and the state's verifier has the last word.
#[tokio::test]
async fn a_layers_user_is_not_anybodys() {
    let callers = Callers::new().await;
    let is_guest = |caller: &Caller| {
        matches!(
            caller.outcome,
            Outcome::User((_, hexclave_core::UserKind::Anonymous))
        )
    };
    let guest = callers.all().find(is_guest).expect("a guest");
    let lenient = callers.verifier(&guest);
    let nobody = callers.all().next().expect("nobody");
    let strict = callers.verifier(&nobody);

    let router = |state: Verifier| {
        Router::new()
            .route("/me", get(async |user: User| user.id().to_string()))
            .route_layer(AuthLayer::required(lenient.clone()))
            .with_state(state)
    };
    assert_eq!(
        call(router(lenient.clone()), "/me", &guest).await.status.as_u16(),
        200
    );
    let refused = call(router(strict), "/me", &guest).await;
    refused.assert_denied(&guest, Outcome::NotLetIn(hexclave_core::UserKind::Anonymous));

    // The outer layer looks at the header, the inner one does not.
    let nowhere = CredentialSources::only(CredentialSource::Cookie);
    let router: Router = Router::new()
        .route(
            "/",
            get(async |request: axum::extract::Request| {
                let extensions = request.extensions();
                assert!(extensions.get::<User>().is_none());
                assert_eq!(extensions.get::<Option<User>>(), Some(&None));
            }),
        )
        .route_layer(AuthLayer::optional(lenient.clone()).sources(nowhere))
        .route_layer(AuthLayer::required(lenient));
    assert_eq!(call(router, "/", &guest).await.status.as_u16(), 200);
}

#[tokio::test]
async fn the_handlers_headers_stay_and_cookies_are_asked_for() {
    let callers = Callers::new().await;
    let has_cookie = |caller: &Caller| caller.headers.iter().any(|(name, _)| *name == "cookie");
    let with_cookie = callers.all().find(has_cookie).expect("a caller with cookies");
    let sources = CredentialSources::only(CredentialSource::Cookie);
    let router: Router = Router::new()
        .route("/private", get(async || "text"))
        .route(
            "/own",
            get(async || {
                let own = [
                    (header::CACHE_CONTROL, "private, max-age=60"),
                    (header::VARY, "Cookie"),
                ];
                (own, "text")
            }),
        )
        .route_layer(AuthLayer::required(callers.verifier(&with_cookie)).sources(sources));
    // The handler's cookie and ours.
    let project = callers.verifier(&with_cookie).config().project_id().to_string();
    let mut with_both = with_cookie.clone();
    with_both.headers[0].1 += &format!("; stack-refresh-{project}=kept");
    for caller in [with_cookie, with_both] {
        let private = call(router.clone(), "/private", &caller).await;
        assert_eq!(private.status.as_u16(), 200);
        assert_eq!(private.header("cache-control"), "private, no-store");
        assert_eq!(private.header("vary"), "cookie");
        let own = call(router.clone(), "/own", &caller).await;
        assert_eq!(own.header("cache-control"), "private, max-age=60");
        assert_eq!(own.header("vary"), "Cookie");
    }
    let nobody = callers.all().next().expect("nobody");
    let denied = call(router, "/own", &nobody).await;
    assert_eq!(denied.status.as_u16(), 401);
    assert_eq!(denied.header("vary"), "cookie");
}
