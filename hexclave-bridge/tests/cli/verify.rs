//! What `verify` says of a token that it refuses.

use hexclave_testkit::hexclave::Subject;
use serde_json::json;

use crate::{PROJECT, at, exit, hexclave, issuer, json_of, normal_user, now, run, stderr, stdout};

#[tokio::test]
async fn a_refusal_names_the_check_and_shows_what_is_harmless() {
    let hexclave = hexclave().await;
    let (good, _) = normal_user(&hexclave).await;
    let api_url = hexclave.config().api_url().as_str();
    let subject = Subject::new("ada@example.com");
    let local = issuer(api_url);
    let expired = local.token(&subject, now() - 3600).expect("a token");
    let early = local.token(&subject, now() + 3600).expect("a token");
    let elsewhere = issuer("https://elsewhere.example.com")
        .token(&subject, now())
        .expect("a token");
    let (signed, signature) = good.rsplit_once('.').expect("a signature");
    let other_signature: String = signature.chars().rev().collect();
    let forged = format!("{signed}.{}A", other_signature.get(1..).expect("some"));
    let guest = hexclave
        .sign_up_anonymously()
        .await
        .expect("tokens")
        .access_token
        .expose()
        .to_owned();
    for (token, code, check) in [
        ("garbage", "token_malformed", "form"),
        ("eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "unsupported_algorithm", "header"),
        (&elsewhere, "issuer_mismatch", "issuer"),
        (&expired, "token_expired", "time"),
        (&early, "not_yet_valid", "time"),
        (&guest, "kind_not_accepted", "kind"),
        (&forged, "invalid_signature", "signature"),
    ] {
        let output = run(at(&hexclave, &["verify", "--json"]), Some(token.to_owned())).await;
        assert_eq!(exit(&output), 1, "{code}: {}", stdout(&output));
        let error = &json_of(&output)["error"];
        assert_eq!((&error["code"], &error["check"]), (&json!(code), &json!(check)));
        if token.len() > 100 {
            assert!(
                error["token"]["issuer"]
                    .as_str()
                    .expect("a text")
                    .contains(PROJECT),
                "{error}"
            );
            assert_eq!(error["token"]["algorithm"], "ES256");
        }

        let text_output = run(at(&hexclave, &["verify"]), Some(token.to_owned())).await;
        let text = stderr(&text_output);
        assert!(
            text.contains(&format!("error ({code})")) && text.contains(&format!("  check: {check}\n")),
            "{text}"
        );
        for (secret, shown) in [
            ("ada@example.com", stdout(&output)),
            ("ada@example.com", text.clone()),
            (token, text),
        ] {
            assert!(!shown.contains(secret) || token == "garbage", "{shown}");
        }
    }
    let output = run(at(&hexclave, &["verify"]), Some(expired)).await;
    let text = stderr(&output);
    assert!(
        text.contains("issued     60 minutes ago") && text.contains("expires    50 minutes ago"),
        "{text}"
    );
    assert!(text.contains("getAuthJson()).accessToken"), "{text}");
}
