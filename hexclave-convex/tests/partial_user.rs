//! Users read from identities, by a policy.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of this is test code"
)]

mod support;

use std::{error::Error as _, sync::Arc};

use hexclave_convex::{Error, ErrorKind, PartialUser, UserIdentity};
use hexclave_core::{
    AcceptedKinds, KeySet, ProjectConfig, ProjectKeys, RestrictedReason, UserKind, Verifier,
};
use serde_json::{Value, json};
use support::{Frozen, HEADER, NOW, PROJECT, changed, jwk, normal_payload, signed};

const USER: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const TEAM: &str = "22222222-3333-4444-8555-666666666666";

fn project() -> ProjectConfig {
    let config = ProjectConfig::builder().project_id(PROJECT.parse().expect("a project id"));
    config.build().expect("a project")
}

fn issuer(host: &str, kind: UserKind) -> String {
    let url: hexclave_core::ApiUrl = host.parse().expect("an API URL");
    url.issuer(&PROJECT.parse().expect("a project id"), kind)
}

/// What `JSON.stringify` makes of the identity of a user of this kind.
fn identity(kind: UserKind) -> Value {
    let issuer = issuer("https://api.hexclave.com", kind);
    let mut identity = json!({
        "tokenIdentifier": format!("{issuer}|{USER}"), "issuer": issuer, "subject": USER, "branch_id": "main",
        "email": "zoe@example.com", "email_verified": true, "is_anonymous": kind == UserKind::Anonymous,
        "is_restricted": kind != UserKind::Normal, "name": "Zoë", "project_id": PROJECT,
        "refresh_token_id": "99999999-8888-4777-8666-555555555555", "requires_totp_mfa": true,
        "role": "authenticated", "selected_team_id": TEAM, "signed_up_at": 1_750_000_000,
    });
    match kind {
        UserKind::Normal => identity["restricted_reason"] = Value::Null,
        UserKind::Restricted => identity["restricted_reason.type"] = "email_not_verified".into(),
        UserKind::Anonymous => identity["restricted_reason.type"] = "anonymous".into(),
    }
    identity
}

fn read(json: &str) -> Result<PartialUser, Error> {
    PartialUser::reader(&project())
        .accept(AcceptedKinds::ALL)
        .read(json)
}

#[test]
fn each_kind_is_read_with_what_upstream_loses() {
    for (kind, reason) in [
        (UserKind::Normal, None),
        (UserKind::Restricted, Some(RestrictedReason::EmailNotVerified)),
        (UserKind::Anonymous, Some(RestrictedReason::Anonymous)),
    ] {
        let user = read(&identity(kind).to_string()).expect("a user");
        assert_eq!(user.kind(), kind);
        assert_eq!(user.restricted_reason(), reason.as_ref());
        assert_eq!(user.is_anonymous(), kind == UserKind::Anonymous);
        assert_eq!(user.is_restricted(), kind != UserKind::Normal);
        assert_eq!(user.key(), format!("{PROJECT}/{USER}"));
        assert_eq!(
            (user.id().to_string(), user.project_id().as_str()),
            (USER.into(), PROJECT)
        );
        assert_eq!(user.display_name(), Some("Zoë"));
        assert_eq!(user.primary_email(), Some("zoe@example.com"));
        assert!(user.primary_email_verified() && user.is_multi_factor_required());
        assert_eq!(
            user.selected_team_id().map(|team| team.to_string()),
            Some(TEAM.into())
        );
        let shown = format!("{user:?}");
        assert!(shown.contains(USER) && !shown.contains("zoe"), "{shown}");
        assert_eq!(
            serde_json::to_value(&user).expect("JSON"),
            json!({
                "kind": kind.as_str(), "key": format!("{PROJECT}/{USER}"), "id": USER, "projectId": PROJECT,
                "displayName": "Zoë", "primaryEmail": "zoe@example.com", "primaryEmailVerified": true,
                "isAnonymous": kind == UserKind::Anonymous, "isRestricted": kind != UserKind::Normal,
                "restrictedReason": reason.map(|reason| json!({ "type": reason.as_str() })),
                "isMultiFactorRequired": true, "selectedTeamId": TEAM,
            })
        );
    }
}

#[test]
fn the_key_outlives_kind_and_host() {
    let mut keys = Vec::new();
    for kind in UserKind::ALL {
        for host in ["https://api.hexclave.com", "https://api.stack-auth.com"] {
            let issuer = issuer(host, kind);
            let identifier = format!("{issuer}|{USER}");
            let json = changed(
                identity(kind),
                json!({ "issuer": issuer, "tokenIdentifier": identifier }),
            );
            keys.push(read(&json).expect("a user").key());
        }
    }
    assert_eq!(keys, vec![format!("{PROJECT}/{USER}"); 6]);
}

#[test]
fn only_accepted_kinds_come_in() {
    for kind in UserKind::ALL {
        let json = identity(kind).to_string();
        let default = PartialUser::reader(&project()).read(&json);
        assert_eq!(default.is_ok(), kind == UserKind::Normal);
        for accepted in UserKind::ALL {
            let only = PartialUser::reader(&project()).accept(AcceptedKinds::only(accepted));
            match only.read(&json) {
                Ok(user) => assert_eq!((user.kind(), kind), (accepted, accepted)),
                Err(error) => {
                    assert_ne!(kind, accepted);
                    assert_eq!(error.kind(), ErrorKind::KindNotAccepted(kind));
                    assert!(error.to_string().contains(kind.as_str()), "{error}");
                }
            }
        }
    }
    let error = PartialUser::reader(&project())
        .read(&identity(UserKind::Restricted).to_string())
        .expect_err("a restricted user");
    assert_eq!(
        error.to_string(),
        "the user is restricted (email_not_verified); this application lets in: normal"
    );
}

#[test]
fn what_may_be_absent_or_tidied_up_is_read() {
    let read = |kind, changes| read(&changed(identity(kind), changes));
    let without = json!({
        "tokenIdentifier": null, "branch_id": null, "email": null, "email_verified": null, "name": null,
        "is_restricted": null, "requires_totp_mfa": null, "selected_team_id": null, "restricted_reason": null,
        "restricted_reason.type": null, "role": null, "signed_up_at": null, "refresh_token_id": null,
    });
    let user = read(UserKind::Normal, without.clone()).expect("a user");
    assert_eq!((user.display_name(), user.primary_email()), (None, None));
    assert!(!user.primary_email_verified() && !user.is_multi_factor_required());
    assert_eq!(user.selected_team_id(), None);
    let guest = read(UserKind::Anonymous, without).expect("a guest");
    assert_eq!(guest.restricted_reason(), Some(&RestrictedReason::Anonymous));

    let object =
        json!({ "restricted_reason.type": null, "restricted_reason": { "type": "email_not_verified" } });
    let user = read(UserKind::Restricted, object).expect("a user");
    assert_eq!(
        user.restricted_reason(),
        Some(&RestrictedReason::EmailNotVerified)
    );
    let both = json!({ "restricted_reason": { "type": "email_not_verified" } });
    assert!(read(UserKind::Restricted, both).is_ok());
    let later = json!({ "restricted_reason.type": "something_new" });
    let user = read(UserKind::Restricted, later).expect("a user");
    assert_eq!(
        user.restricted_reason(),
        Some(&RestrictedReason::Other("something_new".into()))
    );

    let camel = json!({ "email_verified": null, "emailVerified": true });
    assert!(
        read(UserKind::Normal, camel)
            .expect("a user")
            .primary_email_verified()
    );
    let both = json!({ "email_verified": false, "emailVerified": true });
    assert!(
        !read(UserKind::Normal, both)
            .expect("a user")
            .primary_email_verified()
    );
}

#[test]
fn other_projects_and_issuers_are_refused() {
    let other = "66666666-7777-4888-8999-aaaaaaaaaaaa";
    let normal = issuer("https://api.hexclave.com", UserKind::Normal);
    for changes in [
        json!({ "project_id": other }),
        json!({ "project_id": other, "issuer": normal.replace(PROJECT, other) }),
        json!({ "issuer": normal.replace(PROJECT, other) }),
        json!({ "issuer": format!("{normal}/") }),
        json!({ "issuer": normal.replace("https", "http") }),
        json!({ "issuer": "https://example.com/api/v1/projects/11111111-2222-4333-8444-555555555555" }),
        json!({ "issuer": "" }),
    ] {
        let error = read(&changed(identity(UserKind::Normal), changes.clone())).expect_err("a stranger");
        assert_eq!(error.kind(), ErrorKind::ForeignIdentity, "{changes}: {error}");
    }
}

#[test]
fn issuer_and_flags_have_to_agree() {
    use UserKind::{Anonymous, Normal, Restricted};
    let mut cases = vec![
        (Normal, json!({ "is_anonymous": true })),
        (Normal, json!({ "is_restricted": true })),
        (Normal, json!({ "restricted_reason.type": "email_not_verified" })),
        (Normal, json!({ "restricted_reason": { "type": "anonymous" } })),
        (Restricted, json!({ "is_anonymous": true })),
        (Restricted, json!({ "is_restricted": false })),
        (Restricted, json!({ "is_restricted": null })),
        (Restricted, json!({ "restricted_reason.type": null })),
        (Restricted, json!({ "restricted_reason.type": "anonymous" })),
        (Anonymous, json!({ "is_anonymous": false })),
        (Anonymous, json!({ "is_restricted": false })),
        (
            Anonymous,
            json!({ "restricted_reason.type": "email_not_verified" }),
        ),
    ];
    for kind in UserKind::ALL {
        for other in UserKind::ALL.into_iter().filter(|other| *other != kind) {
            let issuer = issuer("https://api.hexclave.com", other);
            cases.push((
                kind,
                json!({ "tokenIdentifier": format!("{issuer}|{USER}"), "issuer": issuer }),
            ));
        }
    }
    for (kind, changes) in cases {
        let error = read(&changed(identity(kind), changes.clone())).expect_err("a contradiction");
        assert_eq!(
            error.kind(),
            ErrorKind::InconsistentIdentity,
            "{kind} {changes}: {error}"
        );
    }
}

#[test]
fn what_is_no_identity_is_named() {
    for (changes, named) in [
        (json!({ "project_id": null }), "`project_id`"),
        (json!({ "project_id": 7 }), "`project_id`"),
        (json!({ "issuer": null }), "`issuer`"),
        (json!({ "subject": null }), "`subject`"),
        (
            json!({ "subject": USER.to_uppercase(), "tokenIdentifier": null }),
            "`subject`",
        ),
        (
            json!({ "subject": "66666666-7777-4888-8999-aaaaaaaaaaaa" }),
            "`tokenIdentifier`",
        ),
        (json!({ "tokenIdentifier": "hidden" }), "`tokenIdentifier`"),
        (json!({ "branch_id": "hidden" }), "`branch_id`"),
        (json!({ "is_anonymous": null }), "`is_anonymous`"),
        (json!({ "is_anonymous": "false" }), "`is_anonymous`"),
        (json!({ "is_restricted": 0 }), "`is_restricted`"),
        (json!({ "restricted_reason": "hidden" }), "`restricted_reason`"),
        (json!({ "restricted_reason": {} }), "`restricted_reason`"),
        (
            json!({ "restricted_reason.type": false }),
            "`restricted_reason.type`",
        ),
        (json!({ "name": ["hidden"] }), "`name`"),
        (json!({ "email": 1 }), "`email`"),
        (json!({ "email_verified": "yes" }), "`email_verified`"),
        (json!({ "requires_totp_mfa": 1 }), "`requires_totp_mfa`"),
        (json!({ "selected_team_id": "hidden" }), "`selected_team_id`"),
    ] {
        let error = read(&changed(identity(UserKind::Normal), changes.clone())).expect_err("nonsense");
        assert_eq!(error.kind(), ErrorKind::InvalidIdentity, "{changes}");
        let cause = error.source().expect("a cause").to_string();
        assert!(cause.contains(named), "{changes}: {cause}");
        assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
    }
    let different = json!({ "restricted_reason": { "type": "restricted_by_administrator" } });
    let error = read(&changed(identity(UserKind::Restricted), different)).expect_err("two reasons");
    assert_eq!(error.kind(), ErrorKind::InvalidIdentity);

    let twice = identity(UserKind::Normal)
        .to_string()
        .replacen('{', r#"{"is_anonymous":true,"#, 1);
    for text in ["", "null", "[]", "\"hidden\"", "{", "{} hidden", &twice] {
        let error = read(text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::InvalidIdentity, "{text}");
        assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
    }
}

#[tokio::test]
async fn a_proven_user_and_its_identity_are_one() {
    let set = KeySet::from_json(json!({ "keys": [jwk()] }).to_string().as_bytes()).expect("a key set");
    let verifier = Verifier::builder(project())
        .keys(ProjectKeys::default().with(UserKind::Normal, set))
        .clock(Arc::new(Frozen(NOW)))
        .build()
        .expect("a verifier");
    let token = signed(
        HEADER,
        &changed(normal_payload(), json!({ "selected_team_id": TEAM })),
    );
    let user = verifier.verify(&token).await.expect("a user");
    let identity = UserIdentity::of(&user).expect("an identity");
    let reader = PartialUser::reader(&project());
    let from_identity = reader.read(&identity.to_json()).expect("a user");
    assert_eq!(from_identity, PartialUser::from(&user));
}
