use std::{fmt, marker::PhantomData, ops::Deref};

use crate::{AcceptedKinds, Error, User, UserKind};

/// A user of certain kinds only, told by the type: `Verified<Normal>`, `Verified<(Normal, Restricted)>`.
///
/// What a [`Verifier`](crate::Verifier) lets in holds for the whole application. One that lets guests in may still have
/// functions that are not for them; with this as their argument, they cannot be called for a guest.
///
/// ```
/// use hexclave_core::{Error, Normal, User, Verified};
///
/// fn order(buyer: &Verified<Normal>) -> String {
///     format!("ordered by {}", buyer.id())
/// }
///
/// fn handler(user: User) -> Result<String, Error> {
///     Ok(order(&user.try_into()?)) // `KindNotAccepted`, answered with 403, for all others
/// }
/// ```
pub struct Verified<K> {
    user: User,
    kinds: PhantomData<fn() -> K>,
}

impl<K: Kinds> Verified<K> {
    /// The user, of any kind again.
    #[must_use]
    pub fn into_user(self) -> User {
        self.user
    }
}

impl<K: Kinds> TryFrom<User> for Verified<K> {
    type Error = Error;

    /// # Errors
    /// [`ErrorKind::KindNotAccepted`](crate::ErrorKind::KindNotAccepted) when the user is of another kind.
    fn try_from(user: User) -> Result<Self, Error> {
        if !K::ACCEPTED.contains(user.kind()) {
            return Err(Error::kind_not_accepted(
                user.kind(),
                user.restricted_reason(),
                K::ACCEPTED,
            ));
        }
        Ok(Self {
            user,
            kinds: PhantomData,
        })
    }
}

impl<K> Deref for Verified<K> {
    type Target = User;

    fn deref(&self) -> &User {
        &self.user
    }
}

impl<K> Clone for Verified<K> {
    fn clone(&self) -> Self {
        Self {
            user: self.user.clone(),
            kinds: PhantomData,
        }
    }
}

impl<K> fmt::Debug for Verified<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Verified").field(&self.user).finish()
    }
}

/// Kinds of users as a type: [`Normal`], [`Restricted`], [`Anonymous`], and tuples of these.
pub trait Kinds: sealed::Sealed + 'static {
    /// The same as a value.
    const ACCEPTED: AcceptedKinds;
}

/// [`UserKind::Normal`] as a type.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums)]
pub enum Normal {}

/// [`UserKind::Restricted`] as a type.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums)]
pub enum Restricted {}

/// [`UserKind::Anonymous`] as a type.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums)]
pub enum Anonymous {}

impl Kinds for Normal {
    const ACCEPTED: AcceptedKinds = AcceptedKinds::only(UserKind::Normal);
}

impl Kinds for Restricted {
    const ACCEPTED: AcceptedKinds = AcceptedKinds::only(UserKind::Restricted);
}

impl Kinds for Anonymous {
    const ACCEPTED: AcceptedKinds = AcceptedKinds::only(UserKind::Anonymous);
}

impl<A: Kinds, B: Kinds> Kinds for (A, B) {
    const ACCEPTED: AcceptedKinds = A::ACCEPTED.union(B::ACCEPTED);
}

impl<A: Kinds, B: Kinds, C: Kinds> Kinds for (A, B, C) {
    const ACCEPTED: AcceptedKinds = A::ACCEPTED.union(B::ACCEPTED).union(C::ACCEPTED);
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::Normal {}
    impl Sealed for super::Restricted {}
    impl Sealed for super::Anonymous {}
    impl<A: Sealed, B: Sealed> Sealed for (A, B) {}
    impl<A: Sealed, B: Sealed, C: Sealed> Sealed for (A, B, C) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_says_which_kinds() {
        assert_eq!(Normal::ACCEPTED.to_string(), "normal");
        assert_eq!(<(Anonymous, Normal)>::ACCEPTED.to_string(), "normal,anonymous");
        assert_eq!(<(Normal, Restricted, Anonymous)>::ACCEPTED, AcceptedKinds::ALL);
    }
}
