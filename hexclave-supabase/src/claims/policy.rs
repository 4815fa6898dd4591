use hexclave_core::{AcceptedKinds, User, UserKind};

use super::{Content, Made, Role, SupabaseClaims};
use crate::{Error, ErrorKind, error::quoted};

/// Which users go to Supabase, in which roles, and what it gets to know about them: stated once per program.
///
/// Without more it is normal users, the role `authenticated`, and the claims `sub`, `role`, `aud` and `is_anonymous`.
///
/// ```
/// use hexclave_core::{AcceptedKinds, User, UserKind};
/// use hexclave_supabase::{ClaimsPolicy, Role, SupabaseClaims};
///
/// # fn run(user: &User) -> Result<(), hexclave_supabase::Error> {
/// let policy = ClaimsPolicy::new()
///     .accept(AcceptedKinds::default().and(UserKind::Anonymous))
///     .email()
///     .app_metadata()
///     .allow_role(Role::custom("manager")?);
///
/// let claims: SupabaseClaims = policy.claims(user)?;
/// let as_manager = policy.claims_as(user, "manager")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ClaimsPolicy {
    accepted: AcceptedKinds,
    email: bool,
    aal: bool,
    app_metadata: bool,
    roles: Vec<Role>,
}

impl ClaimsPolicy {
    /// The policy without more.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which kinds of users get in.
    ///
    /// All of them have the role `authenticated`, and most policies in the database ask for nothing else. Anonymous users
    /// carry `is_anonymous: true`, the claim that Supabase's own recipe shuts out. Supabase knows nothing like restricted
    /// users: where they get in, everybody carries `is_restricted`, so that a policy can tell. See
    /// [Fences](crate#fences).
    pub fn accept(mut self, kinds: AcceptedKinds) -> Self {
        self.accepted = kinds;
        self
    }

    /// Adds `email`, which `auth.email()` returns, for users whose address is verified.
    ///
    /// Whoever wants to can enter somebody else's address; only a verified one says who a user is, so others are left
    /// out.
    pub fn email(mut self) -> Self {
        self.email = true;
        self
    }

    /// Adds `aal`: `aal2` for users who have set up a second factor (TOTP), `aal1` for others.
    ///
    /// Hexclave asks those users for the second factor whenever they sign in, and says nothing about the single session.
    /// So `aal2` is also carried by a session that began before the factor was set up, and by one that a server opened for
    /// the user (as for impersonation).
    pub fn aal(mut self) -> Self {
        self.aal = true;
        self
    }

    /// Adds `app_metadata` with `project_id` and, where the user has one, `selected_team_id`.
    ///
    /// Membership in teams and permissions are not in Hexclave's tokens: see
    /// [`with_teams`](SupabaseClaims::with_teams).
    pub fn app_metadata(mut self) -> Self {
        self.app_metadata = true;
        self
    }

    /// Allows one more role besides `authenticated`, for [`claims_as`](Self::claims_as).
    pub fn allow_role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    /// The claims of a user in the role `authenticated`.
    ///
    /// # Errors
    /// [`ErrorKind::KindNotAccepted`] when the user is of a kind that does not get in.
    pub fn claims(&self, user: &User) -> Result<SupabaseClaims, Error> {
        self.make(user, Role::Authenticated)
    }

    /// The claims of a user in a role of those that are [allowed](Self::allow_role).
    ///
    /// The name is compared with the allowed ones and nothing else, but it decides what the user may do: take it from
    /// your own records, not from anything that the user can write.
    ///
    /// # Errors
    /// [`ErrorKind::RoleNotAllowed`] for any other role; [`ErrorKind::KindNotAccepted`] when the user is of a kind that
    /// does not get in.
    pub fn claims_as(&self, user: &User, role: &str) -> Result<SupabaseClaims, Error> {
        let role = [Role::Authenticated]
            .iter()
            .chain(&self.roles)
            .find(|allowed| allowed.as_str() == role)
            .cloned()
            .ok_or_else(|| not_allowed(role))?;
        self.make(user, role)
    }

    fn make(&self, user: &User, role: Role) -> Result<SupabaseClaims, Error> {
        let kind = user.kind();
        require_kind(self.accepted, kind)?;
        // Postgres cannot read a text with U+0000, and such a thing is no address.
        let email = user.email().filter(|email| {
            self.email && user.email_verified() && !email.is_empty() && !email.contains('\0')
        });
        let mut made = Made {
            email: email.map(str::to_owned),
            aal: self
                .aal
                .then(|| if user.requires_totp_mfa() { "aal2" } else { "aal1" }),
            is_anonymous: kind == UserKind::Anonymous,
            is_restricted: self
                .accepted
                .contains(UserKind::Restricted)
                .then_some(kind != UserKind::Normal),
            ..Made::of(user)
        };
        if self.app_metadata {
            made.app_metadata_mut();
        }
        Ok(SupabaseClaims {
            sub: Some(user.id()),
            role,
            content: Content::Made(Box::new(made)),
        })
    }
}

/// The refusal of somebody who is genuine and not let in.
pub(crate) fn require_kind(accepted: AcceptedKinds, kind: UserKind) -> Result<(), Error> {
    if accepted.contains(kind) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::KindNotAccepted(kind),
        format!("the user is {kind}; Supabase access is for: {accepted}"),
    ))
}

pub(crate) fn not_allowed(role: &str) -> Error {
    Error::new(
        ErrorKind::RoleNotAllowed,
        format!("the role {} is not one that the application allows", quoted(role)),
    )
}
