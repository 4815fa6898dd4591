//! `POST /webhooks/hexclave`: what happens to users, into the table that follows them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    extract::{FromRef, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hexclave_core::{
    api,
    webhooks::{Delivery, Rejection, Verifier},
};
use hexclave_supabase::sync::{Outcome, UserMirror};
use tokio_postgres::Client;

use super::problem::{Code, Problem};
use crate::{database::Database, failure::Failure};

/// What proves deliveries and deals with them. Cheap to clone.
#[derive(Clone)]
pub(super) struct Webhooks(Arc<Inner>);

struct Inner {
    verifier: Verifier,
    mirror: UserMirror<api::Server>,
    database: Database,
    /// The connection in use, if there is one.
    client: Mutex<Option<Arc<Client>>>,
    /// Held while a connection is made, so that one is.
    connecting: tokio::sync::Mutex<()>,
}

impl Webhooks {
    pub(super) fn new(verifier: Verifier, mirror: UserMirror<api::Server>, database: Database) -> Self {
        Self(Arc::new(Inner {
            verifier,
            mirror,
            database,
            client: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        }))
    }

    async fn handle(&self, delivery: &Delivery) -> Result<Outcome, Failure> {
        let client = self.client().await?;
        let lease = Lease {
            of: self,
            client: &client,
        };
        let outcome = self.0.mirror.handle(&client, delivery).await?;
        // It has proven good.
        std::mem::forget(lease);
        Ok(outcome)
    }

    /// The connection in use, or a new one, over which the table is made if it is not there.
    async fn client(&self) -> Result<Arc<Client>, Failure> {
        if let Some(client) = self.kept_client() {
            return Ok(client);
        }
        let _connecting = self.0.connecting.lock().await;
        if let Some(client) = self.kept_client() {
            return Ok(client);
        }
        let mut client = self.0.database.connect().await?;
        self.0.mirror.table().create(&mut client).await?;
        let client = Arc::new(client);
        *self.kept() = Some(Arc::clone(&client));
        Ok(client)
    }

    fn kept_client(&self) -> Option<Arc<Client>> {
        self.kept().as_ref().filter(|client| !client.is_closed()).cloned()
    }

    fn kept(&self) -> MutexGuard<'_, Option<Arc<Client>>> {
        // Nothing that is done under the lock can leave it half-done.
        self.0.client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in the hands of one delivery. If that fails, or waits until nobody waits for it any more, it may be the
/// connection's fault, and the next delivery gets another one.
struct Lease<'a> {
    of: &'a Webhooks,
    client: &'a Arc<Client>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.of.kept().take_if(|kept| Arc::ptr_eq(kept, self.client));
    }
}

impl FromRef<Webhooks> for Verifier {
    fn from_ref(webhooks: &Webhooks) -> Self {
        webhooks.0.verifier.clone()
    }
}

/// Success when the delivery is dealt with, and 503 when it is not: then Hexclave sends it again.
pub(super) async fn receive(
    State(webhooks): State<Webhooks>,
    delivery: Result<Delivery, Rejection>,
) -> Response {
    let delivery = match delivery {
        Ok(delivery) => delivery,
        Err(rejection) => {
            let code = Code(rejection.error().code());
            let mut response = rejection.into_response();
            response.extensions_mut().insert(code);
            return response;
        }
    };
    let event = delivery.event().event_type();
    match webhooks.handle(&delivery).await {
        Ok(outcome) => {
            tracing::info!(delivery = delivery.id(), event, ?outcome, "webhook handled");
            StatusCode::NO_CONTENT.into_response()
        }
        Err(failure) => {
            tracing::error!(delivery = delivery.id(), event, error = %failure.chain(), "webhook not handled");
            Problem::NOT_HANDLED.into_response()
        }
    }
}
