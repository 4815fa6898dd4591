//! Functions called over HTTP: what is sent, what comes back, and what is never sent twice.

use std::{error::Error as _, time::Duration};

use hexclave_convex::{Bytes, Error, ErrorKind, FunctionClient, Int64};
use hexclave_core::AccessToken;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

use crate::scripted::{Answer, Scripted, http_client};

const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJoaWRkZW4ifQ.c2lnbmF0dXJl";

/// Nothing of the token, and nothing of what was said that may be personal.
fn assert_hides(error: &Error) {
    let mut shown = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        shown.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    for part in TOKEN.split('.').chain(["hidden"]) {
        assert!(!shown.contains(part), "{shown}");
    }
}

#[tokio::test]
async fn each_call_carries_its_own_token() {
    let server = Scripted::start((0..4).map(|index| Answer::value(json!(index)))).await;
    let client = server.client();
    let user = client.as_user(&AccessToken::from(TOKEN));
    assert!(!format!("{user:?}").contains("eyJ"));
    let results: [u64; 4] = [
        user.query("notes:list", json!({ "limit": 10 }))
            .await
            .expect("a result"),
        user.mutation("notes:add", ()).await.expect("a result"),
        user.action("mail/notes:send", json!({})).await.expect("a result"),
        client
            .signed_out()
            .query("notes:list", ())
            .await
            .expect("a result"),
    ];
    assert_eq!(results, [0, 1, 2, 3]);
    let asked = server.asked();
    let lines: Vec<_> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "POST /api/query",
            "POST /api/mutation",
            "POST /api/action",
            "POST /api/query"
        ]
    );
    let bodies: Vec<_> = asked.iter().map(|asked| asked.body.clone()).collect();
    assert_eq!(
        bodies,
        [
            json!({ "path": "notes:list", "args": { "limit": 10 }, "format": "json" }),
            json!({ "path": "notes:add", "args": {}, "format": "json" }),
            json!({ "path": "mail/notes:send", "args": {}, "format": "json" }),
            json!({ "path": "notes:list", "args": {}, "format": "json" }),
        ]
    );
    for asked in &asked {
        assert_eq!(asked.headers["content-type"], "application/json");
    }
    let authorization: Vec<_> = asked
        .iter()
        .map(|asked| asked.headers.get("authorization"))
        .collect();
    let bearer = format!("Bearer {TOKEN}");
    assert!(
        authorization[..3]
            .iter()
            .all(|value| value.is_some_and(|value| *value == bearer))
    );
    assert_eq!(authorization[3], None, "an empty bearer would be an error");
}

#[tokio::test]
async fn results_have_the_types_that_were_asked_for() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Note {
        text: String,
        size: Int64,
        image: Bytes,
    }
    let note = json!({ "text": "a", "size": "9007199254740993", "image": "ABCD" });
    let server = Scripted::start([
        Answer::value(json!([note])),
        Answer::value(Value::Null),
        Answer::json(200, json!({ "status": "success" })),
        Answer::value(json!("hidden")),
    ])
    .await;
    let caller = server.client().signed_out();
    let notes: Vec<Note> = caller.query("notes:list", ()).await.expect("a result");
    let expected = Note {
        text: "a".to_owned(),
        size: Int64(9_007_199_254_740_993),
        image: Bytes(vec![0, 16, 131]),
    };
    assert_eq!(notes, [expected]);
    let () = caller.mutation("notes:add", ()).await.expect("nothing");
    let nothing: Option<u64> = caller.query("notes:count", ()).await.expect("nothing");
    assert_eq!(nothing, None);

    let error = caller.mutation::<u64>("notes:add", ()).await.expect_err("a text");
    assert_eq!(
        (error.kind(), error.may_have_run()),
        (ErrorKind::AnswerUnusable, true)
    );
    assert!(error.to_string().contains("u64"), "{error}");
    assert_hides(&error);
}

#[tokio::test]
async fn unfit_arguments_are_not_sent() {
    let server = Scripted::start([Answer::value(Value::Null)]).await;
    let caller = server.client().signed_out();
    for (arguments, why) in [
        (json!([]), "an object"),
        (json!("hidden"), "an object"),
        (json!({ "a": 9_007_199_254_740_993_i64 }), "Int64"),
        (json!({ "a": [{ "b": -9_007_199_254_740_993_i64 }] }), "Int64"),
        (json!({ "a": u64::MAX }), "Int64"),
    ] {
        let error = caller.query::<Value>("a:b", &arguments).await.expect_err("unfit");
        assert_eq!(error.kind(), ErrorKind::InvalidArguments, "{arguments}");
        assert!(error.to_string().contains(why), "{error}");
        assert!(!error.may_have_run());
        assert_hides(&error);
    }
    for unfit in ["", "hidden token", "hidden\n"] {
        let caller = server.client().as_user(&AccessToken::from(unfit));
        let error = caller.query::<Value>("a:b", ()).await.expect_err("unfit");
        assert_eq!(error.kind(), ErrorKind::TokenRefused);
        assert_hides(&error);
    }
    assert_eq!(server.asked().len(), 0);
    let fit = json!({ "a": 9_007_199_254_740_992_i64, "b": -9_007_199_254_740_992_i64, "c": 1e300, "d": Int64(i64::MAX) });
    let () = caller.query("a:b", fit).await.expect("a result");
}

#[tokio::test]
async fn what_a_function_throws_is_told_with_its_data() {
    let thrown = |body: Value| Answer::json(200, body);
    let server = Scripted::start([
        thrown(json!({ "status": "error", "errorMessage": "Uncaught ConvexError", "errorData": { "code": 7 }, "logLines": [] })),
        thrown(json!({ "status": "error", "errorMessage": "Server Error" })),
        Answer::json(560, json!({ "status": "error", "errorMessage": "Server Error", "errorData": null })),
    ])
    .await;
    let caller = server.client().as_user(&AccessToken::from(TOKEN));
    for (message, data) in [
        ("Uncaught ConvexError", Some(json!({ "code": 7 }))),
        ("Server Error", None),
        ("Server Error", Some(Value::Null)),
    ] {
        let error = caller.query::<Value>("a:b", ()).await.expect_err("a throw");
        assert_eq!(error.kind(), ErrorKind::FunctionFailed);
        assert!(error.may_have_run() && !error.is_retryable());
        let thrown = error.function_error().expect("what was thrown");
        assert_eq!((thrown.message(), thrown.data()), (message, data.as_ref()));
        assert_eq!(error.source().expect("a cause").to_string(), message);
        assert_eq!(error.to_string(), "query \"a:b\": the function threw");
    }
    assert_eq!(server.asked().len(), 3, "nothing is called again");
}

#[tokio::test]
async fn refusals_have_convexes_codes_and_are_final() {
    let echo = format!("token {TOKEN}");
    let cases = [
        (
            401,
            "InvalidAuthHeader",
            "Token expired 7 seconds ago",
            ErrorKind::TokenRefused,
        ),
        (401, "NoAuthProvider", &echo, ErrorKind::TokenRefused),
        (403, "Forbidden", "no", ErrorKind::TokenRefused),
        (400, "InvalidAdminKey", "no", ErrorKind::Rejected),
        (404, "NotFound", "no", ErrorKind::Rejected),
    ];
    let answers = cases.map(|(status, code, message, _)| Answer::refusal(status, code, message));
    let server = Scripted::start(
        answers
            .into_iter()
            .chain([Answer::page(404), Answer::refusal(401, "<b>", "hidden")]),
    )
    .await;
    let caller = server.client().as_user(&AccessToken::from(TOKEN));
    for (status, code, message, kind) in cases {
        let error = caller.mutation::<Value>("a:b", ()).await.expect_err(code);
        assert_eq!(
            (error.kind(), error.convex_code(), error.http_status()),
            (kind, Some(code), Some(status))
        );
        assert!(!error.may_have_run() && !error.is_retryable());
        assert_eq!(error.to_string().contains(message), message != echo, "{error}");
        assert_hides(&error);
    }
    for kind in [ErrorKind::Rejected, ErrorKind::TokenRefused] {
        let error = caller.query::<Value>("a:b", ()).await.expect_err("a refusal");
        assert_eq!((error.kind(), error.convex_code()), (kind, None));
        assert_hides(&error);
    }
    assert_eq!(server.asked().len(), 7);
}

#[tokio::test(start_paused = true)]
async fn queries_are_asked_again_in_trouble() {
    let server = Scripted::start([
        Answer::refusal(503, "ServiceUnavailable", "a moment"),
        Answer::page(502),
        Answer::Cut,
        Answer::Hangs,
        Answer::value(json!(7)),
    ])
    .await;
    let caller = server.client().signed_out();
    let result: u64 = caller.query("a:b", ()).await.expect("a result");
    assert_eq!((result, server.asked().len()), (7, 5));
}

#[tokio::test(start_paused = true)]
async fn trouble_that_lasts_is_told() {
    let server = Scripted::start((0..5).map(|_| Answer::page(504))).await;
    let caller = server.client().signed_out();
    let error = caller.query::<Value>("a:b", ()).await.expect_err("trouble");
    assert_eq!(
        (error.kind(), error.http_status()),
        (ErrorKind::ConvexUnavailable, Some(504))
    );
    assert!(error.is_retryable());
    assert_hides(&error);
    assert_eq!(server.asked().len(), 5);

    let server = Scripted::start([Answer::page(500)]).await;
    let error = server
        .client()
        .signed_out()
        .query::<Value>("a:b", ())
        .await
        .expect_err("trouble");
    assert_eq!(error.http_status(), Some(500));
    assert_eq!(server.asked().len(), 1, "the same will happen again");
}

#[tokio::test(start_paused = true)]
async fn what_may_have_run_is_never_sent_again() {
    for answer in [
        || Answer::page(500),
        || Answer::page(502),
        || Answer::refusal(503, "ServiceUnavailable", "a moment"),
        || Answer::page(504),
        || Answer::Cut,
        || Answer::Hangs,
        || Answer::Drips,
        || Answer::page(200),
        || Answer::json(200, json!({ "status": "perhaps" })),
        || Answer::page(302),
        || Answer::page(418).with("retry-after", "1"),
    ] {
        let server = Scripted::start([answer(), answer()]).await;
        let caller = server.client().as_user(&AccessToken::from(TOKEN));
        let mutation = caller.mutation::<Value>("a:b", ()).await.expect_err("trouble");
        let action = caller.action::<Value>("a:b", ()).await.expect_err("trouble");
        for error in [mutation, action] {
            let refused = error.kind() == ErrorKind::Rejected;
            assert_eq!(
                (error.may_have_run(), error.is_retryable()),
                (!refused, !refused),
                "{error:?}"
            );
            assert_hides(&error);
        }
        assert_eq!(server.asked().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_certainly_has_not_run_is_sent_again() {
    let busy = || Answer::refusal(429, "TooManyRequests", "later").with("retry-after", "3");
    let server = Scripted::start([busy(), busy(), Answer::value(json!(7))]).await;
    let caller = server.client().signed_out();
    let result: u64 = caller.mutation("a:b", ()).await.expect("a result");
    assert_eq!(result, 7);
    let times: Vec<_> = server.asked().iter().map(|asked| asked.at).collect();
    for pair in times.windows(2) {
        assert!(
            pair[1] - pair[0] >= Duration::from_secs(3),
            "the server is obeyed"
        );
    }

    let server = Scripted::start([
        busy().with("retry-after", "3"),
        Answer::page(429).with("retry-after", "61"),
    ])
    .await;
    let error = server
        .client()
        .signed_out()
        .mutation::<Value>("a:b", ())
        .await
        .expect_err("busy");
    assert_eq!((error.http_status(), error.may_have_run()), (Some(429), false));
    assert_eq!(server.asked().len(), 2, "nobody waits for longer than a minute");
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_nothing_has_run() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let url = format!("http://{address}").parse().expect("a deployment");
    let client = FunctionClient::builder(url).http_client(http_client()).build();
    let caller = client.expect("a client").signed_out();
    let begun = Instant::now();
    let error = caller
        .mutation::<Value>("a:b", ())
        .await
        .expect_err("no connection");
    assert_eq!(
        (error.kind(), error.may_have_run()),
        (ErrorKind::ConvexUnavailable, false)
    );
    assert!(
        begun.elapsed() >= Duration::from_millis(200 + 400 + 800 + 1600),
        "it was tried again"
    );
}

#[tokio::test(start_paused = true)]
async fn limits_of_time_and_length_hold() {
    let server = Scripted::start([Answer::Hangs, Answer::Drips, Answer::Hangs, Answer::Hangs]).await;
    let client = server
        .builder()
        .attempt_timeout(Duration::from_secs(4))
        .deadline(Duration::from_secs(10))
        .build()
        .expect("a client");
    let begun = Instant::now();
    let error = client
        .signed_out()
        .query::<Value>("a:b", ())
        .await
        .expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::ConvexUnavailable);
    assert!(begun.elapsed() <= Duration::from_secs(11) && server.asked().len() >= 2);
    let begun = Instant::now();
    let error = client
        .signed_out()
        .action::<Value>("a:b", ())
        .await
        .expect_err("no answer");
    assert!(
        error.may_have_run() && begun.elapsed() >= Duration::from_secs(10),
        "an action has all the time"
    );

    let long = Answer::value(json!("x".repeat(1000)));
    let server = Scripted::start([long, Answer::value(json!("x"))]).await;
    let client = server.builder().max_answer_len(500).build().expect("a client");
    let error = client
        .signed_out()
        .query::<Value>("a:b", ())
        .await
        .expect_err("a long answer");
    assert_eq!(error.kind(), ErrorKind::AnswerUnusable);
    let short: String = client
        .signed_out()
        .query("a:b", ())
        .await
        .expect("a short answer");
    assert_eq!(short, "x");
}
