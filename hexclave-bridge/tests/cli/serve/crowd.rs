//! Many who ask at once, again and again.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use hexclave_testkit::hexclave::{Issuer, ServerSecret, Subject};
use tokio::{sync::Notify, task::JoinSet};

use super::client;
use crate::now;

/// How many of each kind ask at once.
const OF_EACH: usize = 3;
/// How many answers are waited for at most, so that a service that never recovers ends the test.
const PATIENCE: usize = 50_000;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// Somebody with the same good token all the time.
    Known,
    /// Each time somebody else with a good token.
    New,
    /// Somebody with a token that a stranger has signed with a key of the same name.
    Forger,
    /// Somebody with a token of a key that Hexclave does not have.
    Stranger,
    /// Somebody without a token.
    Nobody,
}

impl Who {
    const ALL: [Self; 5] = [Self::Known, Self::New, Self::Forger, Self::Stranger, Self::Nobody];

    /// The statuses that are no lies, whatever is out of order: who is let in may be told to wait, but not that the
    /// token is bad, and nobody else is let in.
    fn may_get(self) -> &'static [u16] {
        match self {
            Self::Known | Self::New => &[200, 503],
            Self::Forger | Self::Stranger => &[401, 503],
            Self::Nobody => &[401],
        }
    }
}

/// They end with the crowd, which has to be [dispersed](Crowd::disperse) for their failures to be seen.
pub(super) struct Crowd {
    seen: Arc<Seen>,
    clients: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    answers: Mutex<HashMap<(Who, u16), usize>>,
    another: Notify,
    is_over: AtomicBool,
}

impl Crowd {
    /// They ask at `url`, with tokens of this issuer.
    pub(super) fn gather(url: &str, issuer: Issuer) -> Self {
        let stranger = ServerSecret::random().expect("a secret");
        let stranger = Issuer::new(&stranger, issuer.config().clone()).expect("an issuer");
        let issuers = Arc::new((issuer, stranger));
        let seen = Arc::<Seen>::default();
        let mut clients = JoinSet::new();
        for who in Who::ALL {
            for _ in 0..OF_EACH {
                clients.spawn(ask(who, url.to_owned(), Arc::clone(&issuers), Arc::clone(&seen)));
            }
        }
        Self { seen, clients }
    }

    /// Waits until they have got this answer so many times more.
    pub(super) async fn get(&mut self, who: Who, status: u16, times: usize) {
        let count = |seen: &Seen| {
            let answers = seen.answers.lock().expect("a lock");
            let all: usize = answers.values().sum();
            (answers.get(&(who, status)).copied().unwrap_or_default(), all)
        };
        let (had, all) = count(&self.seen);
        loop {
            let another = self.seen.another.notified();
            let (has, now) = count(&self.seen);
            if has >= had + times {
                return;
            }
            assert!(now - all < PATIENCE, "{who:?} never got {status} so often");
            tokio::select! {
                () = another => {}
                failed = self.clients.join_next() => panic!("{failed:?}"),
            }
        }
    }

    pub(super) async fn disperse(mut self) {
        self.seen.is_over.store(true, Ordering::SeqCst);
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("no wrong answer");
        }
    }
}

async fn ask(who: Who, url: String, issuers: Arc<(Issuer, Issuer)>, seen: Arc<Seen>) {
    let client = client();
    let (issuer, stranger) = &*issuers;
    let token_of = |issuer: &Issuer| {
        let token = issuer.token(&Subject::new("ada@example.com"), now());
        token.expect("a token")
    };
    let known = token_of(issuer);
    while !seen.is_over.load(Ordering::SeqCst) {
        let request = client.get(&url);
        let request = match who {
            Who::Known => request.bearer_auth(&known),
            Who::New => request.bearer_auth(token_of(issuer)),
            Who::Forger => request.bearer_auth(with_other_signature(&known, &token_of(stranger))),
            Who::Stranger => request.bearer_auth(token_of(stranger)),
            Who::Nobody => request,
        };
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.text().await.expect("the whole answer");
        assert!(who.may_get().contains(&status), "{who:?}: {status} {body}");
        *seen
            .answers
            .lock()
            .expect("a lock")
            .entry((who, status))
            .or_default() += 1;
        seen.another.notify_one();
    }
}

fn with_other_signature(token: &str, other: &str) -> String {
    let (said, _) = token.rsplit_once('.').expect("three parts");
    let (_, signature) = other.rsplit_once('.').expect("three parts");
    format!("{said}.{signature}")
}
