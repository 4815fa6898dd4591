//! Who calls, and what should come of it.

use std::sync::Arc;

use hexclave_core::{AcceptedKinds, AccessToken, ProjectConfig, UserId, UserKind, Verifier};
use hexclave_testkit::{
    TestClock,
    hexclave::{Issuer, LocalHexclave, ServerSecret, Subject},
};
use tokio::{net::TcpListener, task::JoinHandle};

const NOW: u64 = 1_795_300_079;
const PASSWORD: &str = "correct horse";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    User((UserId, UserKind)),
    Nobody,
    Bad(&'static str),
    NotLetIn(UserKind),
    Conflict,
    KeysUnavailable,
}

#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) outcome: Outcome,
    /// Whether the service lets all kinds of users in.
    lenient: bool,
}

/// People of a local Hexclave, and of a project whose key server is down.
pub(crate) struct Callers {
    _hexclave: LocalHexclave,
    strict: Verifier,
    lenient: Verifier,
    without_keys: Verifier,
    _broken: BrokenServer,
    callers: Vec<Caller>,
}

impl Callers {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let hexclave = LocalHexclave::builder()
            .require_email_verification(true)
            .clock(Arc::clone(&clock) as Arc<_>)
            .start()
            .await
            .expect("a server");
        let restricted = hexclave
            .sign_up("ada@example.com", PASSWORD)
            .await
            .expect("tokens");
        hexclave.verify_email(restricted.user_id).expect("an address");
        let normal = hexclave
            .sign_in("ada@example.com", PASSWORD)
            .await
            .expect("tokens");
        let guest = hexclave.sign_up_anonymously().await.expect("tokens");
        let of_other_time = |time| {
            let token = hexclave.issuer().token(&Subject::new("ada@example.com"), time);
            token.expect("a token")
        };

        let broken = BrokenServer::start().await;
        let verifier = |config: &ProjectConfig, accepted| {
            Verifier::builder(config.clone())
                .accept(accepted)
                .clock(Arc::clone(&clock) as Arc<_>)
                .build()
                .expect("a verifier")
        };
        let ada = Outcome::User((normal.user_id, UserKind::Normal));
        let header = |token: &AccessToken| vec![("x-stack-access-token", token.expose().to_owned())];
        let normal_token = normal.access_token.expose();
        let caller = |headers, outcome| Caller {
            headers,
            outcome,
            lenient: false,
        };
        let lenient = |headers, outcome| Caller {
            headers,
            outcome,
            lenient: true,
        };
        let sdk = normal.access_token.authorization_header().expect("a header");
        let sdk = sdk.to_str().expect("ASCII").to_owned();
        let callers = vec![
            caller(vec![], Outcome::Nobody),
            caller(vec![("x-stack-auth", "{}".to_owned())], Outcome::Nobody),
            // Cookies are not looked at unless the application asks.
            caller(
                vec![(
                    "cookie",
                    format!("stack-refresh=kept; stack-access=[%22kept%22%2C%22{normal_token}%22]"),
                )],
                Outcome::Nobody,
            ),
            caller(header(&normal.access_token), ada),
            caller(vec![("authorization", format!("Bearer {normal_token}"))], ada),
            caller(vec![("authorization", sdk)], ada),
            caller(
                header(&of_other_time(NOW - 3600).into()),
                Outcome::Bad("token_expired"),
            ),
            caller(
                header(&of_other_time(NOW + 3600).into()),
                Outcome::Bad("not_yet_valid"),
            ),
            caller(
                header(&restricted.access_token),
                Outcome::NotLetIn(UserKind::Restricted),
            ),
            caller(
                header(&guest.access_token),
                Outcome::NotLetIn(UserKind::Anonymous),
            ),
            lenient(
                header(&restricted.access_token),
                Outcome::User((restricted.user_id, UserKind::Restricted)),
            ),
            lenient(
                header(&guest.access_token),
                Outcome::User((guest.user_id, UserKind::Anonymous)),
            ),
            lenient(header(&normal.access_token), ada),
            caller(header(&"garbage".into()), Outcome::Bad("token_malformed")),
            caller(
                vec![("authorization", "Bearer stackauth_garbage".to_owned())],
                Outcome::Bad("token_malformed"),
            ),
            caller(
                header(&"a".repeat(AccessToken::MAX_LEN + 1).into()),
                Outcome::Bad("token_too_large"),
            ),
            caller(
                vec![
                    ("x-stack-access-token", normal_token.to_owned()),
                    ("authorization", format!("Bearer {}", guest.access_token.expose())),
                ],
                Outcome::Conflict,
            ),
            caller(header(&broken.token()), Outcome::KeysUnavailable),
        ];
        Self {
            strict: verifier(hexclave.config(), AcceptedKinds::default()),
            lenient: verifier(hexclave.config(), AcceptedKinds::ALL),
            without_keys: verifier(broken.issuer.config(), AcceptedKinds::default()),
            _hexclave: hexclave,
            _broken: broken,
            callers,
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Caller> {
        self.callers.iter().cloned()
    }

    /// The verifier of the service that this caller calls.
    pub(crate) fn verifier(&self, caller: &Caller) -> Verifier {
        match caller.outcome {
            Outcome::KeysUnavailable => &self.without_keys,
            _ if caller.lenient => &self.lenient,
            _ => &self.strict,
        }
        .clone()
    }
}

/// A key server that ends every connection.
struct BrokenServer {
    issuer: Issuer,
    task: JoinHandle<()>,
}

impl BrokenServer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move { while listener.accept().await.is_ok() {} });
        let config = ProjectConfig::builder()
            .project_id("11111111-2222-4333-8444-555555555555".parse().expect("a project"))
            .api_url(format!("http://{address}").parse().expect("a URL"))
            .build()
            .expect("a config");
        let issuer = Issuer::new(&ServerSecret::random().expect("a secret"), config).expect("an issuer");
        Self { issuer, task }
    }

    fn token(&self) -> AccessToken {
        let token = self.issuer.token(&Subject::new("ada@example.com"), NOW);
        token.expect("a token").into()
    }
}

impl Drop for BrokenServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
