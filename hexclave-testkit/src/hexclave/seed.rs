//! Putting things into a local Hexclave without asking it over HTTP.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use hexclave_core::{TeamId, User, UserId};
use serde_json::Value;

use super::{
    HexclaveError, LocalHexclave,
    directory::{NewSession, PermissionScope, TeamChanges, UserChanges, one_time_password},
    issuer::prove,
};

/// A user to begin with, for [`LocalHexclave::add_user`].
///
/// ```
/// use hexclave_testkit::hexclave::NewUser;
///
/// let ada = NewUser::new("ada@example.com").password("correct horse").name("Ada");
/// ```
#[derive(Default)]
#[must_use]
pub struct NewUser(UserChanges);

impl NewUser {
    /// Somebody with a verified e-mail address, who signs in with it.
    pub fn new(email: &str) -> Self {
        Self(UserChanges {
            primary_email: Some(Some(email.to_owned())),
            primary_email_verified: Some(true),
            primary_email_auth_enabled: Some(true),
            ..UserChanges::default()
        })
    }

    /// A guest.
    pub fn anonymous() -> Self {
        Self(UserChanges {
            is_anonymous: Some(true),
            ..UserChanges::default()
        })
    }

    /// Takes this password: 8 to 70 characters.
    pub fn password(mut self, password: &str) -> Self {
        self.0.password = Some(Some(password.to_owned()));
        self
    }

    /// Has a second factor with this secret, which [`LocalHexclave::one_time_password`] has the codes of.
    pub fn second_factor(mut self, secret: &[u8]) -> Self {
        self.0.totp_secret_base64 = Some(Some(STANDARD.encode(secret)));
        self
    }

    /// Has an address that is not verified.
    pub fn unverified(mut self) -> Self {
        self.0.primary_email_verified = Some(false);
        self
    }

    /// Has this display name.
    pub fn name(mut self, name: &str) -> Self {
        self.0.display_name = Some(Some(name.to_owned()));
        self
    }

    /// Has metadata that clients may read and write.
    pub fn client_metadata(mut self, metadata: Value) -> Self {
        self.0.client_metadata = Some(metadata);
        self
    }

    /// Has metadata that clients may only read.
    pub fn client_read_only_metadata(mut self, metadata: Value) -> Self {
        self.0.client_read_only_metadata = Some(metadata);
        self
    }

    /// Has metadata that clients never see.
    pub fn server_metadata(mut self, metadata: Value) -> Self {
        self.0.server_metadata = Some(metadata);
        self
    }

    /// Is restricted by an administrator, who tells the user this reason.
    pub fn restricted_by_admin(mut self, reason: &str) -> Self {
        self.0.restricted_by_admin = Some(true);
        self.0.restricted_by_admin_reason = Some(Some(reason.to_owned()));
        self
    }
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewUser(..)")
    }
}

/// A team to begin with, for [`LocalHexclave::add_team`].
#[derive(Debug)]
#[must_use]
pub struct NewTeam {
    changes: TeamChanges,
    members: Vec<(UserId, &'static str)>,
}

impl NewTeam {
    /// A team without members.
    pub fn new(name: &str) -> Self {
        Self {
            changes: TeamChanges {
                display_name: Some(name.to_owned()),
                ..TeamChanges::default()
            },
            members: Vec::new(),
        }
    }

    /// Has this member, with what Hexclave gives members: the permission `team_member`.
    pub fn member(mut self, user: UserId) -> Self {
        self.members.push((user, "team_member"));
        self
    }

    /// Has this member, with what Hexclave gives those who make a team: the permission `team_admin`.
    pub fn admin(mut self, user: UserId) -> Self {
        self.members.push((user, "team_admin"));
        self
    }
}

/// What is put in here sends no webhooks, like what a project has had for long.
impl LocalHexclave {
    /// Adds a user.
    ///
    /// # Errors
    /// When Hexclave would refuse it: the address is taken, or the password is not good enough.
    pub fn add_user(&self, user: NewUser) -> Result<UserId, HexclaveError> {
        let NewUser(changes) = user;
        let app = self.app();
        let added = app.directory().create_user(&changes.checked()?, app.now_millis());
        Ok(added?)
    }

    /// The user as a server knows them that has just verified their access token: somebody proven, without a sign-in.
    ///
    /// ```no_run
    /// # use hexclave_testkit::hexclave::{LocalHexclave, NewUser};
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let hexclave = LocalHexclave::start().await?;
    /// let id = hexclave.add_user(NewUser::new("ada@example.com"))?;
    /// let ada: hexclave_core::User = hexclave.user(id)?;
    /// assert_eq!(ada.id(), id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The token belongs to a new session and was issued now, by the server's clock.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn user(&self, id: UserId) -> Result<User, HexclaveError> {
        let app = self.app();
        let now = app.now_millis();
        let subject = {
            let mut directory = app.directory();
            directory.require_user(id)?;
            let session = directory.open_session(id, NewSession::default(), now)?;
            directory.subject(&session, now)?
        };
        prove(app.verifier(), app.issue(&subject)?)
    }

    /// Adds a team with its members.
    ///
    /// # Errors
    /// When somebody who is to be a member does not exist or is named twice.
    pub fn add_team(&self, team: NewTeam) -> Result<TeamId, HexclaveError> {
        let app = self.app();
        let mut directory = app.directory();
        for (user, _) in &team.members {
            directory.require_user(*user)?;
        }
        let id = directory.create_team(&team.changes, app.now_millis())?;
        for (user, permission) in &team.members {
            directory.join_team(id, *user, &[permission])?;
        }
        Ok(id)
    }

    /// Makes a permission known that members of teams can have, and that contains others.
    ///
    /// A project knows `team_admin`, `team_member` and the system's permissions from the beginning.
    ///
    /// # Errors
    /// When the id is not one (lower-case letters, digits, `_` and `:`), or one of `contains` is not known.
    pub fn define_team_permission(&self, id: &str, contains: &[&str]) -> Result<(), HexclaveError> {
        let mut directory = self.app().directory();
        Ok(directory.define_permission(PermissionScope::Team, id, contains)?)
    }

    /// Makes a permission known that users can have in the whole project, and that contains others.
    ///
    /// # Errors
    /// When the id is not one (lower-case letters, digits, `_` and `:`), or one of `contains` is not known.
    pub fn define_project_permission(&self, id: &str, contains: &[&str]) -> Result<(), HexclaveError> {
        let mut directory = self.app().directory();
        Ok(directory.define_permission(PermissionScope::Project, id, contains)?)
    }

    /// Gives a member of a team a permission there.
    ///
    /// # Errors
    /// When the user is no member, or the permission is not known.
    pub fn grant_in_team(&self, team: TeamId, user: UserId, permission: &str) -> Result<(), HexclaveError> {
        Ok(self.app().directory().grant_in_team(team, user, permission)?)
    }

    /// Gives a user a permission in the whole project.
    ///
    /// # Errors
    /// When there is no such user, or the permission is not known.
    pub fn grant(&self, user: UserId, permission: &str) -> Result<(), HexclaveError> {
        Ok(self.app().directory().grant(user, permission)?)
    }

    /// The code that a device with this secret shows now, by the server's clock.
    #[must_use]
    pub fn one_time_password(&self, secret: &[u8]) -> String {
        one_time_password(secret, self.app().now_millis() / 1000)
    }
}
