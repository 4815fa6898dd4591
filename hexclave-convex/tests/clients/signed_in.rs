//! Convex's own client for Rust, kept signed in through all that may happen to its tokens.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::{StreamExt, future::join_all};
use hexclave_convex::{
    Authentication, ErrorKind, SignedInClient, TokenProvider, convex::AuthenticationToken,
};
use hexclave_testkit::hexclave::Fault;
use tokio::{io::AsyncReadExt, net::TcpListener, time::timeout};

use crate::{
    stage::{Stage, caller},
    sync_server::Seen,
};

fn none() -> BTreeMap<String, convex::Value> {
    BTreeMap::new()
}

#[tokio::test(start_paused = true)]
async fn in_an_hour_six_tokens_are_renewed_and_no_connection_is_lost() {
    let stage = Stage::set().await;
    let client = stage.connected(&stage.provider().build()).await;
    let mut subscription = stage
        .done(client.subscribe("users:me", none()))
        .await
        .expect("a subscription");
    let me = stage.done(subscription.next()).await.expect("a result");
    assert_eq!(caller(me), Some(stage.user.clone()));
    assert_eq!(stage.renewals(), 0);

    stage.pass(3600).await;
    assert_eq!(stage.renewals(), 6);
    let seen = stage.server.seen();
    assert_eq!(seen.iter().filter(|seen| **seen == Seen::Opened).count(), 1);
    let tokens: BTreeSet<_> = seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Token(token) => Some(token),
            _ => None,
        })
        .collect();
    assert_eq!(tokens.len(), 7, "each token was told to Convex");
    let by = stage
        .done(client.mutation("notes:add", none()))
        .await
        .expect("a result");
    assert_eq!(caller(by), Some(stage.user.clone()));
    stage.assert_never_anonymous();
    stage.assert_hides_tokens(&client);
    assert_eq!(client.provider().authentication(), Authentication::SignedIn);
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_comes_back_signed_in() {
    let stage = Stage::set().await;
    let client = stage.connected(&stage.provider().build()).await;
    let mut subscription = stage
        .done(client.subscribe("users:me", none()))
        .await
        .expect("a subscription");
    stage.done(subscription.next()).await.expect("a result");
    stage.pass(60).await;
    stage.server.forget();

    // The connection is lost while a mutation is under way.
    stage.server.keep_mutations(true);
    let mutation = client.mutation("notes:add", none());
    let during = async {
        stage.until("the mutation is under way", || true).await;
        stage.server.drop_connections();
        stage.server.keep_mutations(false);
        stage
            .until("it is carried out", || {
                stage.has_seen(|seen| matches!(seen, Seen::Mutation(_)))
            })
            .await;
    };
    let (by, ()) = tokio::join!(mutation, during);
    assert_eq!(caller(by.expect("a result")), Some(stage.user.clone()));
    assert_eq!(stage.renewals(), 1, "a new token was asked for");

    // A connection that is lost again and again asks for no more tokens than are good for Hexclave.
    for _ in 0..10 {
        stage.server.forget();
        stage.server.drop_connections();
        stage
            .until("it is back", || {
                stage.has_seen(|seen| matches!(seen, Seen::Query(_)))
            })
            .await;
    }
    stage.assert_renewals_are_rare();
    stage.assert_never_anonymous();
    stage.assert_hides_tokens(&client);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_told_and_does_not_storm_hexclave() {
    let stage = Stage::set().await;
    stage.server.refuse_tokens(true);
    let client = SignedInClient::connect(&stage.server.url, &stage.provider().build())
        .await
        .expect("a client");
    stage
        .until("it is told", || stage.has_event("ProbablyRefused"))
        .await;
    let events = stage.events();
    stage.pass(600).await;
    assert_eq!(
        stage
            .events()
            .iter()
            .filter(|event| *event == "ProbablyRefused")
            .count(),
        1
    );
    let refusals = stage
        .server
        .seen()
        .iter()
        .filter(|seen| **seen == Seen::Refused)
        .count();
    assert!(stage.renewals() >= 1, "{events:?}");
    stage.assert_renewals_are_rare();
    assert!(
        (10..=stage.seconds() / 4).contains(&refusals),
        "{refusals}, {events:?}"
    );
    stage.assert_never_anonymous();

    stage.server.refuse_tokens(false);
    let by = stage
        .done(client.mutation("notes:add", none()))
        .await
        .expect("a result");
    assert_eq!(caller(by), Some(stage.user.clone()));
    stage.assert_hides_tokens(&client);
}

#[tokio::test(start_paused = true)]
async fn while_hexclave_hangs_the_token_at_hand_will_do() {
    let stage = Stage::set().await;
    let client = stage.connected(&stage.provider().build()).await;
    stage.pass(60).await;
    stage.hexclave_fails(Fault::hang());
    stage.server.forget();
    stage.server.drop_connections();
    let by = stage
        .done(client.mutation("notes:add", none()))
        .await
        .expect("a result");
    assert_eq!(caller(by), Some(stage.user.clone()));
    assert!(stage.has_event("RenewalFailed"), "{:?}", stage.events());
    assert!(!stage.has_event("Anonymous"));
    stage.assert_never_anonymous();

    // Hexclave comes back before the token ends.
    stage.hexclave.heal();
    stage.pass(600).await;
    let by = stage
        .done(client.mutation("notes:add", none()))
        .await
        .expect("a result");
    assert_eq!(caller(by), Some(stage.user.clone()));
    stage.assert_never_anonymous();
    stage.assert_hides_tokens(&client);
}

#[tokio::test(start_paused = true)]
async fn trouble_that_outlasts_the_token_makes_nobody_of_the_user_for_a_while() {
    let stage = Stage::set().await;
    let client = stage.connected(&stage.provider().build()).await;
    stage.hexclave_fails(Fault::status(503));
    stage.pass(620).await;
    assert!(
        stage.has_event("RenewalFailed") && !stage.has_event("Anonymous"),
        "{:?}",
        stage.events()
    );
    // The next work is refused, because the token has ended.
    let by = stage
        .done(client.mutation("notes:add", none()))
        .await
        .expect("a result");
    assert_eq!(caller(by), None);
    assert!(stage.has_event("Anonymous"), "{:?}", stage.events());
    assert_eq!(client.provider().authentication(), Authentication::Unavailable);

    stage.hexclave.heal();
    stage
        .until("there is a token", || {
            client.provider().authentication() == Authentication::SignedIn
        })
        .await;
    let by = stage
        .done(client.mutation("notes:add", none()))
        .await
        .expect("a result");
    assert_eq!(caller(by), Some(stage.user.clone()));
    stage.assert_hides_tokens(&client);
}

#[tokio::test(start_paused = true)]
async fn a_strict_client_ends_rather_than_go_on_as_nobody() {
    let stage = Stage::set().await;
    let client = stage.connected(&stage.provider().strict().build()).await;
    let mut subscription = stage
        .done(client.subscribe("users:me", none()))
        .await
        .expect("a subscription");
    stage.done(subscription.next()).await.expect("a result");
    stage.hexclave_fails(Fault::close());
    stage.pass(620).await;
    let error = stage
        .done(client.mutation("notes:add", none()))
        .await
        .expect_err("no token");
    assert_eq!(error.kind(), ErrorKind::NoToken);
    assert!(error.is_retryable());
    assert_eq!(client.ended().await.kind(), ErrorKind::NoToken);
    while stage.done(subscription.next()).await.is_some() {}

    stage.hexclave.heal();
    stage.pass(60).await;
    let error = stage
        .done(client.query("users:me", none()))
        .await
        .expect_err("it has ended");
    assert_eq!(error.kind(), ErrorKind::NoToken);
    assert!(stage.has_event("Ended"), "{:?}", stage.events());
    let seen = stage.server.seen();
    let balance = |wanted: &Seen| seen.iter().filter(|seen| *seen == wanted).count();
    assert_eq!(
        balance(&Seen::Opened),
        balance(&Seen::Closed),
        "the connection went, too"
    );
    stage.assert_never_anonymous();
    stage.assert_hides_tokens(&client);
}

#[tokio::test(start_paused = true)]
async fn who_has_signed_out_is_nobody() {
    let stage = Stage::set().await;
    let client = stage.connected(&stage.provider().build()).await;
    let mut subscription = stage
        .done(client.subscribe("users:me", none()))
        .await
        .expect("a subscription");
    stage.done(subscription.next()).await.expect("a result");
    stage.done(client.sign_out()).await.expect("signed out");
    assert_eq!(client.provider().authentication(), Authentication::SignedOut);
    let me = stage.done(subscription.next()).await.expect("a result");
    assert_eq!(caller(me), None);
    assert!(stage.has_seen(|seen| *seen == Seen::SignedOut));
    assert_eq!(
        stage
            .events()
            .iter()
            .filter(|event| *event == "SignedOut")
            .count(),
        1
    );

    // It stays so, over reconnects too, and nobody is asked for tokens.
    let renewals = stage.renewals();
    stage.server.drop_connections();
    stage.pass(1200).await;
    assert_eq!(stage.renewals(), renewals);
    let again = stage
        .done(SignedInClient::connect(&stage.server.url, client.provider()))
        .await;
    assert_eq!(
        again.expect_err("nobody is signed in").kind(),
        ErrorKind::SignedOut
    );
    stage.assert_hides_tokens(&client);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_ended_elsewhere_is_noticed() {
    for strict in [false, true] {
        let stage = Stage::set().await;
        let builder = stage.provider();
        let provider = if strict { builder.strict() } else { builder }.build();
        let client = stage.connected(&provider).await;
        stage.server.forget();
        // Somebody else with the same refresh token signs out.
        let elsewhere = hexclave_core::session::Session::from_refresh_token(
            stage.session.client(),
            stage.session.refresh_token().clone(),
        );
        stage.done(elsewhere.sign_out()).await.expect("signed out");
        stage.pass(600).await;
        assert_eq!(provider.authentication(), Authentication::SignedOut);
        assert!(stage.has_event("SignedOut"));
        let result = stage.done(client.mutation("notes:add", none())).await;
        match strict {
            false => assert_eq!(caller(result.expect("a result")), None),
            true => {
                assert_eq!(result.expect_err("it has ended").kind(), ErrorKind::SignedOut);
                stage.assert_never_anonymous();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_the_application_ends_is_noticed() {
    let stage = Stage::set().await;
    let client = stage.connected(&stage.provider().build()).await;
    stage.done(stage.session.sign_out()).await.expect("signed out");
    stage.pass(31).await;
    assert!(stage.has_seen(|seen| *seen == Seen::SignedOut));
    assert_eq!(client.provider().authentication(), Authentication::SignedOut);
}

#[tokio::test(start_paused = true)]
async fn without_a_first_token_a_client_is_nobody_or_none() {
    let stage = Stage::set().await;
    stage.hexclave_fails(Fault::status(503));
    // The token of signing up has ended, too.
    stage.pass(700).await;
    let strict = stage.provider().strict().build();
    let refused = stage
        .done(SignedInClient::connect(&stage.server.url, &strict))
        .await;
    assert_eq!(refused.expect_err("no token").kind(), ErrorKind::NoToken);

    let provider = stage.provider().build();
    let client = stage
        .done(SignedInClient::connect(&stage.server.url, &provider))
        .await
        .expect("a client");
    assert!(stage.has_event("Anonymous"));
    let me = stage
        .done(client.query("users:me", none()))
        .await
        .expect("a result");
    assert_eq!(caller(me), None);
    stage.hexclave.heal();
    stage
        .until("there is a token", || {
            stage.has_seen(|seen| matches!(seen, Seen::Token(_)))
        })
        .await;
    let me = stage
        .done(client.query("users:me", none()))
        .await
        .expect("a result");
    assert_eq!(caller(me), Some(stage.user.clone()));
}

#[tokio::test(start_paused = true)]
async fn a_client_ends_when_it_is_told_to_and_when_it_goes() {
    let stage = Stage::set().await;
    let provider = stage.provider().build();
    let client = stage.connected(&provider).await;
    stage.server.keep_mutations(true);
    let waiting = client.clone();
    let waiting = tokio::spawn(async move { waiting.mutation("notes:add", none()).await });
    stage.pass(1).await;
    client.end();
    let error = stage
        .done(waiting)
        .await
        .expect("a result")
        .expect_err("it has ended");
    assert_eq!(error.kind(), ErrorKind::ClientEnded);
    for error in [
        stage.done(client.subscribe("users:me", none())).await.err(),
        stage.done(client.action("a:b", none())).await.err(),
        client.watch_all().err(),
        Some(client.ended().await),
    ] {
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::ClientEnded));
    }
    stage
        .until("it is closed", || stage.has_seen(|seen| *seen == Seen::Closed))
        .await;
    assert_eq!(
        provider.authentication(),
        Authentication::SignedIn,
        "the session lives on"
    );

    stage.server.forget();
    let client = stage.connected(&provider).await;
    let clone = client.clone();
    drop(client);
    stage.pass(5).await;
    assert!(!stage.has_seen(|seen| *seen == Seen::Closed), "a clone is left");
    drop(clone);
    stage
        .until("it is closed", || stage.has_seen(|seen| *seen == Seen::Closed))
        .await;
    let renewals = stage.renewals();
    stage.pass(1200).await;
    assert_eq!(stage.renewals(), renewals, "nobody renews tokens any more");
}

#[tokio::test(start_paused = true)]
async fn paths_are_looked_at() {
    let stage = Stage::set().await;
    let client = stage.connected(&stage.provider().build()).await;
    let error = stage
        .done(client.query("what is this?", none()))
        .await
        .expect_err("no path");
    assert_eq!(error.kind(), ErrorKind::InvalidArguments);
    assert!(error.to_string().contains("\"what is this?\""), "{error}");
}

#[tokio::test(start_paused = true)]
async fn who_comes_for_a_token_at_the_same_time_gets_the_same() {
    let stage = Stage::set().await;
    let provider = stage.provider().build();
    let fetch = |forced| {
        let fetcher = provider.fetcher();
        async move {
            match fetcher(forced).await.expect("a token") {
                AuthenticationToken::User(token) => token,
                other => panic!("{other:?}"),
            }
        }
    };
    let first = stage.done(fetch(false)).await;
    assert_eq!(stage.done(fetch(false)).await, first);
    assert_eq!(stage.done(fetch(true)).await, first, "it is some moments old");
    assert_eq!(stage.renewals(), 0);

    stage.pass(30).await;
    let all = stage.done(join_all((0..20).map(|_| fetch(true)))).await;
    assert!(all.iter().all(|token| *token == all[0] && *token != first));
    assert_eq!(stage.renewals(), 1);

    // Less than 20 seconds before its end it will do for nobody.
    stage.pass(590).await;
    assert_ne!(stage.done(fetch(false)).await, all[0]);
    assert_eq!(stage.renewals(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_fetcher_answers_before_the_connection_is_taken_for_dead() {
    let stage = Stage::set().await;
    let provider: TokenProvider = stage.provider().build();
    stage.done(provider.fetcher()(false)).await.expect("a token");
    stage.hexclave_fails(Fault::hang());
    stage.pass(594).await;
    let begun = tokio::time::Instant::now();
    assert!(matches!(
        stage.done(provider.fetcher()(false)).await,
        Err(error) if error.to_string().contains("no access token")
    ));
    assert!(begun.elapsed().as_secs() < 25, "{:?}", begun.elapsed());

    // A session that has ended is no trouble, but an answer.
    stage.hexclave.heal();
    stage.done(stage.session.sign_out()).await.expect("signed out");
    let nobody = stage.done(provider.fetcher()(true)).await.expect("an answer");
    assert_eq!(nobody, AuthenticationToken::None);
}

#[tokio::test(start_paused = true)]
async fn a_strict_fetcher_never_lets_its_client_go_on_as_nobody() {
    let stage = Stage::set().await;
    let provider = stage.provider().strict().build();
    let minute = Duration::from_secs(60);
    stage.hexclave_fails(Fault::close());
    stage.pass(600).await;
    for forced in [false, true] {
        let answer = stage.done(timeout(minute, provider.fetcher()(forced))).await;
        assert!(answer.is_err(), "trouble");
    }
    assert_eq!(provider.authentication(), Authentication::Unavailable);
    stage.hexclave.heal();
    stage.done(provider.fetcher()(true)).await.expect("a token");
    assert_eq!(provider.authentication(), Authentication::SignedIn);

    stage.done(stage.session.sign_out()).await.expect("signed out");
    for forced in [false, true] {
        let answer = stage.done(timeout(minute, provider.fetcher()(forced))).await;
        assert!(answer.is_err(), "nobody is signed in");
    }
    assert_eq!(provider.authentication(), Authentication::SignedOut);
}

#[tokio::test]
async fn a_deployment_with_https_is_greeted_with_tls() {
    let stage = Stage::set().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let url = format!("https://{address}").parse().expect("a deployment");
    let client = SignedInClient::connect(&url, &stage.provider().build())
        .await
        .expect("a client");
    let (mut stream, _) = listener.accept().await.expect("a connection");
    // RFC 8446, section 5.1: a handshake's record.
    assert_eq!(stream.read_u8().await.expect("a byte"), 22);
    drop(client);
}
