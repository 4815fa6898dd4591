use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    ProjectId, RestrictedReason, SessionId, TeamId, UserId, UserKind, claims::UserClaims, token_cache::Proof,
};

/// A user whose access token has been verified. Cheap to clone.
///
/// There is no other way to get one, so a function that takes a `User` cannot be called with something unproven.
/// Names, e-mail, team and restriction are as of the token's [`issued_at`](Self::issued_at): up to one token
/// lifetime (10 minutes by default) old. Those who need them as of now ask the API, too: see `api::OnlineVerifier`.
///
/// Key your data on [`project_id`](Self::project_id) and [`id`](Self::id), never on the issuer: that changes with
/// the API host and with the kind of user.
#[derive(Clone)]
pub struct User {
    inner: Arc<Inner>,
}

struct Inner {
    project_id: ProjectId,
    claims: UserClaims,
    issuer: String,
    issued_at: u64,
    payload: String,
    proof: Proof,
}

impl User {
    pub(crate) fn proven(
        project_id: ProjectId,
        claims: UserClaims,
        issuer: String,
        issued_at: u64,
        payload: String,
        proof: Proof,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                project_id,
                claims,
                issuer,
                issued_at,
                payload,
                proof,
            }),
        }
    }

    /// The same user of the same token, as something newer than the token describes it.
    #[cfg(feature = "api")]
    pub(crate) fn with_claims(&self, claims: UserClaims) -> Self {
        let Inner {
            project_id,
            issuer,
            issued_at,
            payload,
            proof,
            ..
        } = &*self.inner;
        Self::proven(
            project_id.clone(),
            claims,
            issuer.clone(),
            *issued_at,
            payload.clone(),
            proof.clone(),
        )
    }

    pub(crate) fn proof(&self) -> &Proof {
        &self.inner.proof
    }

    /// The user's id, the same in every token and for every kind of user.
    #[must_use]
    pub fn id(&self) -> UserId {
        self.inner.claims.id
    }

    /// The project that the user belongs to.
    #[must_use]
    pub fn project_id(&self) -> &ProjectId {
        &self.inner.project_id
    }

    /// Whether the user is normal, restricted or anonymous.
    #[must_use]
    pub fn kind(&self) -> UserKind {
        self.inner.claims.kind
    }

    /// Why the user is restricted; `None` for normal users.
    #[must_use]
    pub fn restricted_reason(&self) -> Option<&RestrictedReason> {
        self.inner.claims.restricted_reason.as_ref()
    }

    /// The session that the token belongs to; `None` on old self-hosted servers.
    #[must_use]
    pub fn session_id(&self) -> Option<SessionId> {
        self.inner.claims.session_id
    }

    /// The display name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.inner.claims.name.as_deref()
    }

    /// The primary e-mail address. It is not unique within a project.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.inner.claims.email.as_deref()
    }

    /// Whether the primary e-mail address has been verified.
    #[must_use]
    pub fn email_verified(&self) -> bool {
        self.inner.claims.email_verified
    }

    /// The team that the user works in at the moment.
    #[must_use]
    pub fn selected_team_id(&self) -> Option<TeamId> {
        self.inner.claims.selected_team_id
    }

    /// When the user signed up, in whole seconds; `None` on old self-hosted servers.
    #[must_use]
    pub fn signed_up_at(&self) -> Option<SystemTime> {
        self.inner.claims.signed_up_at.and_then(from_unix_seconds)
    }

    /// Whether the user has set up a second factor (time-based codes) and has to pass it at each sign-in.
    #[must_use]
    pub fn requires_totp_mfa(&self) -> bool {
        self.inner.claims.requires_totp_mfa
    }

    /// The token's `iss`: the host that issued it, and the kind of user.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.inner.issuer
    }

    /// When the token was issued, in whole seconds.
    #[must_use]
    pub fn issued_at(&self) -> SystemTime {
        from_unix_seconds(self.inner.issued_at).unwrap_or(UNIX_EPOCH)
    }

    /// When the token stops being valid, in whole seconds.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        from_unix_seconds(self.inner.proof.expires_at()).unwrap_or(UNIX_EPOCH)
    }

    /// The token's payload as it was signed: a JSON object, for claims that have no method here.
    #[must_use]
    pub fn payload(&self) -> &str {
        &self.inner.payload
    }
}

impl PartialEq for User {
    /// Whether both come from the same token.
    fn eq(&self, other: &Self) -> bool {
        self.inner.payload == other.inner.payload
    }
}

impl Eq for User {}

impl fmt::Debug for User {
    /// Shows ids and kind; personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("project_id", &self.inner.project_id)
            .field("id", &self.id())
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

fn from_unix_seconds(seconds: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}
