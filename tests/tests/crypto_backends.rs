//! With both cryptography backends of jsonwebtoken in one program, it panics unless somebody chooses. Our
//! constructors do, so a program that uses these crates need not know.
#![allow(clippy::expect_used)]

use hexclave_core::UserKind;
use hexclave_supabase::{JwtSecret, Minter};
use hexclave_tests::user;

#[tokio::test]
async fn both_backends_in_one_program_do_not_panic() {
    let both = [
        &jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER,
        &jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER,
    ];
    assert_eq!(both.len(), 2);
    let user = user(UserKind::Normal).await;
    let secret = JwtSecret::new("super-secret-jwt-token-with-at-least-32-characters-long");
    Minter::new(secret.expect("a secret"))
        .mint(&user)
        .expect("a token");
}
