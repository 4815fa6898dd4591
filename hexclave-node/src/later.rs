use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use napi::{
    Env,
    bindgen_prelude::{Either, PromiseRaw, ToNapiValue, within_runtime_if_available},
};

use crate::failure::{Failure, Outcome, outcome};

/// The promise of an outcome.
pub(crate) type Later<'env, T> = PromiseRaw<'env, Outcome<T>>;

/// An outcome, or the promise of one.
pub(crate) type NowOrLater<'env, T> = Either<Outcome<T>, Later<'env, T>>;

/// Does in the background what waits for others.
pub(crate) fn later<'env, T, U, E>(
    env: &'env Env,
    work: impl Future<Output = Result<T, E>> + Send + 'static,
    finish: fn(T) -> U,
) -> napi::Result<Later<'env, U>>
where
    T: Send + 'static,
    U: ToNapiValue + 'static,
    E: Into<Failure> + Send + 'static,
{
    env.spawn_future_with_callback(async move { Ok(work.await) }, move |_, result| {
        Ok(outcome(result.map(finish)))
    })
}

/// Does at once what mostly needs to wait for nothing: the way to another thread and back costs tens of microseconds, many
/// times what it takes to look up a token that was verified before.
///
/// Where it has to wait after all, it is begun anew in the background, by `again`. The keys that it waits for are being
/// fetched by then, in the runtime's context, and are fetched once.
pub(crate) fn now_or_later<'env, T, U, E, W>(
    env: &'env Env,
    now: impl Future<Output = Result<T, E>>,
    again: impl FnOnce() -> W,
    finish: fn(T) -> U,
) -> napi::Result<NowOrLater<'env, U>>
where
    T: Send + 'static,
    U: ToNapiValue + 'static,
    E: Into<Failure> + Send + 'static,
    W: Future<Output = Result<T, E>> + Send + 'static,
{
    let now = pin!(now);
    match within_runtime_if_available(|| now.poll(&mut Context::from_waker(Waker::noop()))) {
        Poll::Ready(result) => Ok(Either::A(outcome(result.map(finish)))),
        Poll::Pending => later(env, again(), finish).map(Either::B),
    }
}
