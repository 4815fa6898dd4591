//! What the tests that cross crates share: people of each kind, and the table of Hexclave's Supabase guide.
#![allow(clippy::expect_used, reason = "a test that cannot be set up fails")]

pub mod chromium;
pub mod node;
mod program;
pub mod python;

use std::sync::Arc;

use hexclave_core::{AcceptedKinds, AccessToken, User, UserKind, Verifier};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, Subject},
};

/// The time at which tokens are issued, in seconds since 1970.
pub const NOW: u64 = 1_795_300_079;

/// The table, rows and policies of the guide, and the grants that Supabase wants beside them: what the demo applies.
pub const GUIDE: &str = include_str!("../../hexclave-bridge/src/demo/guide.sql");

/// Somebody of a kind, not yet proven.
#[must_use]
pub fn subject(kind: UserKind) -> Subject {
    match kind {
        UserKind::Normal => Subject::new("ada@example.com"),
        UserKind::Restricted => Subject::restricted("ada@example.com"),
        UserKind::Anonymous => Subject::anonymous(),
    }
}

/// A proven user of a random project.
///
/// # Panics
/// When the token is refused.
pub async fn user(kind: UserKind) -> User {
    let issuer = Issuer::random().expect("an issuer");
    let verifier = Verifier::builder(issuer.config().clone())
        .keys(issuer.project_keys().expect("keys"))
        .accept(AcceptedKinds::ALL)
        .clock(Arc::new(TestClock::at(NOW)))
        .build()
        .expect("a verifier");
    let token = issuer.token(&subject(kind), NOW).expect("a token");
    verifier.verify(&AccessToken::from(token)).await.expect("a user")
}
