use std::pin::Pin;

use hexclave_core::{
    AccessToken, Error,
    api::Access,
    session::{Session, SessionState},
};

pub(super) type TokensFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// What a token is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Need {
    Usable,
    New,
}

/// A session, whatever its access to the API.
pub(super) trait Tokens: Send + Sync {
    fn usable_token(&self) -> TokensFuture<'_, AccessToken>;
    fn new_token(&self) -> TokensFuture<'_, AccessToken>;
    fn sign_out(&self) -> TokensFuture<'_, ()>;
    fn has_ended(&self) -> bool;
}

impl<A: Access> Tokens for Session<A> {
    fn usable_token(&self) -> TokensFuture<'_, AccessToken> {
        Box::pin(self.access_token())
    }

    fn new_token(&self) -> TokensFuture<'_, AccessToken> {
        Box::pin(self.force_refresh())
    }

    fn sign_out(&self) -> TokensFuture<'_, ()> {
        Box::pin(Self::sign_out(self))
    }

    fn has_ended(&self) -> bool {
        self.state() == SessionState::Ended
    }
}
