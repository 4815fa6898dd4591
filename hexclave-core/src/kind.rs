use std::{fmt, str::FromStr};

use crate::{Error, error::quoted};

/// The three kinds of users that Hexclave issues access tokens to.
///
/// Each kind has an issuer, an audience and signing keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums)]
pub enum UserKind {
    /// Signed in, nothing missing.
    Normal,
    /// Signed in, but held back: an unverified e-mail where the project demands one, or an administrator's decision.
    Restricted,
    /// Not signed up at all: a guest whom Hexclave knows by a session only.
    Anonymous,
}

impl UserKind {
    /// All kinds, in the order normal, restricted, anonymous.
    pub const ALL: [Self; 3] = [Self::Normal, Self::Restricted, Self::Anonymous];

    /// The kind's name: `normal`, `restricted` or `anonymous`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Restricted => "restricted",
            Self::Anonymous => "anonymous",
        }
    }
}

impl fmt::Display for UserKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for UserKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| {
                Error::config(format!(
                    "{} is not a kind of user: expected normal, restricted or anonymous",
                    quoted(text)
                ))
            })
    }
}

/// The kinds of users that an application lets in: normal users only, unless it says otherwise.
///
/// ```
/// use hexclave_core::{AcceptedKinds, UserKind};
///
/// assert!(!AcceptedKinds::default().contains(UserKind::Anonymous));
///
/// let with_guests = AcceptedKinds::default().and(UserKind::Anonymous);
/// assert_eq!(with_guests, "normal,anonymous".parse()?);
/// # Ok::<(), hexclave_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AcceptedKinds {
    bits: u8,
}

impl AcceptedKinds {
    /// Every kind of user, guests and held-back users included.
    pub const ALL: Self = Self { bits: 0b111 };

    /// This kind and no other.
    #[must_use]
    pub const fn only(kind: UserKind) -> Self {
        Self { bits: bit(kind) }
    }

    /// These kinds and one more.
    #[must_use]
    pub const fn and(self, kind: UserKind) -> Self {
        Self {
            bits: self.bits | bit(kind),
        }
    }

    pub(crate) const fn union(self, other: Self) -> Self {
        Self {
            bits: self.bits | other.bits,
        }
    }

    /// Whether `kind` is let in.
    #[must_use]
    pub const fn contains(self, kind: UserKind) -> bool {
        self.bits & bit(kind) != 0
    }

    /// The kinds that are let in, in the order normal, restricted, anonymous.
    pub fn iter(self) -> impl Iterator<Item = UserKind> {
        UserKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

const fn bit(kind: UserKind) -> u8 {
    match kind {
        UserKind::Normal => 0b001,
        UserKind::Restricted => 0b010,
        UserKind::Anonymous => 0b100,
    }
}

impl Default for AcceptedKinds {
    fn default() -> Self {
        Self::only(UserKind::Normal)
    }
}

impl FromStr for AcceptedKinds {
    type Err = Error;

    /// Reads names separated by commas, such as `normal,restricted`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut names = text.split(',').map(str::trim);
        let first = names.next().unwrap_or_default().parse()?;
        names.try_fold(Self::only(first), |kinds, name| Ok(kinds.and(name.parse()?)))
    }
}

impl fmt::Display for AcceptedKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, kind) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(kind.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for AcceptedKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AcceptedKinds({self})")
    }
}

/// Why a user is restricted.
///
/// Hexclave may add reasons; an unknown one is kept in [`Other`](RestrictedReason::Other).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RestrictedReason {
    /// The user is anonymous.
    Anonymous,
    /// The project demands a verified primary e-mail and this one is not verified.
    EmailNotVerified,
    /// An administrator restricted the user.
    RestrictedByAdministrator,
    /// A reason that this version does not know.
    Other(String),
}

impl RestrictedReason {
    /// The reason as Hexclave spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::EmailNotVerified => "email_not_verified",
            Self::RestrictedByAdministrator => "restricted_by_administrator",
            Self::Other(other) => other,
        }
    }
}

impl From<&str> for RestrictedReason {
    /// The reason that Hexclave spells like this: the `type` of a `restricted_reason`.
    fn from(text: &str) -> Self {
        match text {
            "anonymous" => Self::Anonymous,
            "email_not_verified" => Self::EmailNotVerified,
            "restricted_by_administrator" => Self::RestrictedByAdministrator,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for RestrictedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_from_a_list() {
        let kinds: AcceptedKinds = "anonymous, normal".parse().expect("two kinds");
        assert_eq!(kinds.to_string(), "normal,anonymous");
        for bad in ["", ",", "normal,", "Normal", "all"] {
            assert!(bad.parse::<AcceptedKinds>().is_err(), "{bad}");
        }
    }
}
