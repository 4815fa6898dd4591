//! Every endpoint, against the local Hexclave.

mod keys;
mod sessions;
mod sign_in;
mod teams;
mod users;

use std::sync::Arc;

use hexclave_core::{
    AcceptedKinds, AccessToken, ProjectConfig, SecretKey, UserId,
    api::{Client, ErrorCode, PasswordSignUp, Public, Server},
};
use hexclave_testkit::{TestClock, hexclave::LocalHexclave};

pub(crate) const NOW: u64 = 1_795_300_079;
pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) struct Setting {
    pub(crate) hexclave: LocalHexclave,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) server: Client<Server>,
    pub(crate) public: Client<Public>,
}

impl Setting {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let hexclave = LocalHexclave::builder()
            .clock(Arc::clone(&clock) as Arc<_>)
            .allow_client_user_deletion(true)
            .start()
            .await
            .expect("a server");
        let client = || Client::builder(hexclave.config().clone()).accept(AcceptedKinds::ALL);
        Self {
            server: client().server().expect("a client"),
            public: client().public().expect("a client"),
            hexclave,
            clock,
        }
    }

    pub(crate) async fn sign_up(&self, email: &str) -> (AccessToken, UserId) {
        let sign_up = PasswordSignUp::new(email, PASSWORD);
        let user = self.public.sign_up_with_password(&sign_up).await.expect("a user");
        (user.tokens.access_token, user.user_id)
    }

    pub(crate) fn config_with_key(&self, key: &str) -> ProjectConfig {
        ProjectConfig::builder()
            .project_id(self.hexclave.config().project_id().clone())
            .api_url(self.hexclave.config().api_url().clone())
            .secret_server_key(SecretKey::new(key).expect("a key"))
            .build()
            .expect("a config")
    }
}

pub(crate) fn code(error: &hexclave_core::Error) -> &str {
    let answer = error.api().expect("an answer");
    answer.code().map_or("none", ErrorCode::as_str)
}
