//! The emitted helper for Convex functions, in Convex's own test runtime: it says of each identity what `PartialUser` says.

use std::sync::Arc;

use hexclave_convex::{ConvexHelper, PartialUser, UserIdentity};
use hexclave_core::{AcceptedKinds, AccessToken, UserKind, Verifier};
use hexclave_testkit::{TestClock, hexclave::Issuer};
use hexclave_tests::{NOW, node, subject};
use serde_json::{Value, json};

/// What `getUserIdentity()` returns for a user of this kind, from a real token.
async fn identity(issuer: &Issuer, kind: UserKind) -> Value {
    let verifier = Verifier::builder(issuer.config().clone())
        .keys(issuer.project_keys().expect("keys"))
        .accept(AcceptedKinds::ALL)
        .clock(Arc::new(TestClock::at(NOW)))
        .build()
        .expect("a verifier");
    let token = issuer.token(&subject(kind), NOW).expect("a token");
    let user = verifier.verify(&AccessToken::from(token)).await.expect("a user");
    let identity = UserIdentity::of(&user).expect("an identity");
    serde_json::from_str(&identity.to_json()).expect("JSON")
}

/// `base` with these members; null takes a member out.
fn changed(base: &Value, changes: Value) -> Value {
    let mut identity = base.clone();
    let members = identity.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => members.shift_remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    identity
}

fn accepted(options: &Value) -> AcceptedKinds {
    let Some(allow) = options["allow"].as_array() else {
        return AcceptedKinds::default();
    };
    let kinds: Vec<_> = allow.iter().filter_map(Value::as_str).collect();
    kinds.join(",").parse().expect("kinds")
}

#[tokio::test]
async fn functions_and_rust_see_the_same_user() {
    let issuer = Issuer::random().expect("an issuer");
    let stranger = Issuer::random().expect("another issuer");
    let [normal, restricted, anonymous] = [
        identity(&issuer, UserKind::Normal).await,
        identity(&issuer, UserKind::Restricted).await,
        identity(&issuer, UserKind::Anonymous).await,
    ];
    let foreign = identity(&stranger, UserKind::Normal).await;
    let team = "22222222-3333-4444-8555-666666666666";
    let identities = [
        normal.clone(),
        restricted.clone(),
        anonymous.clone(),
        foreign.clone(),
        changed(&foreign, json!({ "project_id": normal["project_id"] })),
        changed(
            &normal,
            json!({ "issuer": "constructor", "tokenIdentifier": null }),
        ),
        changed(
            &normal,
            json!({ "selected_team_id": team, "requires_totp_mfa": true }),
        ),
        changed(&normal, json!({ "selected_team_id": "a team" })),
        changed(
            &normal,
            json!({ "name": null, "email": null, "email_verified": null }),
        ),
        changed(&normal, json!({ "email_verified": null, "emailVerified": true })),
        changed(
            &normal,
            json!({ "is_restricted": null, "restricted_reason": null }),
        ),
        changed(&normal, json!({ "is_anonymous": null })),
        changed(&normal, json!({ "is_anonymous": "no" })),
        changed(&normal, json!({ "is_anonymous": true })),
        changed(&normal, json!({ "is_restricted": true })),
        changed(&normal, json!({ "project_id": null })),
        changed(&normal, json!({ "subject": "ADA", "tokenIdentifier": null })),
        changed(&normal, json!({ "tokenIdentifier": "somebody else" })),
        changed(&normal, json!({ "branch_id": "other" })),
        changed(&normal, json!({ "name": 7 })),
        changed(
            &restricted,
            json!({ "issuer": normal["issuer"], "tokenIdentifier": null }),
        ),
        changed(&restricted, json!({ "restricted_reason.type": null })),
        changed(&restricted, json!({ "restricted_reason.type": "something_new" })),
        changed(
            &restricted,
            json!({ "restricted_reason.type": null, "restricted_reason": { "type": "email_not_verified" } }),
        ),
        changed(
            &restricted,
            json!({ "restricted_reason": { "type": "restricted_by_administrator" } }),
        ),
        changed(&restricted, json!({ "restricted_reason": "a reason" })),
        changed(
            &anonymous,
            json!({ "is_restricted": null, "restricted_reason.type": null }),
        ),
        changed(
            &anonymous,
            json!({ "restricted_reason.type": "email_not_verified" }),
        ),
    ];
    let policies = [
        json!({}),
        json!({ "allow": ["normal", "restricted", "anonymous"] }),
        json!({ "allow": ["anonymous"] }),
    ];
    let mut calls = Vec::new();
    for identity in &identities {
        for options in &policies {
            calls.push(json!({ "identity": identity, "options": options }));
        }
    }
    let helper = ConvexHelper::for_project(issuer.config()).to_typescript();
    let output = node::run("convex-helper.mjs", &json!({ "helper": helper, "calls": calls }));

    let mut refusals = std::collections::BTreeMap::new();
    let results = output["results"].as_array().expect("a list");
    assert_eq!(results.len(), calls.len());
    for (call, result) in calls.iter().zip(results) {
        let reader = PartialUser::reader(issuer.config()).accept(accepted(&call["options"]));
        let ours = reader.read(&call["identity"].to_string());
        match ours {
            Ok(user) => {
                let user = serde_json::to_value(user).expect("JSON");
                assert_eq!(result["user"]["ok"], user, "{call}");
                assert_eq!(result["required"]["ok"], user, "{call}");
            }
            Err(error) => {
                assert_eq!(result["required"]["code"], error.code(), "{call}");
                *refusals.entry(error.code()).or_insert(0) += 1;
                if error.code() == "kind_not_accepted" {
                    assert_eq!(result["user"], json!({ "ok": null }), "{call}");
                } else {
                    assert_eq!(result["user"], result["required"], "{call}");
                }
            }
        }
    }
    assert_eq!(refusals.len(), 4, "each reason has occurred: {refusals:?}");
}

#[test]
fn nobody_is_signed_in_without_an_identity() {
    let issuer = Issuer::random().expect("an issuer");
    let helper = ConvexHelper::for_project(issuer.config()).to_typescript();
    let all = json!({ "allow": ["normal", "restricted", "anonymous"] });
    let calls = [json!({}), all].map(|options| json!({ "identity": null, "options": options }));
    let output = node::run("convex-helper.mjs", &json!({ "helper": helper, "calls": calls }));
    for result in output["results"].as_array().expect("a list") {
        assert_eq!(result["user"], json!({ "ok": null }));
        assert_eq!(result["required"]["code"], "signed_out");
    }
}
