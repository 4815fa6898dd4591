//! "Python Backend Setup": the guide's code with PyJWT and requests.

use std::time::{SystemTime, UNIX_EPOCH};

use hexclave_core::{
    AcceptedKinds, AccessToken, ErrorKind, UserKind, Verifier,
    api::{Client, OnlineVerifier},
};
use hexclave_testkit::hexclave::{Fault, LocalHexclave, LocalHexclaveBuilder, ServerSecret, Subject};
use hexclave_tests::{NOW, subject};
use serde_json::{Value, json};

use super::{in_python, input};

const PASSWORD: &str = "correct horse";
const SERVER_SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
/// With this secret, the key that signs for its normal users has a short coordinate.
const SHORT_KEY_PROJECT: &str = "11111111-2222-4333-8444-000000000037";

async fn start(builder: LocalHexclaveBuilder) -> LocalHexclave {
    builder.start().await.expect("a server")
}

/// What the guide's two ways say of requests with these tokens.
async fn ask(hexclave: &LocalHexclave, tokens: &[&AccessToken]) -> Option<Vec<Value>> {
    let requests = tokens
        .iter()
        .map(|token| json!({ "x-stack-access-token": token.expose() }));
    let requests: Vec<_> = requests.chain([json!({})]).collect();
    let asked = input(hexclave, json!({ "requests": requests }));
    let mut answers = in_python("guide/python_backend.py", asked).await?;
    let mut answers = std::mem::take(answers.as_array_mut().expect("a list"));
    let nobody = answers.pop().expect("the request without a token");
    assert_eq!(
        nobody,
        json!({ "jwt": { "user": null }, "rest": { "user": null } })
    );
    assert_eq!(answers.len(), tokens.len());
    Some(answers)
}

fn unix_seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

#[tokio::test]
async fn verify_with_jwt() {
    let hexclave = start(LocalHexclave::builder()).await;
    let stranger = start(LocalHexclave::builder()).await;
    let sign_up = async |at: &LocalHexclave| at.sign_up("ada@example.com", PASSWORD).await.expect("tokens");
    let (ada, foreign) = (sign_up(&hexclave).await, sign_up(&stranger).await);
    let signed = |at: u64| {
        hexclave
            .issuer()
            .token(&Subject::new("bob@example.com"), at)
            .expect("a token")
    };
    let expired = AccessToken::from(signed(NOW - 3600));
    let forged = ada.access_token.expose().rsplit_once('.').expect("a signature").0;
    let forged = AccessToken::from(format!("{forged}.{}", "A".repeat(86)));
    let garbage = AccessToken::from("garbage");
    let tokens = [&ada.access_token, &expired, &forged, &garbage];
    let Some(answers) = ask(&hexclave, &tokens).await else {
        return;
    };

    let verifier = Verifier::new(hexclave.config().clone()).expect("a verifier");
    for (token, answer) in tokens.into_iter().zip(&answers) {
        let ours = verifier
            .verify(token)
            .await
            .ok()
            .map(|user| user.id().to_string());
        assert_eq!(answer["jwt"], json!({ "user": ours }), "{token:?}");
    }
    assert_eq!(answers[0]["jwt"]["user"], ada.user_id.to_string());
    // Signed by a key that is not the project's.
    let answers = ask(&hexclave, &[&foreign.access_token]).await.expect("Python");
    assert_eq!(answers[0]["jwt"], json!({ "raises": "PyJWKClientError" }));
}

#[tokio::test]
async fn verify_with_the_hexclave_rest_endpoint() {
    let hexclave = start(LocalHexclave::builder().require_email_verification(true)).await;
    let restricted = hexclave
        .sign_up("eve@example.com", PASSWORD)
        .await
        .expect("tokens");
    let guest = hexclave.sign_up_anonymously().await.expect("tokens");
    let mut normal = Vec::new();
    for email in ["ada@example.com", "gone@example.com"] {
        let unverified = hexclave.sign_up(email, PASSWORD).await.expect("tokens");
        hexclave.verify_email(unverified.user_id).expect("an address");
        normal.push(hexclave.sign_in(email, PASSWORD).await.expect("tokens"));
    }
    hexclave.delete_user(normal[1].user_id).expect("a user");
    let people = [&normal[0], &normal[1], &restricted, &guest];
    let tokens = people.map(|tokens| &tokens.access_token);
    let Some(answers) = ask(&hexclave, &tokens).await else {
        return;
    };
    assert_eq!(answers[0]["rest"]["user"]["id"], normal[0].user_id.to_string());
    assert_eq!(answers[0]["rest"]["user"]["primary_email"], "ada@example.com");
    for answer in &answers[1..] {
        assert_eq!(
            answer["rest"],
            json!({ "user": null }),
            "deleted, restricted, a guest"
        );
    }
    // As ours, which can also say why.
    let config = hexclave.config().clone();
    let client = Client::server(config.clone()).expect("a client");
    let online =
        OnlineVerifier::new(Verifier::new(config).expect("a verifier"), &client).expect("a verifier");
    assert!(online.verify(tokens[0]).await.is_ok());
    let refused = online.verify(tokens[1]).await.expect_err("deleted");
    assert_eq!(refused.kind(), ErrorKind::UserGone);
    // By its token alone, who is deleted is still there.
    assert_eq!(answers[1]["jwt"]["user"], normal[1].user_id.to_string());
}

/// Where the guide's code raises what it does not catch, the backend answers 500 and not 401.
#[tokio::test]
async fn guests_and_restricted_users_make_the_guides_code_raise() {
    let hexclave = start(LocalHexclave::builder().require_email_verification(true)).await;
    let restricted = hexclave
        .sign_up("eve@example.com", PASSWORD)
        .await
        .expect("tokens");
    let guest = hexclave.sign_up_anonymously().await.expect("tokens");
    let tokens = [&restricted.access_token, &guest.access_token];
    let Some(answers) = ask(&hexclave, &tokens).await else {
        return;
    };
    let verifier = Verifier::new(hexclave.config().clone()).expect("a verifier");
    for ((token, answer), kind) in tokens
        .into_iter()
        .zip(&answers)
        .zip([UserKind::Restricted, UserKind::Anonymous])
    {
        assert_eq!(answer["jwt"], json!({ "raises": "PyJWKClientError" }), "{kind}");
        let ours = verifier.verify(token).await.expect_err("not let in");
        assert_eq!(ours.kind(), ErrorKind::KindNotAccepted(kind));
    }
}

/// About one project in 128 has a signing key that PyJWT does not take, since a coordinate begins with a zero byte.
#[tokio::test]
async fn a_key_with_a_short_coordinate_is_no_key_for_pyjwt() {
    let hexclave = start(
        LocalHexclave::builder()
            .project_id(SHORT_KEY_PROJECT.parse().expect("a project"))
            .server_secret(ServerSecret::new(SERVER_SECRET).expect("a secret")),
    )
    .await;
    let key = hexclave.issuer().keys(UserKind::Normal)[0].jwk();
    assert!(key.x.len().min(key.y.len()) < 43, "{key:?}");
    let ada = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let Some(answers) = ask(&hexclave, &[&ada.access_token]).await else {
        return;
    };
    assert_eq!(answers[0]["jwt"], json!({ "raises": "PyJWKClientError" }));
    assert_eq!(answers[0]["rest"]["user"]["id"], ada.user_id.to_string());
    let verifier = Verifier::new(hexclave.config().clone()).expect("a verifier");
    assert_eq!(
        verifier.verify(&ada.access_token).await.expect("a user").id(),
        ada.user_id
    );
}

/// What the project's own key has signed and Hexclave would never issue.
#[tokio::test]
async fn the_guides_code_does_not_look_at_the_issuer_or_for_an_end() {
    let hexclave = start(LocalHexclave::builder()).await;
    let issuer = hexclave.issuer();
    let claims = serde_json::to_value(issuer.claims(&subject(UserKind::Normal), unix_seconds()));
    let claims = claims.expect("claims");
    let [key, _] = issuer.keys(UserKind::Normal);
    let header = json!({ "alg": "ES256", "kid": key.id() }).to_string();
    let changed = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut claims = claims.clone();
        change(claims.as_object_mut().expect("an object"));
        AccessToken::from(key.sign(&header, &claims.to_string()).expect("a token"))
    };
    let elsewhere = changed(&|claims| {
        claims.insert("iss".to_owned(), json!("https://example.com"));
    });
    let endless = changed(&|claims| {
        claims.remove("exp");
    });
    let tokens = [&elsewhere, &endless];
    let Some(answers) = ask(&hexclave, &tokens).await else {
        return;
    };
    let verifier = Verifier::new(hexclave.config().clone()).expect("a verifier");
    for (token, answer) in tokens.into_iter().zip(&answers) {
        assert_eq!(answer["jwt"]["user"], claims["sub"]);
        assert!(verifier.verify(token).await.expect_err("refused").is_refusal());
    }
}

/// While Hexclave is down nobody has a bad token.
#[tokio::test]
async fn an_outage_signs_people_out_by_the_rest_endpoint() {
    let hexclave = start(LocalHexclave::builder()).await;
    let ada = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    hexclave.inject(Fault::status(503));
    let Some(answers) = ask(&hexclave, &[&ada.access_token]).await else {
        return;
    };
    assert_eq!(answers[0]["rest"], json!({ "user": null }));
    assert_eq!(
        answers[0]["jwt"],
        json!({ "raises": "PyJWKClientConnectionError" })
    );
    let verifier = Verifier::builder(hexclave.config().clone()).accept(AcceptedKinds::ALL);
    let verifier = verifier.build().expect("a verifier");
    let error = verifier.verify(&ada.access_token).await.expect_err("no keys");
    assert!(!error.is_refusal(), "{error}");
}
