use hexclave_core::webhooks::{Delivery, Secret, Verifier, header_names};
use napi::{
    Env,
    bindgen_prelude::{Buffer, External},
};
use napi_derive::napi;

use crate::{
    failure::{Failure, Outcome, outcome},
    headers,
    later::{Later, later},
    project::{self, Variables, in_option, lookup},
    user::milliseconds,
};

/// A delivery that is proven.
#[napi(object)]
pub struct WebhookDelivery {
    pub id: String,
    pub sent_at: f64,
    pub event_type: String,
    /// A JSON object.
    pub payload: String,
}

/// The secrets, or without any those of the environment.
#[napi]
pub fn create_webhook_verifier(
    secrets: Vec<String>,
    max_body_bytes: Option<f64>,
    variables: Variables<'_>,
) -> Outcome<External<Verifier>> {
    outcome(verifier(&secrets, max_body_bytes, &variables).map(External::new))
}

fn verifier(
    secrets: &[String],
    max_body_bytes: Option<f64>,
    variables: &Variables<'_>,
) -> Result<Verifier, Failure> {
    let mut secrets = secrets
        .iter()
        .map(|secret| Secret::new(secret).map_err(in_option("secret")));
    let mut verifier = match secrets.next() {
        Some(secret) => Verifier::new(secret?),
        None => Verifier::from_variables(lookup(variables))?,
    };
    for secret in secrets {
        verifier = verifier.or(secret?);
    }
    match max_body_bytes {
        Some(bytes) => Ok(verifier.max_body(project::count("maxBodyBytes", bytes)?)),
        None => Ok(verifier),
    }
}

#[napi]
pub fn webhook_header_names() -> Vec<String> {
    header_names().map(|name| name.to_string()).collect()
}

#[napi]
pub fn verify_webhook<'env>(
    env: &'env Env,
    verifier: &External<Verifier>,
    names_and_values: Vec<String>,
    body: Buffer,
) -> napi::Result<Later<'env, WebhookDelivery>> {
    let (verifier, headers) = (Verifier::clone(verifier), headers::read(&names_and_values));
    let body = Vec::from(body);
    let work = async move {
        let delivery = verifier.verify(&headers, &body).await;
        delivery.map_err(|error| Failure::of_webhook(&error))
    };
    later(env, work, |delivery: Delivery| WebhookDelivery {
        id: delivery.id().to_owned(),
        sent_at: milliseconds(delivery.sent_at()),
        event_type: delivery.event().event_type().to_owned(),
        payload: delivery.payload().to_owned(),
    })
}
