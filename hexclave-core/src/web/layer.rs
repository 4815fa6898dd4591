use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderMap, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::{Denial, caching::keep_private, gate::Gate};
use crate::{CredentialSources, User, Verifier};

/// A `tower` layer that lets a request through with its [`User`] in the extensions, or answers it with a
/// [`Denial`]; see [the table](super).
///
/// The service behind it finds two extensions: `Option<User>`, and where somebody is signed in, `User`.
///
/// ```
/// use hexclave_core::{CredentialSource, CredentialSources, Verifier, web::AuthLayer};
///
/// # fn layers(verifier: Verifier) {
/// let for_members = AuthLayer::required(verifier.clone());
/// let for_everybody = AuthLayer::optional(verifier)
///     .sources(CredentialSources::default().and(CredentialSource::Cookie));
/// # }
/// ```
///
/// `A` is the language of the answers: [`Http`]
#[cfg_attr(feature = "tonic", doc = "or [`Grpc`](super::Grpc).")]
#[cfg_attr(not(feature = "tonic"), doc = "alone, without the feature `tonic`.")]
pub struct AuthLayer<A = Http> {
    gate: Gate,
    answers: PhantomData<fn() -> A>,
}

impl AuthLayer {
    /// Lets nobody through who is not signed in.
    #[must_use]
    pub fn required(verifier: Verifier) -> Self {
        Self::of(Gate::new(verifier, true))
    }

    /// Lets requests without credentials through too, as nobody. Bad credentials are refused.
    ///
    /// A request with a refresh token alone counts as nobody's.
    #[must_use]
    pub fn optional(verifier: Verifier) -> Self {
        Self::of(Gate::new(verifier, false))
    }
}

impl<A> AuthLayer<A> {
    /// Where to look for credentials: in all headers, and in no cookies, unless this is called.
    #[must_use]
    pub fn sources(self, sources: CredentialSources) -> Self {
        Self::of(self.gate.with_sources(sources))
    }

    /// The same with answers in another language.
    #[cfg(feature = "tonic")]
    pub(super) fn answering<B>(self) -> AuthLayer<B> {
        AuthLayer::of(self.gate)
    }

    fn of(gate: Gate) -> Self {
        Self {
            gate,
            answers: PhantomData,
        }
    }
}

impl<S, A> Layer<S> for AuthLayer<A> {
    type Service = AuthService<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService {
            inner,
            gate: self.gate.clone(),
            answers: PhantomData,
        }
    }
}

/// What an [`AuthLayer`] makes of a service.
pub struct AuthService<S, A = Http> {
    inner: S,
    gate: Gate,
    answers: PhantomData<fn() -> A>,
}

impl<S, A, B, R> Service<Request<B>> for AuthService<S, A>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    A: Answers<R>,
    B: Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The clone that stays has not been polled until it was ready; this one has.
        let waiting = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, waiting);
        let gate = self.gate.clone();
        Box::pin(async move {
            // Only the headers are borrowed while the user is verified: a body need not be `Sync`.
            let headers = std::mem::take(request.headers_mut());
            let user = gate.user(&headers).await;
            *request.headers_mut() = headers;
            match user {
                Ok(user) => {
                    set_user(request.extensions_mut(), user);
                    let mut response = inner.call(request).await?;
                    A::finish(response.headers_mut(), gate.sources());
                    Ok(response)
                }
                Err(denial) => Ok(A::denied(denial)),
            }
        })
    }
}

/// Answers in HTTP, for bodies that can be made from a `String`: those of axum, hyper's `Full`, and others.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums)]
pub enum Http {}

/// How a layer answers; only this crate's languages do.
pub trait Answers<R>: 'static {
    #[doc(hidden)]
    fn denied(denial: Denial) -> Response<R>;
    #[doc(hidden)]
    fn finish(headers: &mut HeaderMap, sources: CredentialSources);
}

impl<R: From<String>> Answers<R> for Http {
    fn denied(denial: Denial) -> Response<R> {
        denial.into_response()
    }

    fn finish(headers: &mut HeaderMap, sources: CredentialSources) {
        keep_private(headers, sources);
    }
}

/// A user whom an outer layer has found by rules of its own does not stay.
fn set_user(extensions: &mut http::Extensions, user: Option<User>) {
    extensions.remove::<User>();
    if let Some(user) = user.clone() {
        extensions.insert(user);
    }
    extensions.insert(user);
}

impl<A> Clone for AuthLayer<A> {
    fn clone(&self) -> Self {
        Self::of(self.gate.clone())
    }
}

impl<A> fmt::Debug for AuthLayer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuthLayer").field(&self.gate).finish()
    }
}

impl<S: Clone, A> Clone for AuthService<S, A> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            gate: self.gate.clone(),
            answers: PhantomData,
        }
    }
}

impl<S: fmt::Debug, A> fmt::Debug for AuthService<S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthService")
            .field("inner", &self.inner)
            .field("gate", &self.gate)
            .finish()
    }
}
