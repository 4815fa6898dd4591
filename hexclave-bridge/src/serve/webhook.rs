//! `POST /webhooks/hexclave`: what happens to users, into the table that follows them.

use std::sync::Arc;

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
use tokio::sync::Mutex;
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
}

impl Webhooks {
    pub(super) fn new(verifier: Verifier, mirror: UserMirror<api::Server>, database: Database) -> Self {
        Self(Arc::new(Inner {
            verifier,
            mirror,
            database,
            client: Mutex::new(None),
        }))
    }

    async fn handle(&self, delivery: &Delivery) -> Result<Outcome, Failure> {
        let client = self.client().await?;
        let handled = self.0.mirror.handle(&client, delivery).await;
        if handled.is_err() {
            // It may be the connection's fault, so the next delivery gets another one.
            self.0
                .client
                .lock()
                .await
                .take_if(|kept| Arc::ptr_eq(kept, &client));
        }
        handled.map_err(Failure::from)
    }

    /// The connection in use, or a new one, over which the table is made if it is not there.
    async fn client(&self) -> Result<Arc<Client>, Failure> {
        let Inner {
            mirror,
            database,
            client: kept,
            ..
        } = &*self.0;
        let mut kept = kept.lock().await;
        if let Some(client) = kept.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let mut client = database.connect().await?;
        mirror.table().create(&mut client).await?;
        let client = Arc::new(client);
        *kept = Some(Arc::clone(&client));
        Ok(client)
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
