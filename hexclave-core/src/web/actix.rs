//! Middleware, extractors and answers for actix-web, whose `http` types are those of an older version.

use std::{
    future::{Future, Ready, ready},
    pin::Pin,
    rc::Rc,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError,
    body::{EitherBody, MessageBody},
    dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    error::InternalError,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
};

use super::{
    Denial,
    caching::{CACHE_CONTROL, missing_vary},
    gate::Gate,
};
use crate::{CredentialSources, Error, Kinds, User, Verified, Verifier};

/// Middleware for actix-web that lets a request through with its user, or answers it with a [`Denial`]; see
/// [the table](super).
///
/// Behind it, [`User`], `Option<User>` and [`Verified`] are extractors. They read what the middleware has found and
/// nothing else: without it, `User` is answered with 500, and `Option<User>` is `None`.
///
/// ```
/// use actix_web::{App, Responder, web};
/// use hexclave_core::{User, Verifier, web::AuthMiddleware};
///
/// async fn me(user: User) -> impl Responder {
///     user.id().to_string()
/// }
///
/// # fn run(verifier: Verifier) {
/// let app = App::new().service(
///     web::scope("/api")
///         .wrap(AuthMiddleware::required(verifier))
///         .route("/me", web::get().to(me)),
/// );
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AuthMiddleware {
    gate: Gate,
}

impl AuthMiddleware {
    /// Lets nobody through who is not signed in.
    #[must_use]
    pub fn required(verifier: Verifier) -> Self {
        Self {
            gate: Gate::new(verifier, true),
        }
    }

    /// Lets requests without credentials through too, as nobody. Bad credentials are refused.
    ///
    /// A request with a refresh token alone counts as nobody's.
    #[must_use]
    pub fn optional(verifier: Verifier) -> Self {
        Self {
            gate: Gate::new(verifier, false),
        }
    }

    /// Where to look for credentials: in all headers, and in no cookies, unless this is called.
    #[must_use]
    pub fn sources(self, sources: CredentialSources) -> Self {
        Self {
            gate: self.gate.with_sources(sources),
        }
    }
}

impl<S, B> Transform<S, ServiceRequest> for AuthMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Transform = AuthMiddlewareService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(AuthMiddlewareService {
            service: Rc::new(service),
            gate: self.gate.clone(),
        }))
    }
}

#[derive(Debug)]
pub struct AuthMiddlewareService<S> {
    service: Rc<S>,
    gate: Gate,
}

impl<S, B> Service<ServiceRequest> for AuthMiddlewareService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, actix_web::Error>>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let service = Rc::clone(&self.service);
        let gate = self.gate.clone();
        Box::pin(async move {
            let sources = gate.sources();
            match gate.user(&looked_at(request.headers(), sources)).await {
                Ok(user) => {
                    request.extensions_mut().insert(Found(user));
                    match service.call(request).await {
                        Ok(mut response) => {
                            keep_private(response.headers_mut(), sources);
                            Ok(response.map_into_left_body())
                        }
                        Err(error) => {
                            let mut response = error.error_response();
                            keep_private(response.headers_mut(), sources);
                            Err(InternalError::from_response(error, response).into())
                        }
                    }
                }
                Err(denial) => Ok(request.error_response(denial).map_into_right_body()),
            }
        })
    }
}

/// What the middleware has found.
#[derive(Clone)]
struct Found(Option<User>);

impl FromRequest for User {
    type Error = Denial;
    type Future = Ready<Result<Self, Denial>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request.extensions().get::<Found>().cloned();
        ready(match found {
            Some(Found(Some(user))) => Ok(user),
            Some(Found(None)) => Err(Error::token_missing().into()),
            None => Err(Error::config("a route has the extractor `User` and no `AuthMiddleware`").into()),
        })
    }
}

impl<K: Kinds> FromRequest for Verified<K> {
    type Error = Denial;
    type Future = Ready<Result<Self, Denial>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let user = User::from_request(request, payload).into_inner();
        ready(user.and_then(|user| Ok(user.try_into()?)))
    }
}

impl ResponseError for Denial {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code()).body(self.body());
        for (name, value) in &self.headers() {
            let name = HeaderName::from_bytes(name.as_str().as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The headers that may carry credentials, in the types of today's `http`.
fn looked_at(headers: &HeaderMap, sources: CredentialSources) -> http::HeaderMap {
    let mut found = http::HeaderMap::new();
    for name in sources.header_names() {
        for value in headers.get_all(name.as_str()) {
            if let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) {
                found.append(&name, value);
            }
        }
    }
    found
}

fn keep_private(headers: &mut HeaderMap, sources: CredentialSources) {
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE_CONTROL));
    }
    let listed = headers.get_all(header::VARY);
    let missing = missing_vary(sources, listed.filter_map(|value| value.to_str().ok()));
    if let Some(Ok(vary)) = missing.map(HeaderValue::try_from) {
        headers.append(header::VARY, vary);
    }
}
