use std::{collections::BTreeSet, pin::pin, time::Duration};

use futures_util::{
    StreamExt,
    future::{Either, pending, select},
    stream::FuturesUnordered,
};
use reqwest::header::CONTENT_TYPE;
use tokio::time::timeout;

use super::{
    DeliveryOrder, LocalHexclave, WebhookAttempt, WebhookFault,
    outbox::{Batch, Due},
};

/// How long an endpoint may take for its answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often the clock is looked at for what has become due, as long as something waits.
const TICK: Duration = Duration::from_millis(250);

impl LocalHexclave {
    /// Delivers what is due by the server's clock, one after the other: what is new, and what is to be tried again.
    pub async fn deliver_webhooks(&self, order: DeliveryOrder) -> Vec<WebhookAttempt> {
        let mut due = self.app().outbox().due(self.app().now_seconds());
        match order {
            DeliveryOrder::AsHappened => {}
            DeliveryOrder::Reversed => due.reverse(),
            DeliveryOrder::Doubled => due = due.into_iter().flat_map(|due| [due.clone(), due]).collect(),
        }
        let mut attempts = Vec::new();
        for due in due {
            attempts.push(self.attempt(due).await);
        }
        attempts
    }

    /// Delivers webhooks as things happen, and tries again what is due by the server's clock, for as long as the future
    /// is polled: it never ends by itself. Each endpoint is told one thing after the other, and none waits for another.
    /// `tell` is called after each attempt.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use hexclave_testkit::hexclave::LocalHexclave;
    ///
    /// let hexclave = LocalHexclave::start().await?;
    /// let secret = hexclave.webhook_secret().clone();
    /// hexclave.add_webhook_endpoint("http://127.0.0.1:3000/webhooks", secret)?;
    /// hexclave
    ///     .keep_delivering_webhooks(|attempt| println!("{} {:?}", attempt.event_type, attempt.status))
    ///     .await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn keep_delivering_webhooks(&self, tell: impl Fn(&WebhookAttempt)) {
        let outbox = self.app().outbox();
        let mut busy = BTreeSet::new();
        let mut under_way = FuturesUnordered::new();
        loop {
            // Before the outbox is looked at, so that nothing new is missed.
            let mut news = pin!(outbox.news());
            news.as_mut().enable();
            for batch in outbox.batches(self.app().now_seconds(), &busy) {
                busy.insert(batch.endpoint);
                under_way.push(self.deliver(batch, &tell));
            }
            let waits = async {
                match outbox.has_waiting() {
                    // Nothing depends on whether it was the time or the news.
                    true => drop(timeout(TICK, news).await),
                    false => news.await,
                }
            };
            let one_is_done = async {
                match under_way.next().await {
                    Some(endpoint) => endpoint,
                    None => pending().await,
                }
            };
            if let Either::Right((endpoint, _)) = select(pin!(waits), pin!(one_is_done)).await {
                busy.remove(&endpoint);
            }
        }
    }

    /// Tells an endpoint what is due; which one it was.
    async fn deliver(&self, batch: Batch, tell: &impl Fn(&WebhookAttempt)) -> usize {
        let has = |fault| batch.faults.contains(&fault);
        for due in batch.due {
            let withheld = match due.attempts {
                _ if has(WebhookFault::Lost) => Some(WebhookFault::Lost),
                0 if has(WebhookFault::Late) => Some(WebhookFault::Late),
                _ => None,
            };
            if let Some(fault) = withheld {
                let now = self.app().now_seconds();
                tell(
                    &self
                        .app()
                        .outbox()
                        .withheld(&due, fault, now, self.app().clock().now()),
                );
                continue;
            }
            if has(WebhookFault::Doubled) {
                tell(&self.attempt(due.clone()).await);
            }
            tell(&self.attempt(due).await);
        }
        batch.endpoint
    }

    async fn attempt(&self, due: Due) -> WebhookAttempt {
        let now = self.app().now_seconds();
        let attempted_at = self.app().clock().now();
        let message = &due.message;
        let sent = self
            .client()
            .post(due.endpoint.url.clone())
            .timeout(PATIENCE)
            .header(CONTENT_TYPE, "application/json")
            .header("svix-id", &message.id)
            .header("svix-timestamp", now)
            .header(
                "svix-signature",
                due.endpoint.secret.sign(&message.id, now, &message.body),
            )
            .body(message.body.clone())
            .send()
            .await;
        let status = sent.ok().map(|answer| answer.status().as_u16());
        self.app().outbox().attempted(&due, status, now, attempted_at)
    }
}
