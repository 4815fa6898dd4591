//! The payload of an access token: read, and checked against itself.

use serde::de::MapAccess;
use uuid::Uuid;

use crate::{
    AccessToken, Error, ErrorKind, RestrictedReason, SessionId, TeamId, UserId, UserKind,
    id::canonical_uuid,
    jws::Jws,
    member::{Expected, Member, Members, read_object},
};

/// Claims as they stand in the payload.
#[derive(Debug, Default)]
pub(crate) struct RawClaims {
    pub(crate) iss: Member<String>,
    pub(crate) aud: Member<String>,
    pub(crate) exp: Member<u64>,
    pub(crate) iat: Member<u64>,
    pub(crate) nbf: Member<u64>,
    sub: Member<Uuid>,
    pub(crate) project_id: Member<String>,
    pub(crate) branch_id: Member<Branch>,
    refresh_token_id: Member<Uuid>,
    name: Member<String>,
    email: Member<String>,
    email_verified: Member<bool>,
    selected_team_id: Member<Uuid>,
    signed_up_at: Member<u64>,
    is_anonymous: Member<bool>,
    is_restricted: Member<bool>,
    restricted_reason: Member<RestrictedReason>,
    requires_totp_mfa: Member<bool>,
}

impl Members for RawClaims {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error> {
        match name {
            "iss" => self.iss.fill(members)?,
            "aud" => self.aud.fill(members)?,
            "exp" => self.exp.fill(members)?,
            "iat" => self.iat.fill(members)?,
            "nbf" => self.nbf.fill(members)?,
            "sub" => self.sub.fill(members)?,
            "project_id" => self.project_id.fill(members)?,
            // The second spellings are those of servers from before September 2025. Both in one token are a repetition.
            "branch_id" | "branchId" => self.branch_id.fill(members)?,
            "refresh_token_id" | "refreshTokenId" => self.refresh_token_id.fill(members)?,
            "name" => self.name.fill(members)?,
            "email" => self.email.fill(members)?,
            "email_verified" => self.email_verified.fill(members)?,
            "selected_team_id" => self.selected_team_id.fill(members)?,
            "signed_up_at" => self.signed_up_at.fill(members)?,
            "is_anonymous" => self.is_anonymous.fill(members)?,
            "is_restricted" => self.is_restricted.fill(members)?,
            "restricted_reason" => self.restricted_reason.fill(members)?,
            "requires_totp_mfa" => self.requires_totp_mfa.fill(members)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A branch of a project. Hexclave issues tokens for one only.
#[derive(Debug, PartialEq)]
pub(crate) enum Branch {
    Main,
    Other,
}

impl Expected for Branch {
    fn from_str(text: &str) -> Option<Self> {
        Some(if text == "main" { Self::Main } else { Self::Other })
    }
}

impl Expected for Uuid {
    fn from_str(text: &str) -> Option<Self> {
        canonical_uuid(text)
    }
}

impl Expected for RestrictedReason {
    fn from_object(type_member: Option<String>) -> Option<Self> {
        type_member.as_deref().map(Self::from)
    }
}

/// What a payload says about its user, after the flags have been found to agree with each other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct UserClaims {
    pub(crate) id: UserId,
    pub(crate) kind: UserKind,
    pub(crate) restricted_reason: Option<RestrictedReason>,
    pub(crate) session_id: Option<SessionId>,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) email_verified: bool,
    pub(crate) selected_team_id: Option<TeamId>,
    pub(crate) signed_up_at: Option<u64>,
    pub(crate) requires_totp_mfa: bool,
}

impl RawClaims {
    pub(crate) fn parse(payload: &str) -> Result<Self, Error> {
        read_object(payload).ok_or_else(|| {
            Error::new(
                ErrorKind::TokenMalformed,
                "the token cannot be read: its payload is not a JSON object with unique member names",
            )
        })
    }

    pub(crate) fn into_user(self) -> Result<UserClaims, Error> {
        const UUID_OR_NULL: &str = "a lower-case UUID or null";
        let is_anonymous = required(self.is_anonymous, "is_anonymous", "true or false")?;
        let is_restricted =
            optional(self.is_restricted, "is_restricted", "true or false")?.unwrap_or(is_anonymous);
        let restricted_reason = match self.restricted_reason {
            Member::Absent => is_anonymous.then_some(RestrictedReason::Anonymous),
            given => optional(given, "restricted_reason", "null or an object with a `type`")?,
        };
        let kind = match (is_anonymous, is_restricted, &restricted_reason) {
            (true, true, Some(RestrictedReason::Anonymous)) => UserKind::Anonymous,
            (false, true, Some(reason)) if *reason != RestrictedReason::Anonymous => UserKind::Restricted,
            (false, false, None) => UserKind::Normal,
            _ => {
                return Err(Error::new(
                    ErrorKind::InconsistentClaims,
                    "the token's `is_anonymous`, `is_restricted` and `restricted_reason` contradict each other",
                ));
            }
        };
        Ok(UserClaims {
            id: required(self.sub, "sub", "the user's id, a lower-case UUID")?.into(),
            kind,
            restricted_reason,
            session_id: optional(self.refresh_token_id, "refresh_token_id", UUID_OR_NULL)?
                .map(SessionId::from),
            name: optional(self.name, "name", "a string or null")?,
            email: optional(self.email, "email", "a string or null")?,
            email_verified: optional(self.email_verified, "email_verified", "true or false")?
                .unwrap_or(false),
            selected_team_id: optional(self.selected_team_id, "selected_team_id", UUID_OR_NULL)?
                .map(TeamId::from),
            signed_up_at: optional(self.signed_up_at, "signed_up_at", "whole seconds since 1970")?,
            requires_totp_mfa: optional(self.requires_totp_mfa, "requires_totp_mfa", "true or false")?
                .unwrap_or(false),
        })
    }
}

/// Whose token this is by its own word. Proves nothing.
pub(crate) fn claimed_user(token: &AccessToken) -> Option<UserId> {
    let jws = Jws::parse(token.expose()).ok()?;
    match RawClaims::parse(&jws.payload).ok()?.sub {
        Member::Is(id) => Some(id.into()),
        _ => None,
    }
}

/// The value of a claim that must be there.
pub(crate) fn required<T>(member: Member<T>, name: &str, expected: &str) -> Result<T, Error> {
    match member {
        Member::Is(value) => Ok(value),
        Member::Absent | Member::Null => Err(Error::new(
            ErrorKind::InvalidClaim,
            format!("the token lacks the claim `{name}`: expected {expected}"),
        )),
        Member::Wrong => Err(invalid(name, expected)),
    }
}

/// The value of a claim that may be absent or null.
pub(crate) fn optional<T>(member: Member<T>, name: &str, expected: &str) -> Result<Option<T>, Error> {
    match member {
        Member::Is(value) => Ok(Some(value)),
        Member::Absent | Member::Null => Ok(None),
        Member::Wrong => Err(invalid(name, expected)),
    }
}

fn invalid(name: &str, expected: &str) -> Error {
    Error::new(
        ErrorKind::InvalidClaim,
        format!("the token's claim `{name}` has an unusable value: expected {expected}"),
    )
}
