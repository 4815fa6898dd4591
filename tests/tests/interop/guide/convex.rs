//! "Convex Setup".

use hexclave_convex::{AuthConfig, Compatibility, ConvexVerifier, PartialUser, UserIdentity};
use hexclave_core::{AcceptedKinds, AccessToken, UserKind, Verifier};
use hexclave_testkit::hexclave::LocalHexclave;
use hexclave_tests::node;
use serde_json::{Value, json};

use super::{in_node, input};

const PASSWORD: &str = "correct horse";
/// The guide's `convex/auth.config.ts`, with the package under the name that it has on npm.
const AUTH_CONFIG: &str = r#"import { getConvexProvidersConfig } from "@stackframe/js";

export default {
  providers: getConvexProvidersConfig({
    projectId: process.env.HEXCLAVE_PROJECT_ID, // or process.env.NEXT_PUBLIC_HEXCLAVE_PROJECT_ID
  }),
};
"#;

#[test]
fn configure_convex_auth_providers() {
    let project = "11111111-2222-4333-8444-555555555555";
    let file = json!({
        "name": "auth.config.js", "text": AUTH_CONFIG, "environment": { "HEXCLAVE_PROJECT_ID": project },
    });
    let evaluated = node::run("convex-auth-config.mjs", &json!({ "files": [file] }));
    let theirs = &evaluated["results"][0]["ok"];
    let first = theirs["providers"][0]["issuer"].as_str().expect("a text");
    let host = first.split("/api/v1/").next().expect("a host");
    let project = hexclave_core::ProjectConfig::builder()
        .project_id(project.parse().expect("a project"))
        .api_url(host.parse().expect("a URL"))
        .build()
        .expect("a config");
    let ours = AuthConfig::for_project(&project)
        .kinds(AcceptedKinds::only(UserKind::Restricted))
        .compatibility(Compatibility::Upstream)
        .build();
    let ours: Value = serde_json::from_str(&ours.to_json()).expect("JSON");
    assert_eq!(*theirs, ours, "{evaluated}");
}

#[tokio::test]
async fn connect_convex_clients_to_hexclave() {
    let hexclave = LocalHexclave::start().await.expect("a server");
    let ada = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let asked = input(
        &hexclave,
        json!({ "email": "ada@example.com", "password": PASSWORD }),
    );
    let sent = in_node("guide/convex-clients.mjs", asked).await;

    let config = AuthConfig::for_project(hexclave.config()).build();
    let convex = ConvexVerifier::builder(config).build().expect("a verifier");
    let [authorization] = &sent["http"].as_array().expect("a list")[..] else {
        panic!("one request: {sent}");
    };
    let authorization = authorization.as_str().expect("a header");
    let by_http = authorization.strip_prefix("Bearer ").expect("a bearer token");
    let sockets = ["browser", "react"].map(|client| sent[client].as_str().expect("a token"));
    for token in sockets.into_iter().chain([by_http]) {
        let identity = convex
            .verify(&AccessToken::from(token))
            .await
            .expect("an identity");
        assert_eq!(identity.subject(), ada.user_id.to_string());
    }
}

/// The guide's function sees whom `PartialUser` sees. Why somebody is restricted it does not say: Convex has flattened the
/// member that it looks for.
#[tokio::test]
async fn use_hexclave_user_data_in_convex_functions() {
    let hexclave = LocalHexclave::builder()
        .require_email_verification(true)
        .start()
        .await
        .expect("a server");
    let restricted = hexclave
        .sign_up("eve@example.com", PASSWORD)
        .await
        .expect("tokens");
    let unverified = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    hexclave.verify_email(unverified.user_id).expect("an address");
    let normal = hexclave
        .sign_in("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let guest = hexclave.sign_up_anonymously().await.expect("tokens");
    let verifier = Verifier::builder(hexclave.config().clone())
        .accept(AcceptedKinds::ALL)
        .build()
        .expect("a verifier");
    let mut identities = Vec::new();
    for tokens in [&normal, &restricted, &guest] {
        let user = verifier.verify(&tokens.access_token).await.expect("a user");
        identities.push(UserIdentity::of(&user).expect("an identity").to_json());
    }
    let asked: Vec<Value> = identities
        .iter()
        .map(|identity| serde_json::from_str(identity).expect("JSON"))
        .chain([Value::Null])
        .collect();
    let said = in_node(
        "guide/convex-functions.mjs",
        input(&hexclave, json!({ "identities": asked })),
    )
    .await;
    let users = said["users"].as_array().expect("a list");
    assert_eq!((users.len(), &users[3]), (4, &Value::Null), "nobody is signed in");

    let reader = PartialUser::reader(hexclave.config()).accept(AcceptedKinds::ALL);
    for (identity, theirs) in identities.iter().zip(users) {
        let ours = reader.read(identity).expect("a user");
        let seen = json!({
            "id": ours.id().to_string(),
            "displayName": ours.display_name(),
            "primaryEmail": ours.primary_email(),
            "primaryEmailVerified": ours.primary_email_verified(),
            "isAnonymous": ours.is_anonymous(),
            "isMultiFactorRequired": ours.is_multi_factor_required(),
            "isRestricted": ours.is_restricted(),
            "restrictedReason": null,
        });
        assert_eq!(*theirs, seen);
        assert_eq!(ours.restricted_reason().is_some(), ours.is_restricted());
    }
}
