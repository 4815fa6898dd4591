use actix_web::{
    App, HttpResponse,
    body::to_bytes,
    dev::Service,
    error::ErrorImATeapot,
    test::{TestRequest, init_service, try_call_service},
    web,
};
use hexclave_core::{User, Verifier, web::AuthMiddleware};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::{
    Answer, actix_example,
    callers::{Caller, Callers, Outcome},
    check_all_routes,
};

async fn call(routes: impl FnOnce(&mut web::ServiceConfig), path: &str, caller: &Caller) -> Answer {
    let service = init_service(App::new().configure(routes)).await;
    let mut request = TestRequest::get().uri(path);
    for (name, value) in &caller.headers {
        request = request.append_header((*name, value.as_str()));
    }
    let response = match try_call_service(&service, request.to_request()).await {
        Ok(response) => response.into_parts().1.map_into_boxed_body(),
        Err(error) => error.error_response(),
    };
    let status = StatusCode::from_u16(response.status().as_u16()).expect("a status");
    let mut headers = HeaderMap::new();
    for (name, value) in response.headers() {
        headers.append(
            HeaderName::from_bytes(name.as_ref()).expect("a name"),
            HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
        );
    }
    let body = to_bytes(response.into_body())
        .await
        .map_err(|_| ())
        .expect("a body");
    Answer {
        status,
        headers,
        body: String::from_utf8(body.to_vec()).expect("text"),
    }
}

#[tokio::test]
async fn the_example_lets_in_and_refuses() {
    let callers = Callers::new().await;
    check_all_routes(&callers, async |verifier, path, caller| {
        call(actix_example::routes(verifier), path, &caller).await
    })
    .await;
}

#[tokio::test]
async fn errors_and_handlers_headers_are_kept() {
    let callers = Callers::new().await;
    let is_user = |caller: &Caller| matches!(caller.outcome, Outcome::User(_));
    let ada = callers.all().find(is_user).expect("a user");
    let routes = |verifier: Verifier| {
        move |config: &mut web::ServiceConfig| {
            let scope = web::scope("/in")
                .wrap_fn(|request, service| {
                    let is_blocked = request.path().ends_with("/blocked");
                    let call = service.call(request);
                    async move {
                        match is_blocked {
                            true => Err(ErrorImATeapot("no coffee")),
                            false => call.await,
                        }
                    }
                })
                .wrap(AuthMiddleware::required(verifier))
                .route(
                    "/fails",
                    web::get().to(async || Err::<HttpResponse, _>(ErrorImATeapot("no coffee"))),
                )
                .route(
                    "/own",
                    web::get().to(async || {
                        HttpResponse::Ok()
                            .insert_header(("cache-control", "private, max-age=60"))
                            .insert_header(("vary", "Authorization, X-Stack-Auth"))
                            .finish()
                    }),
                );
            config
                .service(scope)
                .route(
                    "/forgotten",
                    web::get().to(async |user: User| user.id().to_string()),
                )
                .route(
                    "/maybe",
                    web::get().to(async |user: Option<User>| user.is_some().to_string()),
                );
        }
    };
    let verifier = callers.verifier(&ada);
    // Of a handler, and of another middleware.
    for path in ["/in/fails", "/in/blocked"] {
        let failed = call(routes(verifier.clone()), path, &ada).await;
        assert_eq!((failed.status.as_u16(), failed.body.as_str()), (418, "no coffee"));
        failed.assert_private();
    }
    let missing = call(routes(verifier.clone()), "/in/nowhere", &ada).await;
    assert_eq!(missing.status.as_u16(), 404);
    missing.assert_private();

    let own = call(routes(verifier.clone()), "/in/own", &ada).await;
    assert_eq!(own.header("cache-control"), "private, max-age=60");
    let vary: Vec<_> = own.headers.get_all("vary").into_iter().collect();
    assert_eq!(
        vary,
        [
            "Authorization, X-Stack-Auth",
            "x-stack-access-token, x-hexclave-access-token"
        ]
    );

    // Without the middleware nobody is found, whoever calls.
    let forgotten = call(routes(verifier.clone()), "/forgotten", &ada).await;
    assert_eq!(forgotten.status.as_u16(), 500);
    assert_eq!(call(routes(verifier), "/maybe", &ada).await.body, "false");
}
