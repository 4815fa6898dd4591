//! What answers mean.

use axum::http::StatusCode;
use hexclave_core::{
    AccessToken, Error, ErrorKind, UserKind,
    api::{Client, ErrorCode},
};
use serde_json::{Value, json};

use crate::{
    headers::user_json,
    scripted::{Answer, Scripted, USER},
};

/// Every code of upstream's `known-errors.tsx` that matters here, with its status and what it is to callers.
const KNOWN: &[(&str, u16, ErrorKind)] = &[
    ("UNPARSABLE_ACCESS_TOKEN", 401, ErrorKind::TokenRejected),
    ("ACCESS_TOKEN_EXPIRED", 401, ErrorKind::TokenExpired),
    (
        "INVALID_PROJECT_FOR_ACCESS_TOKEN",
        401,
        ErrorKind::ProjectMismatch,
    ),
    (
        "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED",
        401,
        ErrorKind::KindNotAccepted(UserKind::Anonymous),
    ),
    (
        "RESTRICTED_USER_NOT_ALLOWED",
        403,
        ErrorKind::KindNotAccepted(UserKind::Restricted),
    ),
    ("CANNOT_GET_OWN_USER_WITHOUT_USER", 400, ErrorKind::UserGone),
    ("USER_AUTHENTICATION_REQUIRED", 401, ErrorKind::ApiRejected),
    ("USER_NOT_FOUND", 404, ErrorKind::ApiRejected),
    ("USER_ID_DOES_NOT_EXIST", 400, ErrorKind::ApiRejected),
    ("REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED", 401, ErrorKind::SessionEnded),
    ("CANNOT_DELETE_CURRENT_SESSION", 400, ErrorKind::ApiRejected),
    ("PROVIDER_REJECTED", 401, ErrorKind::ApiRejected),
    (
        "PROJECT_KEY_WITHOUT_ACCESS_TYPE",
        400,
        ErrorKind::ProjectKeyRejected,
    ),
    ("INVALID_ACCESS_TYPE", 400, ErrorKind::ProjectKeyRejected),
    (
        "ACCESS_TYPE_WITHOUT_PROJECT_ID",
        400,
        ErrorKind::ProjectKeyRejected,
    ),
    ("ACCESS_TYPE_REQUIRED", 400, ErrorKind::ProjectKeyRejected),
    ("INSUFFICIENT_ACCESS_TYPE", 401, ErrorKind::ProjectKeyRejected),
    (
        "INVALID_PUBLISHABLE_CLIENT_KEY",
        401,
        ErrorKind::ProjectKeyRejected,
    ),
    ("INVALID_SECRET_SERVER_KEY", 401, ErrorKind::ProjectKeyRejected),
    (
        "INVALID_SUPER_SECRET_ADMIN_KEY",
        401,
        ErrorKind::ProjectKeyRejected,
    ),
    (
        "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT",
        401,
        ErrorKind::ProjectKeyRejected,
    ),
    (
        "SERVER_AUTHENTICATION_REQUIRED",
        401,
        ErrorKind::ProjectKeyRejected,
    ),
    (
        "CLIENT_AUTHENTICATION_REQUIRED",
        401,
        ErrorKind::ProjectKeyRejected,
    ),
    (
        "ADMIN_AUTHENTICATION_REQUIRED",
        401,
        ErrorKind::ProjectKeyRejected,
    ),
    ("CURRENT_PROJECT_NOT_FOUND", 400, ErrorKind::ProjectKeyRejected),
    ("BRANCH_DOES_NOT_EXIST", 400, ErrorKind::ProjectKeyRejected),
    ("PROJECT_NOT_FOUND", 404, ErrorKind::ProjectKeyRejected),
    ("EXPECTED_INTERNAL_PROJECT", 401, ErrorKind::ProjectKeyRejected),
    (
        "UNPARSABLE_ADMIN_ACCESS_TOKEN",
        401,
        ErrorKind::ProjectKeyRejected,
    ),
    ("ADMIN_ACCESS_TOKEN_EXPIRED", 401, ErrorKind::ProjectKeyRejected),
    (
        "INVALID_PROJECT_FOR_ADMIN_ACCESS_TOKEN",
        401,
        ErrorKind::ProjectKeyRejected,
    ),
    (
        "ADMIN_ACCESS_TOKEN_IS_NOT_ADMIN",
        401,
        ErrorKind::ProjectKeyRejected,
    ),
    ("EMAIL_PASSWORD_MISMATCH", 400, ErrorKind::ApiRejected),
    ("USER_EMAIL_ALREADY_EXISTS", 409, ErrorKind::ApiRejected),
    ("PASSWORD_AUTHENTICATION_NOT_ENABLED", 400, ErrorKind::ApiRejected),
    ("PASSWORD_TOO_SHORT", 400, ErrorKind::ApiRejected),
    ("PASSWORD_TOO_LONG", 400, ErrorKind::ApiRejected),
    ("SIGN_UP_NOT_ENABLED", 400, ErrorKind::ApiRejected),
    ("SIGN_UP_REJECTED", 403, ErrorKind::ApiRejected),
    ("BOT_CHALLENGE_REQUIRED", 409, ErrorKind::ApiRejected),
    ("BOT_CHALLENGE_FAILED", 400, ErrorKind::ApiRejected),
    (
        "MULTI_FACTOR_AUTHENTICATION_REQUIRED",
        400,
        ErrorKind::ApiRejected,
    ),
    ("INVALID_TOTP_CODE", 400, ErrorKind::ApiRejected),
    ("REDIRECT_URL_NOT_WHITELISTED", 400, ErrorKind::ApiRejected),
    ("ANONYMOUS_ACCOUNTS_NOT_ENABLED", 400, ErrorKind::ApiRejected),
    (
        "INVALID_OAUTH_CLIENT_ID_OR_SECRET",
        400,
        ErrorKind::ProjectKeyRejected,
    ),
    ("INVALID_AUTHORIZATION_CODE", 400, ErrorKind::ApiRejected),
    ("INVALID_POLLING_CODE", 400, ErrorKind::ApiRejected),
    ("TEAM_NOT_FOUND", 404, ErrorKind::ApiRejected),
    ("TEAM_MEMBERSHIP_NOT_FOUND", 404, ErrorKind::ApiRejected),
    ("TEAM_PERMISSION_REQUIRED", 401, ErrorKind::ApiRejected),
    ("PERMISSION_NOT_FOUND", 404, ErrorKind::ApiRejected),
    ("SCHEMA_ERROR", 400, ErrorKind::ApiRejected),
    ("BODY_PARSING_ERROR", 400, ErrorKind::ApiRejected),
    ("ALL_OVERLOADS_FAILED", 400, ErrorKind::ApiRejected),
    ("VERIFICATION_CODE_NOT_FOUND", 404, ErrorKind::ApiRejected),
    ("VERIFICATION_CODE_EXPIRED", 400, ErrorKind::ApiRejected),
    ("VERIFICATION_CODE_ALREADY_USED", 409, ErrorKind::ApiRejected),
    ("INVALID_EXTERNAL_AUTH_TOKEN", 401, ErrorKind::ApiRejected),
    (
        "EXTERNAL_AUTH_PROVIDER_NOT_CONFIGURED",
        400,
        ErrorKind::ApiRejected,
    ),
];

/// Asks `users/me` once and returns why that failed.
async fn error_of(answer: Answer) -> Error {
    errors_of([answer]).await.remove(0)
}

/// Asks `users/me` once per answer and returns why each failed.
async fn errors_of(answers: impl IntoIterator<Item = Answer>) -> Vec<Error> {
    let answers: Vec<_> = answers.into_iter().collect();
    let count = answers.len();
    let server = Scripted::start(answers).await;
    let client = server.builder().server().expect("a client");
    let user = client.as_user(&AccessToken::from("hidden.access.token"));
    let mut errors = Vec::new();
    for _ in 0..count {
        let error = user.me().await.expect_err("an error");
        assert_eq!(server.asked().len(), 1, "{error}: repeated");
        let shown = format!("{error} {error:?} {:?}", error.api());
        assert!(
            !shown.contains("hidden") && !shown.contains("@example.com"),
            "{shown}"
        );
        errors.push(error);
    }
    errors
}

#[tokio::test]
async fn every_known_error_is_told_apart() {
    let details = json!({ "of": "hidden@example.com" });
    let answers = KNOWN
        .iter()
        .map(|(code, status, _)| Answer::error(*status, code, details.clone()));
    for ((code, status, kind), error) in KNOWN.iter().zip(errors_of(answers).await) {
        assert_eq!(error.kind(), *kind, "{code}");
        // A wrong key of ours is no verdict on the user.
        let about_the_user = !matches!(kind, ErrorKind::ApiRejected | ErrorKind::ProjectKeyRejected);
        assert_eq!(error.is_refusal(), about_the_user, "{code}");
        let answer = error.api().expect("an answer");
        assert_eq!(answer.status().as_u16(), *status);
        assert_eq!(answer.code().map(ErrorCode::as_str), Some(*code));
        assert!(!matches!(answer.code(), Some(ErrorCode::Other(_))), "{code}");
        assert_eq!(answer.details(), &details);
        assert_eq!(answer.text(), "About hidden@example.com.");
        assert_eq!(answer.request_id(), Some("0123456789abcdef"));
        assert!(!error.is_retryable(), "{code}");
    }
}

#[tokio::test]
async fn the_status_that_was_meant_counts() {
    for name in ["x-stack-actual-status", "x-hexclave-actual-status"] {
        let Answer::Says(_, headers, body) = Answer::error(401, "ACCESS_TOKEN_EXPIRED", Value::Null) else {
            panic!("an answer");
        };
        let error = error_of(Answer::Says(StatusCode::OK, headers, body).with(name, "401")).await;
        assert_eq!(error.kind(), ErrorKind::TokenExpired);
        assert_eq!(error.api().expect("an answer").status(), 401);
    }
    // An error without a code stays one.
    let error = error_of(Answer::text(200, "hidden").with("x-stack-actual-status", "418")).await;
    assert_eq!(error.kind(), ErrorKind::ApiRejected);
    // It is for 200 only, and only a status is one.
    let error = error_of(Answer::text(404, "hidden").with("x-stack-actual-status", "200")).await;
    assert_eq!(error.api().expect("an answer").status(), 404);
    let server = Scripted::start([Answer::json(user_json()).with("x-stack-actual-status", "?")]).await;
    let client = server.builder().server().expect("a client");
    let user = client.user(USER.parse().expect("an id")).await.expect("a user");
    assert_eq!(user.expect("a user").id.to_string(), USER);
}

#[tokio::test]
async fn text_errors_and_unknown_codes_are_kept() {
    let error = error_of(Answer::text(
        400,
        "The anonymous session of hidden@example.com is not valid",
    ))
    .await;
    let answer = error.api().expect("an answer");
    assert_eq!((error.kind(), answer.code()), (ErrorKind::ApiRejected, None));
    assert!(answer.text().starts_with("The anonymous session"));

    let error = error_of(Answer::text(403, &"ä".repeat(5000))).await;
    assert_eq!(error.api().expect("an answer").text(), "ä".repeat(1000));

    let error = error_of(Answer::error(402, "NEW_IN_2027", Value::Null)).await;
    let code = error.api().and_then(|answer| answer.code()).expect("a code");
    assert_eq!(code, &ErrorCode::Other("NEW_IN_2027".into()));

    // A firewall's answers have no code, whatever their status: nobody is signed out by them.
    for status in [401, 403] {
        let error = error_of(Answer::status(status)).await;
        assert_eq!(error.kind(), ErrorKind::ApiRejected);
        assert!(!error.is_refusal());
    }
    let error = error_of(Answer::text(500, "request hidden failed")).await;
    assert_eq!(error.kind(), ErrorKind::ApiUnavailable);
    assert!(error.is_retryable());
    // What only looks like a known error is none.
    let body = json!({ "code": "ACCESS_TOKEN_EXPIRED", "error": "hidden" });
    let json = vec![("content-type", "application/json".to_owned())];
    let error = error_of(Answer::Says(StatusCode::UNAUTHORIZED, json, body.to_string())).await;
    assert_eq!(error.kind(), ErrorKind::ApiRejected);
}

#[tokio::test]
async fn answers_that_make_no_sense_say_nothing() {
    let html = vec![("content-type", "text/html".to_owned())];
    let json = || vec![("content-type", "application/json".to_owned())];
    for (answer, why) in [
        (
            Answer::Says(StatusCode::OK, html, "<p>hidden</p>".into()),
            "not JSON",
        ),
        (
            Answer::Says(StatusCode::OK, json(), "{\"id\":".into()),
            "not whole",
        ),
        (Answer::json(json!({ "id": "hidden" })), "not what was asked for"),
        (Answer::json(json!({})), "not what was asked for"),
        (Answer::json(json!("x".repeat(9_000_000))), "8388608 bytes"),
    ] {
        let error = error_of(answer).await;
        assert_eq!(error.kind(), ErrorKind::ApiAnswerUnusable, "{error}");
        assert!(error.to_string().contains(why), "{error}");
        assert!(error.is_retryable() && !error.is_refusal());
    }
    let Answer::Says(status, mut headers, body) = Answer::error(401, "ACCESS_TOKEN_EXPIRED", Value::Null)
    else {
        panic!("an answer");
    };
    headers.retain(|(name, _)| !name.ends_with("known-error"));
    headers.push(("x-stack-known-error", "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED".into()));
    let error = error_of(Answer::Says(status, headers, body)).await;
    assert_eq!(error.kind(), ErrorKind::ApiAnswerUnusable);
    assert!(error.to_string().contains("contradict"), "{error}");
}

#[tokio::test]
async fn nobody_follows_a_redirect() {
    let elsewhere = Scripted::start([]).await;
    let location = format!("{}/hidden", elsewhere.config.api_url());
    let server = Scripted::start([Answer::status(302).with("location", &location)]).await;
    let client = Client::server(server.config.clone()).expect("a client");
    let error = client
        .user(USER.parse().expect("an id"))
        .await
        .expect_err("a redirect");
    assert_eq!(error.kind(), ErrorKind::ApiAnswerUnusable);
    assert!(error.to_string().contains("302 leads elsewhere"), "{error}");
    assert!(!format!("{error:?}").contains("hidden"));
    assert_eq!((server.asked().len(), elsewhere.asked().len()), (1, 0));
}

#[tokio::test]
async fn compressed_answers_are_read_and_measured_as_they_come_out() {
    let server = Scripted::start([
        Answer::Gzip(user_json().to_string()),
        // A few kilobytes on the way.
        Answer::Gzip(format!("{}{}", " ".repeat(9_000_000), user_json())),
    ])
    .await;
    let client = server.builder().server().expect("a client");
    let id = USER.parse().expect("an id");
    assert!(client.user(id).await.expect("an answer").is_some());
    let error = client.user(id).await.expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::ApiAnswerUnusable);
    assert!(error.to_string().contains("8388608 bytes"), "{error}");

    let server = Scripted::start([Answer::json(user_json())]).await;
    let strict = server.builder().max_answer_len(20).server().expect("a client");
    let error = strict.user(id).await.expect_err("too long");
    assert!(error.to_string().contains("20 bytes"), "{error}");
}

#[tokio::test]
async fn a_refresh_tells_a_dead_session_from_trouble() {
    let oauth = |error: &str| {
        let json = vec![("content-type", "application/json".to_owned())];
        let body = json!({ "error": error, "error_description": "About hidden@example.com" });
        Answer::Says(StatusCode::BAD_REQUEST, json, body.to_string())
    };
    for (answer, kind) in [
        (
            Answer::error(401, "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED", Value::Null),
            ErrorKind::SessionEnded,
        ),
        (
            Answer::error(401, "PROVIDER_REJECTED", Value::Null),
            ErrorKind::SessionEnded,
        ),
        (oauth("invalid_grant"), ErrorKind::SessionEnded),
        (oauth("invalid_request"), ErrorKind::ApiRejected),
        (
            Answer::error(400, "INVALID_OAUTH_CLIENT_ID_OR_SECRET", Value::Null),
            ErrorKind::ProjectKeyRejected,
        ),
        (Answer::status(401), ErrorKind::ApiRejected),
        (Answer::status(500), ErrorKind::ApiUnavailable),
    ] {
        let server = Scripted::start([answer]).await;
        let client = server.builder().public().expect("a client");
        let error = client.refresh(&"hidden".into()).await.expect_err("an error");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.api().is_some());
        assert!(!format!("{error:?}").contains("hidden"));
    }
}
