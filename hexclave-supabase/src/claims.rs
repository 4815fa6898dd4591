use std::fmt;

use hexclave_core::{AcceptedKinds, User, UserId};
use serde::Serialize;

use crate::{Error, ErrorKind};

/// The Postgres roles that Supabase's API switches to. There is no way to ask for any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// Nobody is signed in.
    Anon,
    /// Somebody is.
    Authenticated,
}

impl Role {
    /// The role's name in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anon => "anon",
            Self::Authenticated => "authenticated",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What Row Level Security gets to know about a request: a role and, for a user, the id that `auth.uid()` returns.
///
/// It can be made from a proven [`User`] or for somebody who is [signed out](Self::signed_out), and from nothing
/// else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SupabaseClaims {
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    sub: Option<UserId>,
    role: Role,
}

impl SupabaseClaims {
    /// The claims of a user of a kind that the application lets in, with the role `authenticated`.
    ///
    /// Supabase's policies usually ask for that role alone: think of what anonymous and restricted users would
    /// see before letting them in.
    ///
    /// # Errors
    /// [`ErrorKind::KindNotAccepted`] when the user is of another kind.
    pub fn of(user: &User, accepted: AcceptedKinds) -> Result<Self, Error> {
        if !accepted.contains(user.kind()) {
            return Err(Error::new(
                ErrorKind::KindNotAccepted(user.kind()),
                format!("the user is {}; Supabase access is for: {accepted}", user.kind()),
            ));
        }
        Ok(Self {
            sub: Some(user.id()),
            role: Role::Authenticated,
        })
    }

    /// The claims of a request without a user: the role `anon`, and `auth.uid()` is null.
    #[must_use]
    pub fn signed_out() -> Self {
        Self {
            sub: None,
            role: Role::Anon,
        }
    }

    /// The role that the database switches to.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The user, if somebody is signed in.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        self.sub
    }

    /// The JSON text that PostgREST would put into the setting `request.jwt.claims`.
    #[must_use]
    pub fn to_json(&self) -> String {
        match self.sub {
            Some(id) => format!(r#"{{"sub":"{id}","role":"{}"}}"#, self.role),
            None => format!(r#"{{"role":"{}"}}"#, self.role),
        }
    }
}

fn as_text<S: serde::Serializer>(id: &Option<UserId>, to: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => to.collect_str(id),
        None => to.serialize_none(),
    }
}
