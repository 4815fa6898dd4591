//! What Supabase gets to know about somebody.

mod custom;
mod made;
mod policy;
mod role;

use std::{fmt, sync::Arc};

use hexclave_core::{AcceptedKinds, TeamId, User, UserId};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

pub(crate) use custom::check_value;
pub(crate) use made::AUDIENCE;
use made::Made;
pub use policy::ClaimsPolicy;
pub(crate) use policy::{not_allowed, require_kind};
pub use role::{CustomRole, Role};

use crate::{Error, ErrorKind};

/// What Row Level Security gets to know about a request: a role and, for a user, the id that `auth.uid()` returns and
/// whatever else the application has chosen.
///
/// It is made from a proven [`User`] by a [`ClaimsPolicy`], comes out of a [verified](crate::SupabaseVerifier) Supabase
/// token, or stands for somebody who is [signed out](Self::signed_out). There is no other way to get one.
///
/// # Claims of the application's own
/// ```
/// use hexclave_core::{TeamId, User};
/// use hexclave_supabase::{ClaimsPolicy, Error, SupabaseClaims};
/// use serde_json::json;
///
/// fn claims(user: &User, teams: Vec<TeamId>) -> Result<SupabaseClaims, Error> {
///     ClaimsPolicy::new()
///         .claims(user)?
///         .with_teams(teams)?
///         .with_claim("plan", json!("pro"))
/// }
/// ```
#[derive(Clone, PartialEq)]
pub struct SupabaseClaims {
    sub: Option<UserId>,
    role: Role,
    content: Content,
}

#[derive(Clone, PartialEq)]
enum Content {
    SignedOut,
    Made(Box<Made>),
    /// The payload of a verified token: a JSON object.
    Read(Arc<str>),
}

impl SupabaseClaims {
    /// The claims of a user of a kind that the application lets in, without more: short for a [`ClaimsPolicy`] that
    /// [accepts](ClaimsPolicy::accept) these kinds.
    ///
    /// # Errors
    /// [`ErrorKind::KindNotAccepted`] when the user is of another kind.
    pub fn of(user: &User, accepted: AcceptedKinds) -> Result<Self, Error> {
        ClaimsPolicy::new().accept(accepted).claims(user)
    }

    /// The claims of a request without a user: the role `anon`, and `auth.uid()` is null.
    #[must_use]
    pub fn signed_out() -> Self {
        Self {
            sub: None,
            role: Role::Anon,
            content: Content::SignedOut,
        }
    }

    pub(crate) fn read(sub: UserId, role: Role, payload: &str) -> Self {
        Self {
            sub: Some(sub),
            role,
            content: Content::Read(payload.into()),
        }
    }

    /// Claims that nobody has proven, for a look at what they would allow; they never leave this crate.
    #[cfg(feature = "tokio-postgres")]
    pub(crate) fn supposed(role: Role, mut claims: Map<String, Value>) -> Self {
        claims.insert("role".to_owned(), Value::String(role.as_str().to_owned()));
        Self {
            sub: None,
            role,
            content: Content::Read(Value::Object(claims).to_string().into()),
        }
    }

    /// The role that the database switches to.
    #[must_use]
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// The user, if somebody is signed in.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        self.sub
    }

    /// The JSON text that PostgREST would put into the setting `request.jwt.claims`.
    #[must_use]
    pub fn to_json(&self) -> String {
        match &self.content {
            Content::SignedOut => format!(r#"{{"role":"{}"}}"#, self.role),
            Content::Read(payload) => payload.as_ref().to_owned(),
            // Maps with text keys and trees of JSON values always have a JSON text.
            Content::Made(_) => serde_json::to_string(self).unwrap_or_default(),
        }
    }

    /// Adds `app_metadata.teams`: the ids of the user's teams, as a list of texts, in place of those given before.
    ///
    /// Read them from the Hexclave API. They are as old as the token: who leaves a team still has it until then.
    ///
    /// ```sql
    /// create policy "team rows" on notes for select to authenticated
    ///   using ((select auth.jwt() -> 'app_metadata' -> 'teams') ? team_id::text);
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::ClaimNotAllowed`] for claims that were not made from a user.
    pub fn with_teams(mut self, teams: impl IntoIterator<Item = TeamId>) -> Result<Self, Error> {
        let teams = teams.into_iter().map(|team| team.to_string()).collect();
        self.made()?.app_metadata_mut().teams = Some(teams);
        Ok(self)
    }

    /// Adds `app_metadata.permissions`: what the user may do in the project, in place of those given before.
    ///
    /// # Errors
    /// [`ErrorKind::ClaimNotAllowed`] for claims that were not made from a user, and for U+0000 in a permission.
    pub fn with_permissions<P: Into<String>>(
        mut self,
        permissions: impl IntoIterator<Item = P>,
    ) -> Result<Self, Error> {
        let permissions = custom::texts("app_metadata.permissions", permissions)?;
        self.made()?.app_metadata_mut().permissions = Some(permissions);
        Ok(self)
    }

    /// Adds `app_metadata.team_permissions.{team}`: what the user may do in one team.
    ///
    /// # Errors
    /// [`ErrorKind::ClaimNotAllowed`] for claims that were not made from a user, and for U+0000 in a permission.
    pub fn with_team_permissions<P: Into<String>>(
        mut self,
        team: TeamId,
        permissions: impl IntoIterator<Item = P>,
    ) -> Result<Self, Error> {
        let permissions = custom::texts("app_metadata.team_permissions", permissions)?;
        let app_metadata = self.made()?.app_metadata_mut();
        app_metadata
            .team_permissions
            .insert(team.to_string(), permissions);
        Ok(self)
    }

    /// Adds `user_metadata`.
    ///
    /// **A policy must never decide by it.** In Supabase it is what users write about themselves, and Supabase's linter
    /// calls a policy that reads it an error (0015). Use it for names and pictures, and
    /// [`with_claim`](Self::with_claim) for what decides.
    ///
    /// # Errors
    /// [`ErrorKind::ClaimNotAllowed`] for claims that were not made from a user, and for U+0000 anywhere in it: Postgres
    /// could then read none of the claims.
    pub fn with_user_metadata(mut self, metadata: Map<String, Value>) -> Result<Self, Error> {
        let metadata = Value::Object(metadata);
        check_value("user_metadata", &metadata)?;
        self.made()?.user_metadata = Some(metadata);
        Ok(self)
    }

    /// Adds a claim of the application's own.
    ///
    /// # Errors
    /// [`ErrorKind::ClaimNotAllowed`] when
    /// - the name, in any case, is one of RFC 7519's (`sub`, `exp`, …), Supabase's (`role`, `app_metadata`, …) or
    ///   Hexclave's (`project_id`, …), which mean something to those who read them;
    /// - it is not 1 to 64 of the characters `A-Z a-z 0-9 _ - . : /`, beginning with a letter, or was added before;
    /// - the value has U+0000 anywhere: Postgres could then read none of the claims;
    /// - the claims were not made from a user.
    pub fn with_claim(mut self, name: &str, value: Value) -> Result<Self, Error> {
        custom::check_name(name)?;
        check_value(name, &value)?;
        let earlier = self.made()?.custom.insert(name.to_owned(), value);
        if earlier.is_some() {
            return Err(custom::refused(name, "it was added before"));
        }
        Ok(self)
    }

    fn made(&mut self) -> Result<&mut Made, Error> {
        match &mut self.content {
            Content::Made(made) => Ok(made),
            Content::SignedOut | Content::Read(_) => Err(Error::new(
                ErrorKind::ClaimNotAllowed,
                "only claims that were made from a user take more claims",
            )),
        }
    }

    /// What the claims were made from, where it was a user.
    pub(crate) fn source(&self) -> Option<&User> {
        match &self.content {
            Content::Made(made) => Some(&made.user),
            Content::SignedOut | Content::Read(_) => None,
        }
    }
}

impl Serialize for SupabaseClaims {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if let Content::Read(payload) = &self.content {
            let claims: Map<String, Value> = serde_json::from_str(payload).unwrap_or_default();
            return claims.serialize(to);
        }
        let mut claims = to.serialize_map(None)?;
        if let Some(id) = &self.sub {
            claims.serialize_entry("sub", &format_args!("{id}"))?;
        }
        claims.serialize_entry("role", &self.role)?;
        if let Content::Made(made) = &self.content {
            made.serialize_into(&mut claims)?;
        }
        claims.end()
    }
}

impl fmt::Debug for SupabaseClaims {
    /// Shows id and role; personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupabaseClaims")
            .field("sub", &self.sub)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
