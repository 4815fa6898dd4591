use std::fmt;

use ::tokio_postgres::{Client, Error as DriverError};

use super::checks::{self, COMMON};
use crate::{Error, ErrorKind};

/// Looks for faults in the tables, views, functions and policies of the schemas that an API exposes, usually
/// `["public"]`.
///
/// It reads the catalogue in a read-only transaction, and no table. Any role can do that; what the connection's own
/// role is counts too ([`Rule::ConnectionAboveRls`], [`Rule::ConnectionOwnsTables`]), so look through the connection
/// that the application uses. Policies are read as text, the way Supabase's advisor (splinter) reads them: what is
/// hidden in a function of one's own is not seen.
///
/// ```no_run
/// # async fn run(client: &mut tokio_postgres::Client) -> Result<(), hexclave_supabase::Error> {
/// use hexclave_supabase::inspect::lint;
///
/// for finding in lint(client, &["public"]).await? {
///     println!("{finding}");
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ErrorKind::Database`] when the catalogue cannot be read.
pub async fn lint(client: &mut Client, schemas: &[&str]) -> Result<Vec<Finding>, Error> {
    findings(client, schemas).await.map_err(|error| {
        let code = error.code().map(|code| code.code().to_owned());
        Error::new(ErrorKind::Database, "the database's catalogue could not be read")
            .with_sql_state(code.as_deref())
            .with_source(error)
    })
}

async fn findings(client: &mut Client, schemas: &[&str]) -> Result<Vec<Finding>, DriverError> {
    let transaction = client.build_transaction().read_only(true).start().await?;
    // Names in expressions are then written in full, whatever the connection's search path is.
    transaction.batch_execute("SET LOCAL search_path = ''").await?;
    let mut findings = Vec::new();
    for rule in Rule::ALL {
        let sql = format!("{COMMON} {} ORDER BY 1, 2", checks::sql(rule));
        for row in transaction.query(&sql, &[&schemas]).await? {
            findings.push(Finding {
                rule,
                object: row.try_get(0)?,
                fix: row.try_get(1)?,
            });
        }
    }
    transaction.commit().await?;
    findings.sort_by_key(|finding| finding.severity());
    Ok(findings)
}

/// A fault that [`lint`] has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    rule: Rule,
    object: String,
    fix: Option<String>,
}

impl Finding {
    /// What was broken.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// The table, view, function, policy or role that breaks it, as SQL names it.
    #[must_use]
    pub fn object(&self) -> &str {
        &self.object
    }

    /// How bad that is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.rule.severity()
    }

    /// SQL that mends it, if that can be said without knowing what was meant. Read it before it is run: a fix takes
    /// rights away that somebody may use.
    #[must_use]
    pub fn fix(&self) -> Option<&str> {
        self.fix.as_deref()
    }
}

/// Severity, object, reason and fix, for people.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.severity(), self.object, self.rule.reason())?;
        if let Some(splinter) = self.rule.splinter() {
            write!(f, " (splinter {splinter})")?;
        }
        match &self.fix {
            Some(fix) => write!(f, "\n  {fix}"),
            None => Ok(()),
        }
    }
}

/// How bad a finding is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Somebody can see or do what they should not.
    Error,
    /// Somebody may, or it is slow.
    Warning,
    /// Good to know.
    Info,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        })
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident, $code:literal, $severity:ident, $splinter:expr, $reason:literal;)*) => {
        /// What [`lint`] looks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// All of them.
            pub const ALL: [Self; [$($code),*].len()] = [$(Self::$rule),*];

            /// A short name that does not change between versions, in `snake_case`.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$rule => $code,)* }
            }

            /// How bad it is where it is broken.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$rule => Severity::$severity,)* }
            }

            /// The number of Supabase's advisor for the same, if it has one.
            #[must_use]
            pub fn splinter(self) -> Option<&'static str> {
                match self { $(Self::$rule => $splinter,)* }
            }

            /// Why it matters.
            #[must_use]
            pub fn reason(self) -> &'static str {
                match self { $(Self::$rule => $reason,)* }
            }
        }
    };
}

rules! {
    /// A role of the API is a superuser or has `BYPASSRLS`.
    ApiRoleAboveRls, "api_role_above_rls", Error, None,
        "the role is a superuser or has BYPASSRLS, so no policy holds for it";
    /// A role of the API owns a table.
    ApiRoleOwnsTable, "api_role_owns_table", Error, None,
        "the table belongs to a role of the API, and policies do not hold for the owner";
    /// A table without Row Level Security.
    RlsDisabled, "rls_disabled", Error, Some("0013"),
        "Row Level Security is off, so whoever has a grant reaches every row";
    /// A table with policies that are not in force.
    PolicyWithoutRls, "policy_without_rls", Error, Some("0007"),
        "there are policies, but Row Level Security is off and they are not in force";
    /// A policy that reads what users write about themselves.
    UserMetadata, "user_metadata", Error, Some("0015"),
        "the policy reads user_metadata, which users can change";
    /// A view that looks with its owner's eyes.
    ViewAboveRls, "view_above_rls", Error, Some("0010"),
        "the view reads its tables as its owner, past their policies";
    /// A policy for every command that says only which rows are seen.
    ForAllUsingOnly, "for_all_using_only", Warning, None,
        "the policy has no FOR clause or FOR ALL, and only USING: whoever may see a row may also change and delete it";
    /// A policy that lets write whatever the row.
    AlwaysTrue, "always_true", Warning, Some("0024"),
        "the policy lets its roles write any row";
    /// `TRUNCATE` is granted to a role of the API.
    TruncateGranted, "truncate_granted", Warning, None,
        "a role of the API may TRUNCATE the table, which Row Level Security does not cover";
    /// A function with its owner's rights in whose names others can put their own objects.
    DefinerSearchPath, "definer_search_path", Warning, Some("0011"),
        "the function runs with its owner's rights and takes names from the caller's search path";
    /// A function with its owner's rights that those without an account may call.
    DefinerForAnon, "definer_for_anon", Warning, Some("0028"),
        "anon may call the function, which runs with its owner's rights";
    /// `auth.uid()` compared with a column that is no `uuid`.
    UidWithOtherType, "uid_with_other_type", Warning, None,
        "auth.uid() is compared with a column that is no uuid: the cast fails for a row with another text, or ids \
         differ by spelling";
    /// `auth.uid()` or `auth.jwt()` that runs for each row.
    Unwrapped, "unwrapped", Warning, Some("0003"),
        "a function of the schema auth is called for each row; in a SELECT of its own it is called once";
    /// Several permissive policies for the same role and command.
    SeveralPermissive, "several_permissive", Warning, Some("0006"),
        "several permissive policies hold for the same role and command: each is run, and the widest wins";
    /// Anonymous users come in by the role alone.
    AnonymousByRole, "anonymous_by_role", Warning, Some("0012"),
        "anonymous users have the role authenticated too, and no policy of the table asks for is_anonymous";
    /// The connection's own role is above Row Level Security.
    ConnectionAboveRls, "connection_above_rls", Warning, None,
        "this connection's role is a superuser or has BYPASSRLS: it sees everything unless it switches to another";
    /// The connection's own role owns tables.
    ConnectionOwnsTables, "connection_owns_tables", Warning, None,
        "this connection's role owns the table, and policies do not hold for it unless they are forced";
    /// A policy for a role that may not use the command at all.
    MissingGrant, "missing_grant", Info, None,
        "the policy is for a role that has no grant for the command, so the answer is 42501 before any policy";
    /// A column that a policy compares, without an index.
    MissingIndex, "missing_index", Info, None,
        "the policy looks at the column for each request, and no index begins with it";
    /// Row Level Security without any policy.
    RlsWithoutPolicy, "rls_without_policy", Info, Some("0008"),
        "Row Level Security is on and there is no policy: every answer is empty";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}
