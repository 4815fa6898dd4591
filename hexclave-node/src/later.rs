use std::task::{Context, Poll, Waker};

use napi::{
    Env,
    bindgen_prelude::{Either, PromiseRaw, ToNapiValue, within_runtime_if_available},
};

use crate::failure::{Failure, Outcome, outcome};

/// An outcome, or the promise of one.
pub(crate) type Later<'env, T> = Either<Outcome<T>, PromiseRaw<'env, Outcome<T>>>;

/// Does what can be done at once at once, and the rest in the background.
///
/// The way to another thread and back costs tens of microseconds, which is many times what it takes to look up a token that
/// was verified before. So the work is begun here, in the runtime's context, in which it can start fetching keys.
pub(crate) fn now_or_later<'env, T, U, E>(
    env: &'env Env,
    work: impl Future<Output = Result<T, E>> + Send + 'static,
    finish: fn(T) -> U,
) -> napi::Result<Later<'env, U>>
where
    T: Send + 'static,
    U: ToNapiValue + 'static,
    E: Into<Failure> + Send + 'static,
{
    let mut work = Box::pin(work);
    let begun = within_runtime_if_available(|| work.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    match begun {
        Poll::Ready(result) => Ok(Either::A(outcome(result.map(finish)))),
        Poll::Pending => env
            .spawn_future_with_callback(async move { Ok(work.await) }, move |_, result| {
                Ok(outcome(result.map(finish)))
            })
            .map(Either::B),
    }
}
