use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hexclave_core::{UserId, UserKind};
use serde_json::{Map, Value};

use crate::{Role, SupabaseClaims};

/// What a Supabase token says whose signature has been verified.
#[derive(Clone)]
pub struct VerifiedToken {
    pub(super) claims: SupabaseClaims,
    pub(super) user_id: UserId,
    pub(super) kind: UserKind,
    pub(super) expires_at: u64,
    pub(super) members: Map<String, Value>,
}

impl VerifiedToken {
    /// The user: the token's `sub`.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The role, one of those that were allowed.
    #[must_use]
    pub fn role(&self) -> &Role {
        self.claims.role()
    }

    /// The kind of user, by `is_anonymous` and `is_restricted`.
    #[must_use]
    pub fn kind(&self) -> UserKind {
        self.kind
    }

    /// When the token stops being valid, in whole seconds.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        UNIX_EPOCH
            .checked_add(Duration::from_secs(self.expires_at))
            .unwrap_or(UNIX_EPOCH)
    }

    /// A claim, as the token has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// All claims, for a transaction under Row Level Security. No token is minted for them.
    #[must_use]
    pub fn claims(&self) -> &SupabaseClaims {
        &self.claims
    }
}

impl fmt::Debug for VerifiedToken {
    /// Shows id, role and kind; personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("user_id", &self.user_id)
            .field("role", self.role())
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
