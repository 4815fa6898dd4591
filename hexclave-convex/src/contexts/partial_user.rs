use std::fmt;

use hexclave_core::{
    AcceptedKinds, ProjectConfig, ProjectId, RestrictedReason, TeamId, User, UserId, UserKind,
};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::Value;

use crate::{
    Error, ErrorKind,
    error::quoted,
    members::{Members, Wrong},
};

/// The user behind an identity, as far as the token tells: what Hexclave's SDK calls a partial user, and what it leaves
/// out: the kind, the team, and why a user is restricted.
///
/// ```
/// use hexclave_convex::PartialUser;
/// use hexclave_core::ProjectConfig;
///
/// # let project = ProjectConfig::builder()
/// #     .project_id("11111111-2222-4333-8444-555555555555".parse()?)
/// #     .build()?;
/// // What JSON.stringify(await ctx.auth.getUserIdentity()) gave in a Convex action that calls this program:
/// let identity = r#"{
///     "tokenIdentifier": "https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555|aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
///     "issuer": "https://api.hexclave.com/api/v1/projects/11111111-2222-4333-8444-555555555555",
///     "subject": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
///     "project_id": "11111111-2222-4333-8444-555555555555", "branch_id": "main",
///     "name": "Zoë", "email": "zoe@example.com", "email_verified": true, "selected_team_id": null,
///     "is_anonymous": false, "is_restricted": false, "restricted_reason": null, "requires_totp_mfa": false
/// }"#;
/// let user = PartialUser::reader(&project).read(identity)?;
/// assert_eq!(user.display_name(), Some("Zoë"));
/// assert_eq!(
///     user.key(), // for your data, and never `tokenIdentifier`
///     "11111111-2222-4333-8444-555555555555/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// An identity is no proof: it is worth as much as the channel on which it came. A program that others can reach wants the
/// token itself and [verifies](hexclave_core::Verifier) it.
///
/// Serialized it has the members of the TypeScript type `HexclaveUser` that [`ConvexHelper`](crate::ConvexHelper)
/// emits. `Debug` shows ids and the kind only.
#[derive(Clone, PartialEq, Eq)]
pub struct PartialUser {
    project_id: ProjectId,
    id: UserId,
    kind: UserKind,
    display_name: Option<String>,
    primary_email: Option<String>,
    primary_email_verified: bool,
    is_multi_factor_required: bool,
    restricted_reason: Option<RestrictedReason>,
    selected_team_id: Option<TeamId>,
}

impl PartialUser {
    /// Starts to read identities of a project's users. Normal users come in, unless
    /// [told otherwise](PartialUserReader::accept).
    pub fn reader(project: &ProjectConfig) -> PartialUserReader {
        let issuers = project
            .hosts()
            .flat_map(|host| UserKind::ALL.map(|kind| (host.issuer(project.project_id(), kind), kind)));
        PartialUserReader {
            project_id: project.project_id().clone(),
            issuers: issuers.collect(),
            accepted: AcceptedKinds::default(),
        }
    }

    /// The key for everything that is stored about the user: project id and user id, with a slash between them. It stays
    /// the same when a guest signs up, when a user is restricted or not any more, and when clients turn to another host
    /// of the API. `tokenIdentifier` changes each time.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.project_id, self.id)
    }

    /// The user's id: the identity's `subject`.
    #[must_use]
    pub fn id(&self) -> UserId {
        self.id
    }

    /// The project that the user belongs to.
    #[must_use]
    pub fn project_id(&self) -> &ProjectId {
        &self.project_id
    }

    /// Whether the user is normal, restricted or anonymous.
    #[must_use]
    pub fn kind(&self) -> UserKind {
        self.kind
    }

    /// The display name.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        self.display_name.as_deref()
    }

    /// The primary e-mail address. It is not unique within a project.
    #[must_use]
    pub fn primary_email(&self) -> Option<&str> {
        self.primary_email.as_deref()
    }

    /// Whether the primary e-mail address has been verified.
    #[must_use]
    pub fn primary_email_verified(&self) -> bool {
        self.primary_email_verified
    }

    /// Whether the user is a guest who has not signed up.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.kind == UserKind::Anonymous
    }

    /// Whether anything holds the user back: true for anonymous users too, as in Hexclave's SDK.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        self.kind != UserKind::Normal
    }

    /// Why the user is restricted; `None` for normal users.
    #[must_use]
    pub fn restricted_reason(&self) -> Option<&RestrictedReason> {
        self.restricted_reason.as_ref()
    }

    /// Whether the user has set up a second factor and has to pass it at each sign-in.
    #[must_use]
    pub fn is_multi_factor_required(&self) -> bool {
        self.is_multi_factor_required
    }

    /// The team that the user works in at the moment.
    #[must_use]
    pub fn selected_team_id(&self) -> Option<TeamId> {
        self.selected_team_id
    }
}

impl From<&User> for PartialUser {
    /// The same of a user whose token has been verified.
    fn from(user: &User) -> Self {
        Self {
            project_id: user.project_id().clone(),
            id: user.id(),
            kind: user.kind(),
            display_name: user.name().map(str::to_owned),
            primary_email: user.email().map(str::to_owned),
            primary_email_verified: user.email_verified(),
            is_multi_factor_required: user.requires_totp_mfa(),
            restricted_reason: user.restricted_reason().cloned(),
            selected_team_id: user.selected_team_id(),
        }
    }
}

impl Serialize for PartialUser {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Reason<'a> {
            r#type: &'a str,
        }
        let reason = self.restricted_reason.as_ref();
        let mut members = serializer.serialize_struct("HexclaveUser", 12)?;
        members.serialize_field("kind", self.kind.as_str())?;
        members.serialize_field("key", &self.key())?;
        members.serialize_field("id", &self.id)?;
        members.serialize_field("projectId", &self.project_id)?;
        members.serialize_field("displayName", &self.display_name)?;
        members.serialize_field("primaryEmail", &self.primary_email)?;
        members.serialize_field("primaryEmailVerified", &self.primary_email_verified)?;
        members.serialize_field("isAnonymous", &self.is_anonymous())?;
        members.serialize_field("isRestricted", &self.is_restricted())?;
        members.serialize_field(
            "restrictedReason",
            &reason.map(|reason| Reason {
                r#type: reason.as_str(),
            }),
        )?;
        members.serialize_field("isMultiFactorRequired", &self.is_multi_factor_required)?;
        members.serialize_field("selectedTeamId", &self.selected_team_id)?;
        members.end()
    }
}

impl fmt::Debug for PartialUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartialUser")
            .field("project_id", &self.project_id)
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Reads identities of one project's users, and lets some kinds of them in.
#[derive(Clone, Debug)]
#[must_use]
pub struct PartialUserReader {
    project_id: ProjectId,
    issuers: Vec<(String, UserKind)>,
    accepted: AcceptedKinds,
}

impl PartialUserReader {
    /// Which kinds of users to let in. Without this: normal ones only.
    pub fn accept(mut self, kinds: AcceptedKinds) -> Self {
        self.accepted = kinds;
        self
    }

    /// Reads the JSON of what `ctx.auth.getUserIdentity()` returned, or of a [`UserIdentity`](crate::UserIdentity). (Null
    /// is returned when nobody is signed in; that is nothing to be read.)
    ///
    /// The kind is told by the issuer, and the flags have to agree with it. Identities that other programs have tidied up
    /// are read too: with an object `restricted_reason`, or `emailVerified`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidIdentity`], [`ErrorKind::ForeignIdentity`], [`ErrorKind::InconsistentIdentity`] or
    /// [`ErrorKind::KindNotAccepted`].
    pub fn read(&self, json: &str) -> Result<PartialUser, Error> {
        let members = Members::from_json(json.as_bytes()).map_err(|error| {
            // Not the source: its text may repeat what the identity holds.
            Error::new(
                ErrorKind::InvalidIdentity,
                format!(
                    "the identity is not a JSON object (line {}, column {}): expected what \
                     `ctx.auth.getUserIdentity()` returns for a signed-in user",
                    error.line(),
                    error.column()
                ),
            )
        })?;
        self.user(&members)
    }

    fn user(&self, members: &Members) -> Result<PartialUser, Error> {
        let kind = self.kind_by_issuer(members)?;
        let flags = Flags::read(members).map_err(invalid)?;
        let agrees = flags.describe(kind);
        let user = self.user_of_kind(kind, flags, members).map_err(invalid)?;
        if !agrees {
            return Err(Error::new(
                ErrorKind::InconsistentIdentity,
                format!(
                    "the identity's issuer is that of {kind} users, and its `is_anonymous`, `is_restricted` and \
                     `restricted_reason` say something else"
                ),
            ));
        }
        if !self.accepted.contains(kind) {
            let reason = user.restricted_reason();
            return Err(Error::kind_not_accepted(kind, reason, self.accepted));
        }
        Ok(user)
    }

    fn kind_by_issuer(&self, members: &Members) -> Result<UserKind, Error> {
        let project_id = required(members, "project_id").map_err(invalid)?;
        let issuer = required(members, "issuer").map_err(invalid)?;
        if project_id != self.project_id.as_str() {
            return Err(Error::new(
                ErrorKind::ForeignIdentity,
                format!(
                    "the identity is of the project {}, not of {}",
                    quoted(project_id),
                    self.project_id
                ),
            ));
        }
        let known = self.issuers.iter().find(|(known, _)| known == issuer);
        known.map(|(_, kind)| *kind).ok_or_else(|| {
            Error::new(
                ErrorKind::ForeignIdentity,
                format!(
                    "the identity's issuer {} is none of the project {}",
                    quoted(issuer),
                    self.project_id
                ),
            )
        })
    }

    fn user_of_kind(&self, kind: UserKind, flags: Flags, members: &Members) -> Result<PartialUser, Wrong> {
        let (issuer, subject) = (required(members, "issuer")?, required(members, "subject")?);
        let both = members.text("tokenIdentifier")?;
        if both.is_some_and(|both| both != format!("{issuer}|{subject}")) {
            return Err(Wrong("its `tokenIdentifier` is not `issuer|subject`".to_owned()));
        }
        if members.text("branch_id")?.is_some_and(|branch| branch != "main") {
            return Err(Wrong("its `branch_id` is not `main`".to_owned()));
        }
        let not_a_uuid = |name: &str| Wrong(format!("its `{name}` is not a lower-case UUID"));
        let team = members
            .text("selected_team_id")?
            .map(|team| team.parse().map_err(|_| not_a_uuid("selected_team_id")));
        let email_verified = match flag(members, "email_verified")? {
            None => flag(members, "emailVerified")?,
            verified => verified,
        };
        Ok(PartialUser {
            project_id: self.project_id.clone(),
            id: subject.parse().map_err(|_| not_a_uuid("subject"))?,
            kind,
            display_name: members.text("name")?.map(str::to_owned),
            primary_email: members.text("email")?.map(str::to_owned),
            primary_email_verified: email_verified.unwrap_or(false),
            is_multi_factor_required: flag(members, "requires_totp_mfa")?.unwrap_or(false),
            restricted_reason: flags.restricted_reason,
            selected_team_id: team.transpose()?,
        })
    }
}

/// What an identity says of the kind of its user, besides the issuer.
struct Flags {
    is_anonymous: bool,
    is_restricted: bool,
    restricted_reason: Option<RestrictedReason>,
}

impl Flags {
    fn read(members: &Members) -> Result<Self, Wrong> {
        let is_anonymous = flag(members, "is_anonymous")?.ok_or_else(|| lacking("is_anonymous"))?;
        Ok(Self {
            is_anonymous,
            // Old servers do not say.
            is_restricted: flag(members, "is_restricted")?.unwrap_or(is_anonymous),
            restricted_reason: reason(members, is_anonymous)?,
        })
    }

    fn describe(&self, kind: UserKind) -> bool {
        let is_guests = self.restricted_reason == Some(RestrictedReason::Anonymous);
        match kind {
            UserKind::Normal => !self.is_anonymous && !self.is_restricted && self.restricted_reason.is_none(),
            UserKind::Restricted => {
                !self.is_anonymous && self.is_restricted && self.restricted_reason.is_some() && !is_guests
            }
            UserKind::Anonymous => self.is_anonymous && self.is_restricted && is_guests,
        }
    }
}

fn invalid(wrong: Wrong) -> Error {
    Error::new(
        ErrorKind::InvalidIdentity,
        "the identity is not a Hexclave user's, or not whole",
    )
    .with_source(wrong)
}

fn lacking(name: &str) -> Wrong {
    Wrong(format!("it lacks `{name}`"))
}

fn required<'a>(members: &'a Members, name: &str) -> Result<&'a str, Wrong> {
    members.text(name)?.ok_or_else(|| lacking(name))
}

/// A member that is true or false where it is present. Null counts as absent.
fn flag(members: &Members, name: &str) -> Result<Option<bool>, Wrong> {
    match members.member(name)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Wrong(format!("its `{name}` is neither true nor false"))),
    }
}

/// Convex flattens objects, so the reason's `type` is a member of the identity itself.
fn reason(members: &Members, is_anonymous: bool) -> Result<Option<RestrictedReason>, Wrong> {
    let flattened = members
        .text("restricted_reason.type")?
        .map(RestrictedReason::from);
    let whole = match members.member("restricted_reason")? {
        // Old servers do not say.
        None => return Ok(flattened.or(is_anonymous.then_some(RestrictedReason::Anonymous))),
        Some(Value::Null) => None,
        Some(object) => match object.get("type") {
            Some(Value::String(reason)) => Some(RestrictedReason::from(reason.as_str())),
            _ => {
                return Err(Wrong(
                    "its `restricted_reason` is neither null nor an object with a `type`".to_owned(),
                ));
            }
        },
    };
    match (flattened, whole) {
        (Some(one), Some(other)) if one != other => Err(Wrong(
            "it has two different reasons in `restricted_reason`".to_owned(),
        )),
        (flattened, whole) => Ok(flattened.or(whole)),
    }
}
