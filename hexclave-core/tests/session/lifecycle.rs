//! How sessions begin and end.

use std::{sync::Arc, time::Duration};

use hexclave_core::{
    AcceptedKinds, Error, ErrorKind, RefreshToken,
    api::{Client, NewSession, Public, Server},
    session::{MemoryStore, Session, SessionState, StoreFuture, StoredTokens, TokenStore},
};
use hexclave_testkit::hexclave::{Fault, LocalHexclave, RetryAfter};
use serde_json::json;

struct Setting {
    hexclave: LocalHexclave,
    client: Client<Public>,
    server: Client<Server>,
}

impl Setting {
    async fn new() -> Self {
        let hexclave = LocalHexclave::start().await.expect("a server");
        let client = Client::builder(hexclave.config().clone()).accept(AcceptedKinds::ALL);
        Self {
            client: client.public().expect("a client"),
            server: Client::server(hexclave.config().clone()).expect("a client"),
            hexclave,
        }
    }

    async fn stored(&self) -> (Session<Public>, Arc<MemoryStore>) {
        let store = Arc::new(MemoryStore::default());
        let tokens = self.client.sign_up_anonymously().await.expect("a guest").tokens;
        let session = Session::store(&self.client, tokens, Arc::clone(&store) as Arc<_>)
            .await
            .expect("kept");
        (session, store)
    }
}

async fn kept(store: &MemoryStore) -> Option<(String, Option<String>)> {
    let tokens = store.load().await.expect("a store")?;
    let access_token = tokens.access_token.map(|token| token.expose().to_owned());
    Some((tokens.refresh_token.expose().to_owned(), access_token))
}

#[tokio::test]
async fn a_session_goes_on_where_it_was_left() {
    let setting = Setting::new().await;
    let (session, store) = setting.stored().await;
    let me = session
        .as_user()
        .await
        .expect("a token")
        .me()
        .await
        .expect("a guest");

    setting.hexclave.forget_requests();
    let again = Session::load(&setting.client, Arc::clone(&store) as Arc<_>).await;
    let again = again.expect("a store").expect("a session");
    let token = again.access_token().await.expect("a token");
    assert_eq!(setting.hexclave.requests().len(), 0);
    assert_eq!(
        again
            .as_user()
            .await
            .expect("a token")
            .me()
            .await
            .expect("a guest"),
        me
    );

    let new = again.force_refresh().await.expect("a token");
    assert_ne!(new.expose(), token.expose());
    let expected = (
        session.refresh_token().expose().to_owned(),
        Some(new.expose().to_owned()),
    );
    assert_eq!(kept(&store).await, Some(expected));

    let nobody = Session::load(&setting.client, Arc::new(MemoryStore::default())).await;
    assert!(nobody.expect("a store").is_none());
}

#[tokio::test]
async fn a_session_that_has_ended_stays_so() {
    let setting = Setting::new().await;
    let (session, store) = setting.stored().await;
    let clone = session.clone();
    let me = session
        .as_user()
        .await
        .expect("a token")
        .me()
        .await
        .expect("a guest");
    for other in setting.server.sessions(me.id).await.expect("sessions") {
        setting
            .server
            .revoke_session(me.id, other.id)
            .await
            .expect("revoked");
    }
    // Nobody knows yet.
    assert_eq!(session.state(), SessionState::Live);
    session.access_token().await.expect("the token at hand");

    let error = session.force_refresh().await.expect_err("revoked");
    assert_eq!(error.kind(), ErrorKind::SessionEnded);
    assert_eq!(
        (session.state(), clone.state()),
        (SessionState::Ended, SessionState::Ended)
    );
    assert_eq!(kept(&store).await, None);
    setting.hexclave.forget_requests();
    for result in [
        session.access_token().await,
        session.fresh_access_token().await,
        clone.force_refresh().await,
    ] {
        assert_eq!(result.expect_err("ended").kind(), ErrorKind::SessionEnded);
    }
    session.sign_out().await.expect("nothing left to do");
    assert_eq!(setting.hexclave.requests().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_fault_of_a_server_signs_anybody_out() {
    let setting = Setting::new().await;
    let (session, store) = setting.stored().await;
    let faults = [
        Fault::status(500),
        Fault::status(503),
        Fault::text(401, "go away"),
        Fault::text(403, "go away"),
        Fault::text(400, "go away"),
        Fault::known_error(401, "INVALID_SECRET_SERVER_KEY", json!({})),
        Fault::known_error(400, "NEW_IN_2027", json!({})),
        Fault::too_many_requests(None),
        Fault::too_many_requests(Some(RetryAfter::Seconds(3600))),
        Fault::garbage(),
        Fault::hang(),
        Fault::drip(Duration::from_secs(1)),
        Fault::cut(),
        Fault::close(),
    ];
    for fault in faults {
        setting.hexclave.inject(fault.clone());
        let error = session.force_refresh().await.expect_err("a fault");
        assert!(!error.is_refusal(), "{fault:?}: {error}");
        assert_eq!(session.state(), SessionState::Live, "{fault:?}");
        session.access_token().await.expect("the token at hand");
        assert!(kept(&store).await.is_some());
        setting.hexclave.heal();
        session.force_refresh().await.expect("a token");
    }
    // One that passes is not even noticed.
    for fault in [
        Fault::status(502),
        Fault::close(),
        Fault::cut(),
        Fault::too_many_requests(None),
    ] {
        setting.hexclave.inject(fault.clone().times(2));
        session.force_refresh().await.expect("a token");
        setting.hexclave.heal();
    }
}

#[tokio::test]
async fn signing_out_ends_it_here_and_there() {
    let setting = Setting::new().await;
    let (session, store) = setting.stored().await;
    let token = session.refresh_token().clone();
    session.sign_out().await.expect("signed out");
    assert_eq!(session.state(), SessionState::Ended);
    assert_eq!(kept(&store).await, None);
    let error = setting.client.refresh(&token).await.expect_err("signed out");
    assert_eq!(error.kind(), ErrorKind::SessionEnded);

    // Somebody else has done it, or deleted the user.
    let (session, _) = setting.stored().await;
    session
        .as_user()
        .await
        .expect("a token")
        .sign_out()
        .await
        .expect("signed out");
    session.sign_out().await.expect("signed out");
    let (session, _) = setting.stored().await;
    let me = session
        .as_user()
        .await
        .expect("a token")
        .me()
        .await
        .expect("a guest");
    setting.server.delete_user(me.id).await.expect("deleted");
    session.sign_out().await.expect("signed out");
    assert_eq!(session.state(), SessionState::Ended);
}

#[tokio::test]
async fn who_cannot_be_told_is_not_signed_out_of() {
    let setting = Setting::new().await;
    let (session, store) = setting.stored().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let nobody = listener.local_addr().expect("an address");
    drop(listener);
    let config = hexclave_core::ProjectConfig::builder()
        .project_id(setting.hexclave.config().project_id().clone())
        .api_url(format!("http://{nobody}").parse().expect("a URL"))
        .build()
        .expect("a config");
    let unreachable = Client::builder(config)
        .deadline(Duration::from_millis(1))
        .public()
        .expect("a client");
    let session = Session::load(&unreachable, Arc::clone(&store) as Arc<_>)
        .await
        .expect("a store")
        .unwrap_or(session);
    let error = session.sign_out().await.expect_err("nobody there");
    assert!(error.is_retryable());
    assert_eq!(session.state(), SessionState::Live);
    assert!(kept(&store).await.is_some());
}

#[tokio::test]
async fn an_old_session_does_not_take_a_new_one_away() {
    let setting = Setting::new().await;
    let (old, store) = setting.stored().await;
    let tokens = setting
        .client
        .sign_up_anonymously()
        .await
        .expect("a guest")
        .tokens;
    let new = Session::store(&setting.client, tokens, Arc::clone(&store) as Arc<_>)
        .await
        .expect("kept");
    let expected = kept(&store).await;
    old.force_refresh().await.expect("a token");
    assert_eq!(kept(&store).await, expected);
    old.sign_out().await.expect("signed out");
    assert_eq!(kept(&store).await, expected);
    assert_eq!(new.state(), SessionState::Live);
}

#[tokio::test]
async fn a_server_makes_sessions_too() {
    let setting = Setting::new().await;
    let guest = setting.client.sign_up_anonymously().await.expect("a guest");
    let tokens = setting
        .server
        .create_session(NewSession::of(guest.user_id))
        .await
        .expect("a session");
    let session = Session::new(&setting.client, tokens);
    let me = session
        .as_user()
        .await
        .expect("a token")
        .me()
        .await
        .expect("a guest");
    assert_eq!(me.id, guest.user_id);
}

/// A store that is out of order.
#[derive(Debug)]
struct Broken;

impl TokenStore for Broken {
    fn load(&self) -> StoreFuture<'_, Option<StoredTokens>> {
        Box::pin(async { Err(out_of_order()) })
    }

    fn save(&self, _: &StoredTokens) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn update(&self, _: &StoredTokens) -> StoreFuture<'_, ()> {
        Box::pin(async { Err(out_of_order()) })
    }

    fn remove(&self, _: &RefreshToken) -> StoreFuture<'_, ()> {
        Box::pin(async { Err(out_of_order()) })
    }
}

fn out_of_order() -> Error {
    Error::token_store("the safe does not open", "it is jammed")
}

#[tokio::test]
async fn a_broken_store_costs_no_token() {
    let setting = Setting::new().await;
    let tokens = setting
        .client
        .sign_up_anonymously()
        .await
        .expect("a guest")
        .tokens;
    let session = Session::store(&setting.client, tokens, Arc::new(Broken))
        .await
        .expect("a session");
    session.force_refresh().await.expect("a token");
    let error = session.sign_out().await.expect_err("it stays in the store");
    assert_eq!(error.code(), "token_store_failed");
    assert!(!error.is_refusal() && !error.is_retryable());
    assert_eq!(session.state(), SessionState::Ended);
    let error = Session::load(&setting.client, Arc::new(Broken))
        .await
        .expect_err("broken");
    assert_eq!(error.to_string(), "the safe does not open");
}
