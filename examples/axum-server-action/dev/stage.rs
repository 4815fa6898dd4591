//! What the pages need, on this machine: for their tests, and for a look at them by hand.
#![allow(dead_code, reason = "neither of the two uses all of it")]

use anyhow::Context;
use example_axum_server_action::App;
use hexclave_core::{AcceptedKinds, UserId, Verifier, api::Client};
use hexclave_testkit::{
    hexclave::LocalHexclave,
    postgres::{Database, Postgres},
};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio_postgres::config::Host;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A local Hexclave, and a database with the example's table.
pub(crate) struct Stage {
    pub(crate) hexclave: LocalHexclave,
    /// Dropped with the stage.
    pub(crate) database: Database,
}

impl Stage {
    pub(crate) async fn set() -> anyhow::Result<Self> {
        let hexclave = LocalHexclave::builder()
            .require_email_verification(true)
            .start()
            .await?;
        let database = Postgres::shared()?.database()?;
        database.execute(include_str!("../schema.sql"))?;
        Ok(Self { hexclave, database })
    }

    /// The pages as they are in production, but for where their parts are.
    pub(crate) fn app(&self, origin: &str) -> anyhow::Result<App> {
        let config = self.hexclave.config();
        Ok(App {
            verifier: Verifier::builder(config.clone())
                .accept(AcceptedKinds::ALL)
                .build()?,
            hexclave: Client::public(config.clone())?,
            database: self.pool()?,
            origin: origin.parse()?,
        })
    }

    /// Somebody who has signed up and followed the link in the mail.
    pub(crate) async fn member(&self, email: &str) -> anyhow::Result<UserId> {
        let user = self.restricted(email).await?;
        self.hexclave.verify_email(user)?;
        Ok(user)
    }

    /// Somebody who has signed up and not followed that link.
    pub(crate) async fn restricted(&self, email: &str) -> anyhow::Result<UserId> {
        Ok(self.hexclave.sign_up(email, PASSWORD).await?.user_id)
    }

    fn pool(&self) -> anyhow::Result<PgPool> {
        let config = self.database.authenticator_config();
        let mut options = PgConnectOptions::new_without_pgpass()
            .username(config.get_user().context("a user")?)
            .database(config.get_dbname().context("a database")?)
            .password(&String::from_utf8_lossy(
                config.get_password().unwrap_or_default(),
            ));
        if let Some(port) = config.get_ports().first() {
            options = options.port(*port);
        }
        options = match config.get_hosts().first().context("a host")? {
            Host::Tcp(host) => options.host(host),
            #[cfg(unix)]
            Host::Unix(folder) => options.socket(folder),
        };
        Ok(PgPoolOptions::new().connect_lazy_with(options))
    }
}
