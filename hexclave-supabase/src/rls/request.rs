use std::{fmt, time::Duration};

use serde_json::{Map, Value};

use super::statement::Statement;
use crate::{Error, ErrorKind, SupabaseClaims, identifier::quoted};

/// The roles that a transaction switches to unless the application states [others](Request::roles).
const ROLES: [&str; 2] = ["anon", "authenticated"];

/// The single settings that `auth.uid()`, `auth.role()` and `auth.email()` read, and the claim in each. They go before
/// `request.jwt.claims`.
const SINGLE_CLAIMS: [(&str, &str); 3] = [
    ("request.jwt.claim.sub", "sub"),
    ("request.jwt.claim.role", "role"),
    ("request.jwt.claim.email", "email"),
];

/// Another name for the whole object; to `auth.jwt()` it goes before `request.jwt.claims`.
const OTHER_CLAIMS: &str = "request.jwt.claim";

/// Somebody's claims, and how their transaction is to be.
///
/// Where nothing but the claims matters, `&claims` does as well.
///
/// ```
/// use hexclave_supabase::{SupabaseClaims, rls::{Isolation, Request}};
///
/// let claims = SupabaseClaims::signed_out();
/// let request = Request::by(&claims)
///     .read_only()
///     .isolation(Isolation::RepeatableRead)
///     .method("GET")
///     .path("/notes");
/// ```
#[derive(Clone)]
#[must_use]
pub struct Request<'a> {
    claims: &'a SupabaseClaims,
    roles: Option<Vec<String>>,
    isolation: Option<Isolation>,
    read_only: bool,
    single_claims: bool,
    search_path: Option<String>,
    statement_timeout: Option<Duration>,
    method: Option<String>,
    path: Option<String>,
    headers: Option<String>,
}

impl<'a> Request<'a> {
    /// A request by whom the claims name, with the database's own defaults for everything else.
    pub fn by(claims: &'a SupabaseClaims) -> Self {
        Self {
            claims,
            roles: None,
            isolation: None,
            read_only: false,
            single_claims: false,
            search_path: None,
            statement_timeout: None,
            method: None,
            path: None,
            headers: None,
        }
    }

    /// Nothing can be written: `READ ONLY`, as PostgREST does for `GET` and `HEAD`.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// How much the transaction notices of others. The database's default is `READ COMMITTED`, as PostgREST's is.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = Some(isolation);
        self
    }

    /// The only roles that the transaction may switch to, in place of `anon` and `authenticated`.
    ///
    /// A role that is above Row Level Security is refused by name or not.
    pub fn roles<R: Into<String>>(mut self, roles: impl IntoIterator<Item = R>) -> Self {
        self.roles = Some(roles.into_iter().map(Into::into).collect());
        self
    }

    /// The claims `sub`, `role` and `email` are settings of their own as well (`request.jwt.claim.sub` and so on), for
    /// SQL that knows them only so. Storage and Realtime set these; PostgREST does not.
    ///
    /// Without this they are emptied: `auth.uid()` would believe one that the connection still has from elsewhere.
    pub fn single_claims(mut self) -> Self {
        self.single_claims = true;
        self
    }

    /// The schemas in which names are looked up, in this order.
    pub fn search_path<S: AsRef<str>>(mut self, schemas: impl IntoIterator<Item = S>) -> Self {
        let schemas: Vec<String> = schemas
            .into_iter()
            .map(|schema| quoted(schema.as_ref()))
            .collect();
        self.search_path = Some(schemas.join(", "));
        self
    }

    /// The longest that one statement may take; rounded up to milliseconds.
    ///
    /// The limits that Supabase gives `anon` (3 s) and `authenticated` (8 s) belong to a log-in, which switching to the
    /// role is not: without this the limit of the connection's own role applies.
    pub fn statement_timeout(mut self, limit: Duration) -> Self {
        self.statement_timeout = Some(limit);
        self
    }

    /// The HTTP method, for policies and functions that read the setting `request.method`.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// The path without its query, for what reads `request.path`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// HTTP headers, for what reads `request.headers`: a JSON object, names in lower case, the values of a repeated
    /// name joined by commas (RFC 9110, section 5.3).
    ///
    /// PostgREST passes `authorization` and `cookie` as well. Here the caller chooses: leave out what is secret unless
    /// a policy reads it, for the database may log it.
    pub fn headers<N: AsRef<str>, V: AsRef<str>>(
        mut self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut object = Map::new();
        for (name, value) in headers {
            let joined = object
                .entry(name.as_ref().to_ascii_lowercase())
                .or_insert_with(|| Value::String(String::new()));
            if let Value::String(joined) = joined {
                if !joined.is_empty() {
                    joined.push_str(", ");
                }
                joined.push_str(value.as_ref());
            }
        }
        self.headers = Some(Value::Object(object).to_string());
        self
    }

    /// Claims and choices as SQL: the settings in PostgREST's order.
    ///
    /// # Errors
    /// [`ErrorKind::RoleNotAllowed`].
    pub(super) fn statement(&self) -> Result<Statement, Error> {
        let role = self.allowed_role()?;
        let mut statement = Statement::new(self.isolation, self.read_only);
        self.fill(&mut statement, |statement| statement.set_role(role));
        Ok(statement)
    }

    /// The same settings as one `SELECT`, for a transaction that is the caller's own, and for whatever role the claims
    /// ask for. Isolation and read only have no place in it.
    #[cfg(feature = "tokio-postgres")]
    pub(crate) fn inside(&self, may_be_above_rls: bool) -> String {
        let mut statement = Statement::new(None, false);
        self.fill(&mut statement, |statement| {
            statement.set_role_inside(self.claims.role().as_str(), may_be_above_rls);
        });
        statement.select()
    }

    #[cfg(feature = "tokio-postgres")]
    pub(crate) fn role(&self) -> &crate::Role {
        self.claims.role()
    }

    /// The role of the claims, if the transaction may switch to it.
    ///
    /// # Errors
    /// [`ErrorKind::RoleNotAllowed`].
    pub(crate) fn allowed_role(&self) -> Result<&str, Error> {
        let role = self.claims.role().as_str();
        let allowed = match &self.roles {
            Some(roles) => roles.iter().any(|allowed| allowed == role),
            None => ROLES.contains(&role),
        };
        match allowed {
            true => Ok(role),
            false => Err(Error::new(
                ErrorKind::RoleNotAllowed,
                format!(
                    "the claims ask for the role {role:?}, which is not among those that this transaction may take"
                ),
            )),
        }
    }

    fn fill(&self, statement: &mut Statement, set_role: impl FnOnce(&mut Statement)) {
        if let Some(search_path) = &self.search_path {
            statement.set("search_path", search_path);
        }
        if let Some(limit) = self.statement_timeout {
            let milliseconds = limit.as_nanos().div_ceil(1_000_000).clamp(1, i32::MAX as u128);
            statement.set("statement_timeout", &milliseconds.to_string());
        }
        set_role(statement);
        let claims = self.claims.to_json();
        statement.set_hidden("request.jwt.claims", &claims);
        self.set_single_claims(statement, &claims);
        for (name, value) in [("request.method", &self.method), ("request.path", &self.path)] {
            if let Some(value) = value {
                statement.set(name, value);
            }
        }
        if let Some(headers) = &self.headers {
            statement.set_hidden("request.headers", headers);
        }
    }

    fn set_single_claims(&self, statement: &mut Statement, claims: &str) {
        let claims = match self.single_claims {
            true => serde_json::from_str(claims).unwrap_or_default(),
            false => Value::Null,
        };
        for (setting, claim) in SINGLE_CLAIMS {
            let value = claims.get(claim).and_then(Value::as_str).unwrap_or_default();
            statement.set_hidden(setting, value);
        }
        statement.set_hidden(OTHER_CLAIMS, "");
    }
}

impl<'a> From<&'a SupabaseClaims> for Request<'a> {
    fn from(claims: &'a SupabaseClaims) -> Self {
        Self::by(claims)
    }
}

/// Shows the choices and nothing of the person.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("role", &self.claims.role())
            .field("roles", &self.roles)
            .field("isolation", &self.isolation)
            .field("read_only", &self.read_only)
            .field("single_claims", &self.single_claims)
            .field("search_path", &self.search_path)
            .field("statement_timeout", &self.statement_timeout)
            .finish_non_exhaustive()
    }
}

/// How much a transaction notices of others that run beside it. See PostgreSQL's chapter "Transaction Isolation".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// Each statement sees what was committed before the statement began.
    ReadCommitted,
    /// All statements see what was committed before the first of them began.
    RepeatableRead,
    /// As if transactions ran one after another; one that would break this fails and is to be tried again.
    Serializable,
}

impl Isolation {
    pub(super) fn as_sql(self) -> &'static str {
        match self {
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
    }
}
