//! Tokens that are given out again.

use std::{sync::Arc, time::Duration};

use hexclave_core::{AcceptedKinds, UserKind};
use hexclave_supabase::{ErrorKind, Minter, SupabaseClaims, TokenCache};
use serde_json::json;

use crate::support::{NOW, clock, minter, secret, subject, user, user_of};

#[tokio::test]
async fn a_token_is_given_out_again_until_its_margin() {
    let user = user(UserKind::Normal).await;
    let clock = clock();
    let cache = TokenCache::new(Minter::new(secret()).clock(clock.clone()), 10);
    let first = cache.mint(&user).expect("a token");
    for (now, same) in [(NOW, true), (NOW + 3539, true), (NOW + 3540, false)] {
        clock.set(now);
        let token = cache.mint(&user).expect("a token");
        assert_eq!(Arc::ptr_eq(&first, &token), same, "{now}");
    }
    // The new one has taken its place.
    let second = cache.mint(&user).expect("a token");
    assert!(Arc::ptr_eq(&second, &cache.mint(&user).expect("a token")));
    assert!(!format!("{cache:?}").contains("eyJ"));
}

#[tokio::test]
async fn what_lives_shorter_than_the_margin_is_not_kept() {
    let user = user(UserKind::Normal).await;
    let seconds = Duration::from_secs;
    let minter = minter().lifetime(seconds(60)).expect("a lifetime");
    let cache = TokenCache::new(minter, 10);
    let first = cache.mint(&user).expect("a token");
    assert!(!Arc::ptr_eq(&first, &cache.mint(&user).expect("a token")));
    let cache = cache.margin(seconds(59));
    let first = cache.mint(&user).expect("a token");
    assert!(Arc::ptr_eq(&first, &cache.mint(&user).expect("a token")));
}

#[tokio::test]
async fn a_token_is_kept_for_all_that_it_says() {
    let ada = user(UserKind::Normal).await;
    let claims = SupabaseClaims::of(&ada, AcceptedKinds::default()).expect("claims");
    let pro = claims.clone().with_claim("plan", json!("pro")).expect("claims");
    let cache = TokenCache::new(minter(), 10);
    let (plain, with_plan) = (
        cache.sign(&claims).expect("a token"),
        cache.sign(&pro).expect("a token"),
    );
    assert_ne!(plain.expose(), with_plan.expose());
    assert!(Arc::ptr_eq(&plain, &cache.sign(&claims).expect("a token")));
    assert!(Arc::ptr_eq(&with_plan, &cache.sign(&pro).expect("a token")));

    let mut grace = subject(UserKind::Normal);
    grace.id = "22222222-2222-4222-8222-222222222222".parse().expect("a user id");
    let other = cache.mint(&user_of(&grace).await).expect("a token");
    assert_ne!(plain.expose(), other.expose());
}

#[tokio::test]
async fn a_token_of_one_session_does_not_outlive_another() {
    let user = user(UserKind::Normal).await;
    let clock = clock();
    let minter = Minter::new(secret()).clock(clock.clone()).until_source_expires();
    let cache = TokenCache::new(minter, 10).margin(Duration::ZERO);
    let first = cache.mint(&user).expect("a token");
    clock.set(NOW + 599);
    assert!(Arc::ptr_eq(&first, &cache.mint(&user).expect("a token")));
    clock.set(NOW + 600);
    let error = cache.mint(&user).expect_err("expired");
    assert_eq!(error.kind(), ErrorKind::SourceExpired);
    assert!(error.is_expired() && error.is_refusal());
}

#[tokio::test]
async fn refusals_are_not_kept_and_nobody_gets_in_by_the_cache() {
    let cache = TokenCache::new(minter(), 10);
    let guest = user(UserKind::Anonymous).await;
    for _ in 0..2 {
        let error = cache.mint(&guest).expect_err("a guest");
        assert_eq!(error.kind(), ErrorKind::KindNotAccepted(UserKind::Anonymous));
        assert!(cache.sign(&SupabaseClaims::signed_out()).is_err());
    }
}

#[tokio::test]
async fn the_number_of_tokens_is_bounded() {
    let user = user(UserKind::Normal).await;
    let claims = SupabaseClaims::of(&user, AcceptedKinds::default()).expect("claims");
    for capacity in [0, 1, 50] {
        let cache = TokenCache::new(minter(), capacity);
        for number in 0..500 {
            let claims = claims
                .clone()
                .with_claim("number", json!(number))
                .expect("claims");
            assert!(cache.sign(&claims).is_ok());
        }
        let shown = format!("{cache:?}");
        let kept = shown
            .rsplit_once("tokens: ")
            .and_then(|(_, rest)| rest.trim_end_matches(" }").parse().ok());
        let kept: usize = kept.expect("a number");
        assert!(kept <= capacity, "{shown}");
    }
}
