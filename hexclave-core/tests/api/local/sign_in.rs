//! Signing up, in and out.

use std::sync::Arc;

use hexclave_core::{
    AcceptedKinds, ErrorKind, RestrictedReason, UserKind, Verifier,
    api::{Client, PasswordSignUp, SignIn, UserPatch},
};

use hexclave_testkit::hexclave::LocalHexclave;

use super::{NOW, PASSWORD, Setting, code};

#[tokio::test]
async fn users_sign_up_and_in_and_out() {
    let setting = Setting::new().await;
    let verifier = Verifier::builder(setting.hexclave.config().clone())
        .clock(Arc::clone(&setting.clock) as Arc<_>)
        .build()
        .expect("a verifier");
    let (token, id) = setting.sign_up("ada@example.com").await;
    let proven = verifier.verify(&token).await.expect("a user");
    assert_eq!(proven.id(), id);

    let public = &setting.public;
    for (email, password, expected) in [
        ("ada@example.com", "long enough", "USER_EMAIL_ALREADY_EXISTS"),
        ("eve@example.com", "short", "PASSWORD_TOO_SHORT"),
        ("eve@example.com", &"x".repeat(71), "PASSWORD_TOO_LONG"),
        ("no address", PASSWORD, "SCHEMA_ERROR"),
    ] {
        let error = public
            .sign_up_with_password(&PasswordSignUp::new(email, password))
            .await
            .expect_err(expected);
        assert_eq!(code(&error), expected);
        assert!(!format!("{error} {error:?}").contains("example.com"));
    }
    let error = public
        .sign_in_with_password("ada@example.com", "wrong password")
        .await
        .expect_err("a wrong password");
    assert_eq!(code(&error), "EMAIL_PASSWORD_MISMATCH");
    let signed_in = public
        .sign_in_with_password("ada@example.com", PASSWORD)
        .await
        .expect("a user");
    let SignIn::Complete(signed_in) = signed_in else {
        panic!("no second factor")
    };
    assert_eq!(signed_in.user_id, id);
    let tokens = signed_in.tokens;
    for refreshed in [
        public.refresh(&tokens.refresh_token).await,
        public.refresh_current_session(&tokens.refresh_token).await,
        setting.server.refresh(&tokens.refresh_token).await,
    ] {
        let user = verifier.verify(&refreshed.expect("a token")).await;
        assert_eq!(user.expect("a user").id(), id);
    }

    let user = public.as_user(&tokens.access_token);
    user.sign_out().await.expect("signed out");
    user.sign_out().await.expect("signed out already");
    for refreshed in [
        public.refresh(&tokens.refresh_token).await,
        public.refresh_current_session(&tokens.refresh_token).await,
    ] {
        let error = refreshed.expect_err("signed out");
        assert_eq!(error.kind(), ErrorKind::SessionEnded);
        assert!(error.is_refusal());
    }
}

#[tokio::test]
async fn guests_become_users() {
    let setting = Setting::new().await;
    let guest = setting.public.sign_up_anonymously().await.expect("a guest");
    let me = setting.public.as_user(&guest.tokens.access_token).me().await;
    let me = me.expect("a guest");
    assert_eq!(
        (me.kind(), &me.restricted_reason),
        (UserKind::Anonymous, &Some(RestrictedReason::Anonymous))
    );

    let normal_only = Client::public(setting.hexclave.config().clone()).expect("a client");
    let error = normal_only
        .as_user(&guest.tokens.access_token)
        .me()
        .await
        .expect_err("a guest");
    assert_eq!(error.kind(), ErrorKind::KindNotAccepted(UserKind::Anonymous));

    let sign_up = PasswordSignUp::new("ada@example.com", PASSWORD).upgrading(&guest.tokens.access_token);
    // The guest is let in to become a user, whoever is let in otherwise.
    let user = normal_only.sign_up_with_password(&sign_up).await.expect("a user");
    assert_eq!(user.user_id, guest.user_id);
    let me = normal_only.as_user(&user.tokens.access_token).me().await;
    assert_eq!(me.expect("a user").kind(), UserKind::Normal);
    let error = setting
        .public
        .refresh(&guest.tokens.refresh_token)
        .await
        .expect_err("the guest's session has ended");
    assert_eq!(error.kind(), ErrorKind::SessionEnded);
}

/// RFC 6238 with SHA-1, six digits and steps of 30 seconds, as authenticators do it.
fn totp(secret: &[u8], now: u64) -> String {
    use aws_lc_rs::hmac;

    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &(now / 30).to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 15);
    let bytes = tag[offset..offset + 4].try_into().expect("four bytes");
    format!("{:06}", (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000)
}

#[tokio::test]
async fn a_second_factor_is_asked_for() {
    let setting = Setting::new().await;
    let (_, id) = setting.sign_up("ada@example.com").await;
    // The secret of RFC 6238's own examples.
    let patch = UserPatch::default().totp_secret_base64(Some("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="));
    let user = setting.server.update_user(id, &patch).await.expect("a user");
    assert!(user.requires_totp_mfa);
    assert_eq!(totp(b"12345678901234567890", 59), "287082");

    let public = &setting.public;
    let sign_in = public.sign_in_with_password("ada@example.com", PASSWORD).await;
    let Ok(SignIn::NeedsTotp(attempt)) = sign_in else {
        panic!("{sign_in:?}")
    };
    assert_eq!(format!("{attempt:?}"), "MfaAttempt(..)");
    let right = totp(b"12345678901234567890", NOW);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let error = public
        .sign_in_with_totp(&attempt, wrong)
        .await
        .expect_err("wrong");
    assert_eq!(code(&error), "INVALID_TOTP_CODE");
    let signed_in = public.sign_in_with_totp(&attempt, &right).await.expect("a user");
    assert_eq!(signed_in.user_id, id);
    assert_eq!(signed_in.is_new_user, Some(false));
    let error = public
        .sign_in_with_totp(&attempt, &right)
        .await
        .expect_err("used");
    assert_eq!(code(&error), "VERIFICATION_CODE_ALREADY_USED");
}

#[tokio::test]
async fn who_is_held_back_comes_in_where_that_is_accepted() {
    let hexclave = LocalHexclave::builder()
        .require_email_verification(true)
        .start()
        .await
        .expect("a server");
    let tokens = hexclave
        .sign_up("ada@example.com", PASSWORD)
        .await
        .expect("a user");
    let client = |kinds| {
        let builder = Client::builder(hexclave.config().clone());
        builder.accept(kinds).server().expect("a client")
    };
    let normal = AcceptedKinds::default();
    let restricted = UserKind::Restricted;
    for (kinds, accepted) in [
        (normal, false),
        (AcceptedKinds::only(UserKind::Anonymous), false),
        (normal.and(UserKind::Anonymous), false),
        (normal.and(restricted), true),
        (AcceptedKinds::ALL, true),
    ] {
        let client = client(kinds);
        let user = client.as_user(&tokens.access_token);
        assert_eq!(user.teams().await.is_ok(), accepted, "{kinds}");
        match user.me().await {
            Ok(me) => {
                assert!(accepted, "{kinds}");
                assert_eq!(me.restricted_reason, Some(RestrictedReason::EmailNotVerified));
            }
            Err(error) => {
                assert!(!accepted, "{kinds}: {error}");
                assert_eq!(error.kind(), ErrorKind::KindNotAccepted(restricted), "{kinds}");
            }
        }
    }
    // Anybody can sign out.
    client(normal)
        .as_user(&tokens.access_token)
        .sign_out()
        .await
        .expect("signed out");
}
