//! What the API and its webhooks speak of: typed, tolerant of members that are new, and without loss.

mod extra;
mod permission;
#[cfg(feature = "api")]
mod project;
#[cfg(feature = "api")]
mod session;
mod team;
mod user;
mod wire;

pub use extra::Extra;
pub use permission::{PermissionId, ProjectPermission, TeamPermission};
#[cfg(feature = "api")]
pub use project::{Domain, Project, ProjectSettings};
#[cfg(feature = "api")]
pub use session::UserSession;
pub use team::{Team, TeamMembership};
pub use user::{ClientUser, OAuthProvider, ServerUser};

#[cfg(test)]
#[cfg(feature = "api")]
mod tests {
    use serde::{Serialize, de::DeserializeOwned};
    use serde_json::{Value, json};

    use super::*;
    use crate::{RestrictedReason, UserKind};

    fn server_user() -> Value {
        json!({
            "id": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
            "primary_email": "zoe@example.com",
            "primary_email_verified": true,
            "primary_email_auth_enabled": true,
            "display_name": "Zoë Example",
            "profile_image_url": null,
            "selected_team_id": "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb",
            "selected_team": {
                "id": "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb",
                "display_name": "Zoë's Team",
                "profile_image_url": null,
                "client_metadata": null,
                "client_read_only_metadata": null,
                "server_metadata": null,
                "created_at_millis": 1_750_000_000_123_u64,
            },
            "signed_up_at_millis": 1_750_000_000_123_u64,
            "last_active_at_millis": 1_760_000_000_456_u64,
            "has_password": true,
            "otp_auth_enabled": false,
            "passkey_auth_enabled": false,
            "auth_with_email": true,
            "requires_totp_mfa": false,
            "client_metadata": { "theme": "dark" },
            "client_read_only_metadata": null,
            "server_metadata": { "plan": "pro" },
            "is_anonymous": false,
            "is_restricted": true,
            "restricted_reason": { "type": "new_in_2027" },
            "restricted_by_admin": false,
            "restricted_by_admin_reason": null,
            "restricted_by_admin_private_details": null,
            "country_code": "DE",
            "risk_scores": { "sign_up": { "bot": 0, "free_trial_abuse": 0 } },
            "oauth_providers": [
                { "id": "google", "account_id": "1234567890", "email": "zoe@example.com", "new_in_2027": 1 },
            ],
            "new_in_2027": { "a": [null] },
        })
    }

    /// What is read and written again is the same, and the debug text holds none of the personal data.
    fn round_trip<T: Serialize + DeserializeOwned + std::fmt::Debug>(json: Value) -> T {
        let value: T = serde_json::from_value(json.clone()).expect("a value");
        assert_eq!(serde_json::to_value(&value).expect("JSON"), json);
        let shown = format!("{value:?}");
        assert!(
            !shown.contains("Zo") && !shown.contains("zoe@") && !shown.contains("hidden"),
            "{shown}"
        );
        value
    }

    #[test]
    fn nothing_is_lost_of_a_user() {
        let user: ServerUser = round_trip(server_user());
        assert_eq!(user.kind(), UserKind::Restricted);
        assert_eq!(
            user.restricted_reason,
            Some(RestrictedReason::Other("new_in_2027".into()))
        );
        assert_eq!(user.extra.len(), 1);
        let team = user.selected_team.as_ref().expect("a team");
        assert_eq!(team.server_metadata, Some(Value::Null));
        assert!(team.extra.is_empty());

        let mut client = server_user();
        let members = client.as_object_mut().expect("an object");
        for only_servers in [
            "primary_email_auth_enabled",
            "server_metadata",
            "last_active_at_millis",
            "restricted_by_admin_private_details",
            "country_code",
            "risk_scores",
        ] {
            members.remove(only_servers);
        }
        for only_servers in ["server_metadata", "created_at_millis"] {
            let team = members["selected_team"].as_object_mut().expect("an object");
            team.remove(only_servers);
        }
        let user: ClientUser = round_trip(client);
        assert_eq!(user.extra.len(), 1);
    }

    #[test]
    fn an_old_server_may_say_less() {
        let user: ServerUser = serde_json::from_value(json!({
            "id": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
            "signed_up_at_millis": 0,
            "is_anonymous": true,
        }))
        .expect("a user");
        assert_eq!((user.kind(), user.last_active_at), (UserKind::Anonymous, None));
    }

    #[test]
    fn nothing_is_lost_of_the_rest() {
        let (user, team) = (
            "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
            "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb",
        );
        round_trip::<TeamMembership>(json!({ "team_id": team, "user_id": user, "new": "hidden" }));
        round_trip::<TeamPermission>(
            json!({ "id": "$read_members", "user_id": user, "team_id": team, "new": "hidden" }),
        );
        round_trip::<ProjectPermission>(json!({ "id": "a:b", "user_id": user, "new": "hidden" }));
        let session: UserSession = round_trip(json!({
            "id": team, "user_id": user, "created_at": 1, "last_used_at": null, "is_impersonation": true,
            "is_current_session": false, "last_used_at_end_user_ip_info": { "ip": "hidden" }, "new": "hidden",
        }));
        assert!(session.is_impersonation);
        round_trip::<Project>(json!({
            "id": "internal", "display_name": "P", "new": "hidden",
            "config": {
                "sign_up_enabled": true, "credential_enabled": true, "magic_link_enabled": false,
                "passkey_enabled": false, "client_team_creation_enabled": false,
                "client_user_deletion_enabled": false, "allow_localhost": true, "allow_user_api_keys": false,
                "allow_team_api_keys": false, "enabled_oauth_providers": [{ "id": "github" }],
                "domains": [{ "domain": "https://example.com", "handler_path": "/handler", "new": "hidden" }],
                "new": "hidden",
            },
        }));
    }

    #[test]
    fn an_id_that_is_none_is_no_answer() {
        for bad in ["", "AAAAAAAA-bbbb-4ccc-8ddd-eeeeeeeeeeee", "../teams"] {
            let json = json!({ "team_id": bad, "user_id": bad });
            assert!(serde_json::from_value::<TeamMembership>(json).is_err(), "{bad}");
        }
        for bad in ["", "$", "A", "a/b", "a b", "$$a"] {
            assert!(bad.parse::<PermissionId>().is_err(), "{bad}");
        }
    }
}
