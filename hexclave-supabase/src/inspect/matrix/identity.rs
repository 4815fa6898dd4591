use std::fmt;

use serde_json::{Map, Value};

use crate::{Error, ErrorKind, Role, SupabaseClaims, claims::check_value, error::quoted, rls::Request};

const LONGEST_NAME: usize = 100;

/// Somebody whose access is tried, by a name to show.
///
/// What goes into the matrix is the name and the role, nothing else of the claims.
///
/// ```
/// use hexclave_supabase::{Role, SupabaseClaims, inspect::matrix::Identity};
/// use serde_json::{Map, json};
///
/// # fn main() -> Result<(), hexclave_supabase::Error> {
/// # let claims_of_ada = SupabaseClaims::signed_out();
/// let ada = Identity::new("Ada", &claims_of_ada)?; // claims of a proven user
/// let nobody = Identity::signed_out();
/// let guest = Identity::supposed(
///     "a guest",
///     Role::Authenticated,
///     Map::from_iter([
///         ("sub".to_owned(), json!("11111111-1111-4111-8111-111111111111")),
///         ("is_anonymous".to_owned(), json!(true)),
///     ]),
/// )?;
/// let server = Identity::dangerously_privileged(Role::dangerously_privileged("service_role")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Identity {
    name: String,
    role: Role,
    /// The statement that sets role and claims.
    settings: String,
    above_rls: bool,
}

impl Identity {
    /// A request by whom the claims name. Isolation and `read_only` of a [`Request`] have no effect here, and the
    /// matrix has time limits of its own.
    ///
    /// # Errors
    /// [`ErrorKind::RoleNotAllowed`] for a role that the request may not take, [`ErrorKind::InvalidConfig`] for a name
    /// that is empty, longer than 100 characters, or has control characters.
    pub fn new<'r>(name: impl Into<String>, who: impl Into<Request<'r>>) -> Result<Self, Error> {
        let (name, request) = (name.into(), who.into());
        if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                format!(
                    "{} is no name for an identity: 1 to 100 characters, none of them a control character",
                    quoted(&name)
                ),
            ));
        }
        request.allowed_role()?;
        Ok(Self {
            name,
            role: request.role().clone(),
            settings: request.inside(false),
            above_rls: false,
        })
    }

    /// Nobody: the role `anon`, under the name `signed out`.
    #[must_use]
    pub fn signed_out() -> Self {
        let claims = SupabaseClaims::signed_out();
        let request = Request::by(&claims);
        Self {
            name: "signed out".to_owned(),
            role: Role::Anon,
            settings: request.inside(false),
            above_rls: false,
        }
    }

    /// Somebody who may not exist, with claims that nobody has proven: for "what if". They are good for nothing but
    /// this. `role` goes into the claims as PostgREST puts it there.
    ///
    /// # Errors
    /// [`ErrorKind::ClaimNotAllowed`] for U+0000 in the claims, and [`ErrorKind::InvalidConfig`] as [`new`](Self::new).
    pub fn supposed(name: impl Into<String>, role: Role, claims: Map<String, Value>) -> Result<Self, Error> {
        for (name, value) in &claims {
            check_value(name, &Value::String(name.clone()))?;
            check_value(name, value)?;
        }
        let claims = SupabaseClaims::supposed(role, claims);
        let request = Request::by(&claims).roles([claims.role().as_str()]);
        Self::new(name, request)
    }

    /// A role **above Row Level Security**, such as `service_role`, by the role's own name. Everything else refuses
    /// those.
    #[must_use]
    pub fn dangerously_privileged(role: Role) -> Self {
        let claims = SupabaseClaims::supposed(role.clone(), Map::new());
        Self {
            name: role.to_string(),
            settings: Request::by(&claims).inside(true),
            role,
            above_rls: true,
        }
    }

    /// The name to show.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The role of the database.
    #[must_use]
    pub fn role(&self) -> &Role {
        &self.role
    }

    pub(super) fn settings(&self) -> &str {
        &self.settings
    }
}

/// Shows name and role; personal data stays out of logs.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("name", &self.name)
            .field("role", &self.role)
            .field("above_rls", &self.above_rls)
            .finish_non_exhaustive()
    }
}
