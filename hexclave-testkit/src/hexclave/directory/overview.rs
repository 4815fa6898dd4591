use hexclave_core::{RestrictedReason, UserId, UserKind};

use super::Directory;

/// A user as the page for people shows them.
pub(crate) struct UserRow {
    pub(crate) id: UserId,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) email_verified: bool,
    pub(crate) kind: UserKind,
    pub(crate) restricted_reason: Option<RestrictedReason>,
    pub(crate) teams: Vec<String>,
    /// The last used first.
    pub(crate) sessions: Vec<SessionRow>,
}

/// A session as that page shows it: its refresh token stays hidden.
pub(crate) struct SessionRow {
    pub(crate) id: String,
    pub(crate) last_used_at_millis: u64,
}

impl Directory {
    /// Everybody, who has signed up first first.
    pub(crate) fn overview(&self, now_millis: u64) -> Vec<UserRow> {
        let mut users: Vec<_> = self.users.values().collect();
        users.sort_by_key(|user| (user.signed_up_at_millis, user.id));
        users
            .into_iter()
            .map(|user| {
                let restricted_reason = self.restricted_reason(user);
                UserRow {
                    id: user.id,
                    name: user.display_name.clone(),
                    email: user.email.clone(),
                    email_verified: user.email_verified,
                    kind: match &restricted_reason {
                        None => UserKind::Normal,
                        Some(RestrictedReason::Anonymous) => UserKind::Anonymous,
                        Some(_) => UserKind::Restricted,
                    },
                    restricted_reason,
                    teams: self.team_names(user.id),
                    sessions: self.live_sessions(user.id, now_millis),
                }
            })
            .collect()
    }
}
