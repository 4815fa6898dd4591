use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer};

use crate::{Error, ErrorKind};

/// The longest name that Postgres keeps whole (`NAMEDATALEN` less one), in bytes.
const LONGEST_NAME: usize = 63;

/// Supabase's own roles and Postgres's, which see or change more than a user's rows.
const PRIVILEGED: [&str; 6] = [
    "authenticator",
    "dashboard_user",
    "pgbouncer",
    "postgres",
    "root",
    "service_role",
];
const PRIVILEGED_PREFIXES: [&str; 4] = ["pg_", "pgsodium_", "rds", "supabase_"];

/// What `SET ROLE` takes for no role at all: the connection's own would be back.
const NOT_ROLES: [&str; 2] = ["none", "public"];

/// A Postgres role that a request can switch to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Nobody is signed in.
    Anon,
    /// Somebody is.
    Authenticated,
    /// A role of the application's own.
    Custom(CustomRole),
}

/// The name of a [custom role](Role::custom), known to be one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CustomRole(Arc<str>);

impl Role {
    /// A role of the application's own, such as `manager`. It must exist in the database and be granted to
    /// `authenticator`. Policies written `to authenticated` do not apply to it, unless it is a member of that role.
    ///
    /// To be used it has to be [allowed](crate::ClaimsPolicy::allow_role) too.
    ///
    /// ```
    /// use hexclave_supabase::Role;
    ///
    /// assert_eq!(Role::custom("manager")?.as_str(), "manager");
    /// assert!(Role::custom("service_role").is_err());
    /// # Ok::<(), hexclave_supabase::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a name that cannot be a role's, and for those of Supabase's and Postgres's
    /// own roles, in any case: `service_role`, `postgres`, `authenticator`, `supabase_…`, `pg_…` and their like, most of
    /// which Row Level Security does not apply to.
    pub fn custom(name: &str) -> Result<Self, Error> {
        let lower = name.to_ascii_lowercase();
        let is_privileged = PRIVILEGED.contains(&lower.as_str())
            || PRIVILEGED_PREFIXES.iter().any(|prefix| lower.starts_with(prefix));
        if is_privileged {
            return Err(refused(
                name,
                "it is not bound by Row Level Security, or not meant for users",
            ));
        }
        Self::named(name)
    }

    /// A role of any name, also one that **sees and changes everybody's rows**, such as `service_role`.
    ///
    /// A token with such a role is a master key. Whoever it is given to can read and delete the whole database, until
    /// it expires; nothing takes it back. Supabase's secret API keys exist for that purpose and can be revoked.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a name that cannot be a role's.
    pub fn dangerously_privileged(name: &str) -> Result<Self, Error> {
        Self::named(name)
    }

    fn named(name: &str) -> Result<Self, Error> {
        match name {
            "anon" => return Ok(Self::Anon),
            "authenticated" => return Ok(Self::Authenticated),
            _ => {}
        }
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Err(refused(name, "a role's name has 1 to 63 bytes"));
        }
        if name.trim() != name || name.chars().any(char::is_control) {
            return Err(refused(
                name,
                "it has control characters, or white space at an end",
            ));
        }
        if NOT_ROLES.iter().any(|not| not.eq_ignore_ascii_case(name)) {
            return Err(refused(name, "it is a key word of Postgres, not a role"));
        }
        Ok(Self::Custom(CustomRole(name.into())))
    }

    /// The role's name in the database.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Anon => "anon",
            Self::Authenticated => "authenticated",
            Self::Custom(CustomRole(name)) => name,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

fn refused(name: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        format!("{} is no role for a user: {why}", crate::error::quoted(name)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_above_row_level_security_need_the_ugly_name() {
        for name in [
            "service_role",
            "SERVICE_ROLE",
            "postgres",
            "authenticator",
            "supabase_admin",
            "supabase_read_only_user",
            "Supabase_Anything",
            "dashboard_user",
            "pg_read_all_data",
            "pg_write_all_data",
            "pgsodium_keyholder",
            "rds_superuser",
        ] {
            let error = Role::custom(name).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{name}");
            let role = Role::dangerously_privileged(name).expect(name);
            assert_eq!(role.as_str(), name);
        }
    }

    #[test]
    fn what_is_no_role_is_none_by_any_name() {
        let long = "r".repeat(64);
        for name in [
            "",
            " ",
            "none",
            "NONE",
            "public",
            "manager ",
            "\tmanager",
            "man\0ager",
            "man\nager",
            &long,
        ] {
            assert!(Role::custom(name).is_err(), "{name:?}");
            assert!(Role::dangerously_privileged(name).is_err(), "{name:?}");
        }
        assert_eq!(Role::custom("authenticated").ok(), Some(Role::Authenticated));
        assert_eq!(Role::custom("anon").ok(), Some(Role::Anon));
        assert!(Role::custom("support-team").is_ok());
    }
}
