use crate::Error;

/// What happens to a [`SignedInClient`](super::SignedInClient), for the application to show or to log. No event holds a
/// token.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientEvent {
    /// The WebSocket is being opened, for the first time or anew.
    Connecting,
    /// The WebSocket is open.
    Connected,
    /// There is a new access token, and so it is again after trouble.
    TokenRenewed,
    /// No new access token could be had; the one at hand still lasts. It is tried again.
    RenewalFailed(Error),
    /// No access token could be had and there is none at hand: functions run as nobody's until there is one. It is tried
    /// again. Not with [`strict`](super::TokenProviderBuilder::strict) providers, whose clients end.
    Anonymous(Error),
    /// The session has ended: the user has to sign in anew. Functions run as nobody's from now on, unless the provider
    /// is strict.
    SignedOut,
    /// Convex closes the connection soon after each opening, so it probably does not accept the user's tokens; its
    /// `auth.config` may not know this kind of user, or this host of the API. It is tried again, ever more slowly, and
    /// calls get no answer meanwhile.
    ProbablyRefused,
    /// The client has ended, for this reason.
    Ended(Error),
}

/// Whether Convex is told who the user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Authentication {
    /// Nothing has been asked for yet.
    Pending,
    /// There is an access token.
    SignedIn,
    /// No access token can be had at the moment.
    Unavailable,
    /// The session has ended, for ever.
    SignedOut,
}
