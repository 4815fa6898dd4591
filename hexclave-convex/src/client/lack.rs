use crate::{Error, ErrorKind};

/// Why there is no token.
#[derive(Clone, Debug)]
pub(super) enum Lack {
    SignedOut,
    /// `None` when no answer came in time.
    Unavailable(Option<hexclave_core::Error>),
}

impl Lack {
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::SignedOut => Error::new(
                ErrorKind::SignedOut,
                "the session has ended: the user has to sign in anew",
            ),
            Self::Unavailable(Some(error)) => {
                Error::new(ErrorKind::NoToken, "no access token could be had").with_source(error)
            }
            Self::Unavailable(None) => Error::new(ErrorKind::NoToken, "no access token could be had in time"),
        }
    }
}
