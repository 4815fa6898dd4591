//! From sign-up to rows and to an identity, over every crate.
#![allow(clippy::expect_used)]

use std::sync::Arc;

use hexclave_convex::{AuthConfig, ConvexVerifier, UserIdentity};
use hexclave_core::{AcceptedKinds, Credentials, ErrorKind, UserKind, Verifier};
use hexclave_supabase::{JwtSecret, Minter, SupabaseClaims, rls::tokio_postgres::begin_as};
use hexclave_testkit::{
    TestClock,
    hexclave::{LocalHexclave, ServerSecret},
    postgres::Postgres,
};
use hexclave_tests::{GUIDE, NOW};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

const PASSWORD: &str = "correct horse";
const JWT_SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";

#[tokio::test]
async fn a_signed_in_user_becomes_a_supabase_token_and_rows() {
    let hexclave = LocalHexclave::builder()
        .require_email_verification(true)
        .start()
        .await
        .expect("a server");
    let ada = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    hexclave.verify_email(ada.user_id).expect("an address");
    let ada = hexclave
        .sign_in("ada@example.com", PASSWORD)
        .await
        .expect("tokens");

    let mut headers = http::HeaderMap::new();
    headers.insert(
        "x-stack-access-token",
        ada.access_token.expose().parse().expect("a header"),
    );
    let credentials = Credentials::from_headers(&headers, hexclave.config()).expect("credentials");
    let verifier = Verifier::new(hexclave.config().clone()).expect("a verifier");
    let token = credentials.access_token().expect("a token");
    let user = verifier.verify(token).await.expect("a user");
    assert_eq!(user.id(), ada.user_id);

    let minter = Minter::new(JwtSecret::new(JWT_SECRET).expect("a secret"));
    let minted = minter.mint(&user).expect("a token");
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&["authenticated"]);
    let read = jsonwebtoken::decode::<Value>(
        minted.expose(),
        &DecodingKey::from_secret(JWT_SECRET.as_bytes()),
        &validation,
    );
    let claims = read.expect("Supabase accepts it").claims;
    assert_eq!(claims.get("sub"), Some(&Value::from(user.id().to_string())));
    assert_eq!(claims.get("role"), Some(&Value::from("authenticated")));

    let database = Postgres::shared()
        .and_then(|postgres| postgres.database())
        .expect("a database");
    database.execute(GUIDE).expect("a schema");
    let mut client = database.connect().await.expect("a connection");
    let claims = SupabaseClaims::of(&user, AcceptedKinds::default()).expect("claims");
    let transaction = begin_as(&mut client, &claims).await.expect("a transaction");
    let rows = transaction
        .query("select id from data order by id", &[])
        .await
        .expect("rows");
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<i64>>(), [1, 2]);
}

#[tokio::test]
async fn restricted_users_and_guests_are_refused_by_default() {
    let hexclave = LocalHexclave::builder()
        .require_email_verification(true)
        .start()
        .await
        .expect("a server");
    let verifier = Verifier::new(hexclave.config().clone()).expect("a verifier");
    let restricted = hexclave
        .sign_up("eve@example.com", PASSWORD)
        .await
        .expect("tokens");
    let guest = hexclave.sign_up_anonymously().await.expect("tokens");
    for (token, kind) in [
        (restricted.access_token, UserKind::Restricted),
        (guest.access_token, UserKind::Anonymous),
    ] {
        let error = verifier.verify(&token).await.expect_err("not let in");
        assert_eq!(error.kind(), ErrorKind::KindNotAccepted(kind));
    }
}

/// The provider that is emitted accepts the tokens, and both ways to an identity give the same text. The keys of
/// this deployment's normal and restricted users have full coordinates; its anonymous users' have not, and Convex
/// refuses those.
#[tokio::test]
async fn convex_accepts_the_project_and_sees_the_same_identity() {
    let clock = Arc::new(TestClock::at(NOW));
    let hexclave = LocalHexclave::builder()
        .project_id("11111111-2222-4333-8444-555555555555".parse().expect("a project"))
        .server_secret(ServerSecret::new("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").expect("a secret"))
        .require_email_verification(true)
        .clock(Arc::clone(&clock) as Arc<_>)
        .start()
        .await
        .expect("a server");
    let verifier = Verifier::builder(hexclave.config().clone())
        .accept(AcceptedKinds::ALL)
        .clock(Arc::clone(&clock) as Arc<_>)
        .build()
        .expect("a verifier");
    let config = AuthConfig::for_project(hexclave.config())
        .kinds(AcceptedKinds::ALL)
        .build();
    let config = AuthConfig::from_json(&config.to_json()).expect("a configuration that Convex takes");
    let convex = ConvexVerifier::builder(config)
        .clock(clock)
        .build()
        .expect("a verifier");

    let restricted = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    hexclave.verify_email(restricted.user_id).expect("an address");
    let normal = hexclave
        .sign_in("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    for token in [restricted.access_token, normal.access_token] {
        let user = verifier.verify(&token).await.expect("a user");
        let identity = convex.verify(&token).await.expect("an identity");
        assert_eq!(
            identity.to_json(),
            UserIdentity::of(&user).expect("an identity").to_json()
        );
        assert_eq!(identity.subject(), user.id().to_string());
    }

    let guest = hexclave.sign_up_anonymously().await.expect("tokens");
    verifier
        .verify(&guest.access_token)
        .await
        .expect("core pads the key");
    let error = convex
        .verify(&guest.access_token)
        .await
        .expect_err("Convex does not");
    assert_eq!((error.code(), error.http_status()), ("InvalidAuthHeader", 401));
}
