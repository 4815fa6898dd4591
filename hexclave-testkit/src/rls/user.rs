use std::collections::BTreeMap;
use std::error::Error;
use std::sync::OnceLock;

use hexclave_core::{AcceptedKinds, Clock, SystemClock, TeamId, User, UserId, Verifier};
use hexclave_supabase::{ClaimsPolicy, SupabaseClaims};
use serde_json::{Map, Value};

use crate::hexclave::{HexclaveError, Issuer, Subject, prove};

/// Somebody whom a test makes up: who they are, and what the application's claims say of them.
///
/// ```
/// use hexclave_testkit::rls::TestUser;
/// use serde_json::json;
///
/// let ada = TestUser::new("ada@example.com").claim("plan", json!("pro"));
/// let guest = TestUser::anonymous();
/// let seed = format!("insert into notes (owner, body) values ('{}', 'Hers')", ada.id());
/// ```
///
/// It goes the way of every user: a token is signed for them by a Hexclave project of this process, verified, and turned
/// into claims by the [`ClaimsPolicy`] of the [database](super::TestDatabase::claims_policy). For users who also sign
/// in, have teams or change, there is the [local Hexclave](crate::hexclave::LocalHexclave::user).
#[derive(Clone, Debug)]
#[must_use]
pub struct TestUser {
    subject: Subject,
    role: Option<String>,
    teams: Option<Vec<TeamId>>,
    permissions: Option<Vec<String>>,
    team_permissions: BTreeMap<TeamId, Vec<String>>,
    user_metadata: Option<Map<String, Value>>,
    claims: Vec<(String, Value)>,
}

impl TestUser {
    /// A normal user with this e-mail address, which is verified, and a random id.
    pub fn new(email: &str) -> Self {
        Self::of(Subject::new(email))
    }

    /// A user who is restricted, because their e-mail address is not verified.
    pub fn restricted(email: &str) -> Self {
        Self::of(Subject::restricted(email))
    }

    /// A guest.
    pub fn anonymous() -> Self {
        Self::of(Subject::anonymous())
    }

    /// What a token can say of somebody.
    pub fn of(subject: Subject) -> Self {
        Self {
            subject,
            role: None,
            teams: None,
            permissions: None,
            team_permissions: BTreeMap::new(),
            user_metadata: None,
            claims: Vec::new(),
        }
    }

    /// The id, which `auth.uid()` returns.
    #[must_use]
    pub fn id(&self) -> UserId {
        self.subject.id
    }

    /// Has this id instead of a random one.
    pub fn with_id(mut self, id: UserId) -> Self {
        self.subject.id = id;
        self
    }

    /// Has a second factor. The claim `aal` says so where the database's policy has it.
    pub fn second_factor(mut self) -> Self {
        self.subject.requires_totp_mfa = true;
        self
    }

    /// Works in this team. `app_metadata.selected_team_id` says so where the database's policy has it.
    pub fn selected_team(mut self, team: TeamId) -> Self {
        self.subject.selected_team_id = Some(team);
        self
    }

    /// Is a member of these teams: [`SupabaseClaims::with_teams`].
    pub fn teams(mut self, teams: impl IntoIterator<Item = TeamId>) -> Self {
        self.teams = Some(teams.into_iter().collect());
        self
    }

    /// May do this in the whole project: [`SupabaseClaims::with_permissions`].
    pub fn permissions<P: Into<String>>(mut self, permissions: impl IntoIterator<Item = P>) -> Self {
        self.permissions = Some(permissions.into_iter().map(Into::into).collect());
        self
    }

    /// May do this in one team: [`SupabaseClaims::with_team_permissions`].
    pub fn team_permissions<P: Into<String>>(
        mut self,
        team: TeamId,
        permissions: impl IntoIterator<Item = P>,
    ) -> Self {
        let permissions = permissions.into_iter().map(Into::into).collect();
        self.team_permissions.insert(team, permissions);
        self
    }

    /// Says this of themselves: [`SupabaseClaims::with_user_metadata`].
    pub fn user_metadata(mut self, metadata: Map<String, Value>) -> Self {
        self.user_metadata = Some(metadata);
        self
    }

    /// Has a claim of the application's own: [`SupabaseClaims::with_claim`].
    pub fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims.push((name.to_owned(), value));
        self
    }

    /// Comes in this role instead of `authenticated`: [`ClaimsPolicy::claims_as`]. The database's policy has to allow it.
    pub fn role(mut self, role: &str) -> Self {
        self.role = Some(role.to_owned());
        self
    }

    /// The user as a server knows them that has verified their access token.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn user(&self) -> Result<User, HexclaveError> {
        static ISSUER: OnceLock<Option<Issuer>> = OnceLock::new();
        let issuer = ISSUER.get_or_init(|| Issuer::random().ok());
        let issuer = issuer
            .as_ref()
            .ok_or_else(|| HexclaveError::new("there are no random bytes for the keys of a project"))?;
        let verifier = Verifier::builder(issuer.config().clone())
            .keys(issuer.project_keys()?)
            .accept(AcceptedKinds::ALL)
            .build()
            .map_err(|error| HexclaveError::with_source("there is no verifier", error))?;
        prove(
            &verifier,
            issuer.token(&self.subject, SystemClock.unix_seconds())?,
        )
    }
}

/// Whom a database can be asked as: a proven [`User`], [`SupabaseClaims`], a [`TestUser`].
pub trait Identity: sealed::Identity {}

impl<I: sealed::Identity> Identity for I {}

pub(super) mod sealed {
    use super::{ClaimsPolicy, Error, SupabaseClaims};

    pub trait Identity {
        fn claims(&self, policy: &ClaimsPolicy) -> Result<SupabaseClaims, Box<dyn Error + Send + Sync>>;

        /// For people to read.
        fn shown(&self) -> String;
    }
}

impl sealed::Identity for User {
    fn claims(&self, policy: &ClaimsPolicy) -> Result<SupabaseClaims, Box<dyn Error + Send + Sync>> {
        Ok(policy.claims(self)?)
    }

    fn shown(&self) -> String {
        match self.email() {
            Some(email) => email.to_owned(),
            None => format!("the {} user {}", self.kind(), self.id()),
        }
    }
}

impl sealed::Identity for SupabaseClaims {
    fn claims(&self, _: &ClaimsPolicy) -> Result<SupabaseClaims, Box<dyn Error + Send + Sync>> {
        Ok(self.clone())
    }

    fn shown(&self) -> String {
        match self.user_id() {
            Some(id) => format!("the user {id}"),
            None => "nobody".to_owned(),
        }
    }
}

impl sealed::Identity for TestUser {
    fn claims(&self, policy: &ClaimsPolicy) -> Result<SupabaseClaims, Box<dyn Error + Send + Sync>> {
        let user = self.user()?;
        let mut claims = match &self.role {
            Some(role) => policy.claims_as(&user, role)?,
            None => policy.claims(&user)?,
        };
        if let Some(teams) = &self.teams {
            claims = claims.with_teams(teams.iter().copied())?;
        }
        if let Some(permissions) = &self.permissions {
            claims = claims.with_permissions(permissions)?;
        }
        for (team, permissions) in &self.team_permissions {
            claims = claims.with_team_permissions(*team, permissions)?;
        }
        if let Some(metadata) = &self.user_metadata {
            claims = claims.with_user_metadata(metadata.clone())?;
        }
        for (name, value) in &self.claims {
            claims = claims.with_claim(name, value.clone())?;
        }
        Ok(claims)
    }

    fn shown(&self) -> String {
        match &self.subject.email {
            Some(email) => email.clone(),
            None => format!("the {} user {}", self.subject.kind(), self.id()),
        }
    }
}
