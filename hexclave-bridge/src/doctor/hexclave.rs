//! The project: settings, the way to it, its keys, the clock, the keys to it.

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hexclave_core::{
    AcceptedKinds, ProjectConfig, ProjectKeys, PublicKey, SecretKey, UserKind, Verifier, api::Client,
};
use reqwest::{StatusCode, header, redirect};
use serde_json::Value;

use super::{DoctorArgs, check::Check};
use crate::{
    failure::Failure,
    output::span,
    settings::{self, Settings},
};

const TIMEOUT: Duration = Duration::from_secs(10);
/// What verifiers allow for by default.
const LEEWAY: Duration = Duration::from_secs(5);
/// From here on it is not a slow clock but a wrong one.
const WRONG_CLOCK: Duration = Duration::from_secs(60);
/// The variables of which the first names the project.
const PROJECT_IDS: [&str; 6] = [
    "NEXT_PUBLIC_HEXCLAVE_PROJECT_ID",
    "NEXT_PUBLIC_STACK_PROJECT_ID",
    "HEXCLAVE_PROJECT_ID",
    "STACK_PROJECT_ID",
    "VITE_HEXCLAVE_PROJECT_ID",
    "VITE_STACK_PROJECT_ID",
];

/// The project, as far as it could be found.
pub(super) struct Hexclave {
    pub(super) config: ProjectConfig,
    pub(super) keys: Option<ProjectKeys>,
}

pub(super) async fn checks(args: &DoctorArgs, settings: &Settings) -> (Vec<Check>, Option<Hexclave>) {
    let config = match config(args, settings) {
        Ok(config) => config,
        Err(failure) => return (vec![Check::failed("settings", &failure)], None),
    };
    let mut checks = vec![settings_check(settings, &config)];
    let (reachable, clock) = reach(&config).await;
    let is_reachable = clock.is_some();
    checks.push(reachable);
    let mut keys = None;
    if is_reachable {
        let (check, found) = keys_check(&config).await;
        checks.push(check);
        checks.extend(found.as_ref().map(key_lengths));
        keys = found;
        checks.extend(clock);
        checks.push(client_key(&config).await);
        checks.push(server_key(&config).await);
    }
    (checks, Some(Hexclave { config, keys }))
}

fn config(args: &DoctorArgs, settings: &Settings) -> Result<ProjectConfig, Failure> {
    let mut config = ProjectConfig::builder();
    if let Some(key) = &args.publishable_client_key {
        config = config
            .publishable_client_key(key)
            .map_err(|error| Failure::from(error).within("--publishable-client-key"))?;
    }
    let secret = settings.secret(
        &settings::SECRET_SERVER_KEY,
        args.secret_server_key_file.as_deref(),
    )?;
    if let Some(secret) = secret {
        let key = SecretKey::new(secret.expose());
        config = config.secret_server_key(key.map_err(|error| Failure::from(error).within(secret.origin()))?);
    }
    args.project.complete(config, settings)
}

fn settings_check(settings: &Settings, config: &ProjectConfig) -> Check {
    let message = format!("project {} at {}", config.project_id(), config.api_url());
    let others: Vec<_> = PROJECT_IDS
        .into_iter()
        .filter(|name| {
            let value = settings.variable(name);
            value.is_some_and(|value| value != config.project_id().as_str())
        })
        .collect();
    if others.is_empty() {
        return Check::pass("settings", message);
    }
    Check::warn(
        "settings",
        format!("{message}, but {} names another project", others.join(", ")),
    )
    .fix("let all of them name the same project, or unset those that are left over")
}

/// Whether the project is where the settings say, and by the same answer what time it is there.
async fn reach(config: &ProjectConfig) -> (Check, Option<Check>) {
    const NAME: &str = "project";
    let url = config.api_url().jwks_url(config.project_id(), UserKind::Normal);
    let before = SystemTime::now();
    let response = match ask(config, &url).await {
        Ok(response) => response,
        Err(error) => {
            let failure = Failure::unchecked("unreachable", format!("{} does not answer", config.api_url()));
            let check = Check::failed(NAME, &failure.caused_by(&error.without_url()));
            return (
                check.fix("is this machine online, does it need a proxy (HTTPS_PROXY), is --api-url right?"),
                None,
            );
        }
    };
    let after = SystemTime::now();
    let check = match response.status() {
        StatusCode::OK => {
            let taken = after.duration_since(before).unwrap_or_default().as_millis();
            Check::pass(NAME, format!("{} answers in {taken} ms", config.api_url()))
        }
        StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => {
            let message = format!("{} knows no project {}", config.api_url(), config.project_id());
            let fix =
                "compare --project-id with the Hexclave dashboard, and --api-url with where the project is";
            return (Check::fail(NAME, message).fix(fix), None);
        }
        status => {
            let message = format!("{} answers {status}", config.api_url());
            return (Check::unreached(NAME, message).fix("try again in a while"), None);
        }
    };
    let date = response
        .headers()
        .get(header::DATE)
        .and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    (check, Some(clock(date, before, after)))
}

async fn ask(config: &ProjectConfig, url: &str) -> Result<reqwest::Response, reqwest::Error> {
    let mut client = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .timeout(TIMEOUT);
    // Without TLS only on this machine.
    if url.starts_with("http:") {
        client = client.no_proxy();
    }
    let request = client
        .build()?
        .get(url)
        .headers(config.extra_request_headers().clone());
    request.send().await
}

/// This machine's clock, by the server's `Date`, which is cut to whole seconds.
fn clock(date: Option<SystemTime>, before: SystemTime, after: SystemTime) -> Check {
    const NAME: &str = "clock";
    let Some(date) = date else {
        return Check::skip(NAME, "the API does not say what time it is");
    };
    let behind = date.duration_since(after).unwrap_or_default();
    let ahead = before
        .duration_since(date + Duration::from_secs(1))
        .unwrap_or_default();
    let (off, direction) = match behind > ahead {
        true => (behind, "behind"),
        false => (ahead, "ahead of"),
    };
    if off <= LEEWAY {
        return Check::pass(NAME, "agrees with the API's");
    }
    let message = format!(
        "{} {direction} the API's: tokens are refused too early or too late",
        span(off)
    );
    let check = match off > WRONG_CLOCK {
        true => Check::fail(NAME, message),
        false => Check::warn(NAME, message),
    };
    check.fix("set this machine's clock by the network (NTP), on Linux with `timedatectl set-ntp true`")
}

async fn keys_check(config: &ProjectConfig) -> (Check, Option<ProjectKeys>) {
    const NAME: &str = "keys";
    let verifier = Verifier::builder(config.clone())
        .accept(AcceptedKinds::ALL)
        .build();
    let verifier = match verifier {
        Ok(verifier) => verifier,
        Err(error) => return (Check::failed(NAME, &error.into()), None),
    };
    if let Err(error) = verifier.warm_up().await {
        let check = Check::failed(NAME, &error.into());
        return (
            check.or_fix("no token can be verified until this is mended at the API"),
            None,
        );
    }
    let keys = verifier.project_keys().unwrap_or_default();
    let counts = UserKind::ALL.map(|kind| format!("{} for {kind} users", keys.of(kind).iter().count()));
    let mut skipped = Vec::new();
    for key in UserKind::ALL.iter().flat_map(|kind| keys.of(*kind).skipped()) {
        if !skipped.contains(&&key.reason) {
            skipped.push(&key.reason);
        }
    }
    let check = match skipped.first() {
        None => Check::pass(NAME, counts.join(", ")),
        Some(reason) => {
            let message = format!(
                "{}; {} cannot be used: {reason}",
                counts.join(", "),
                skipped.len()
            );
            Check::warn(NAME, message).fix("tokens signed with such a key are refused: tell who runs the API")
        }
    };
    (check, Some(keys))
}

/// Hexclave leaves leading zero bytes of coordinates out. This program puts them back; others do not.
fn key_lengths(keys: &ProjectKeys) -> Check {
    const NAME: &str = "key lengths";
    let short: Vec<_> = UserKind::ALL
        .into_iter()
        .flat_map(|kind| keys.of(kind).iter().map(move |key| (kind, key)))
        .filter(|(_, key)| is_short(key))
        .map(|(kind, key)| format!("{} ({kind} users)", key.id()))
        .collect();
    if short.is_empty() {
        return Check::pass(NAME, "all coordinates have 32 bytes");
    }
    Check::warn(
        NAME,
        format!(
            "published with a coordinate of less than 32 bytes: {}. Convex and other strict programs refuse its tokens; \
             this program does not",
            short.join(", ")
        ),
    )
    .fix("put the keys into Convex's configuration (`convex auth-config --jwks inline`), where they are whole")
}

fn is_short(key: &PublicKey) -> bool {
    let jwk = key.to_jwk();
    ["x", "y"].iter().any(|name| {
        let coordinate = jwk.get(name).and_then(Value::as_str).unwrap_or_default();
        let bytes = URL_SAFE_NO_PAD.decode(coordinate).unwrap_or_default();
        bytes.first() == Some(&0)
    })
}

async fn client_key(config: &ProjectConfig) -> Check {
    const NAME: &str = "client key";
    let client = Client::builder(config.clone()).deadline(TIMEOUT).public();
    let answer = match client {
        Ok(client) => client.project().await,
        Err(error) => Err(error),
    };
    match (answer, config.publishable_client_key()) {
        (Ok(_), Some(_)) => Check::pass(NAME, "the API accepts the publishable client key"),
        (Ok(_), None) => Check::pass(NAME, "the project demands none"),
        (Err(error), _) => Check::failed(NAME, &error.into())
            .or_fix("set HEXCLAVE_PUBLISHABLE_CLIENT_KEY to the project's key, from the Hexclave dashboard"),
    }
}

async fn server_key(config: &ProjectConfig) -> Check {
    const NAME: &str = "server key";
    if config.secret_server_key().is_none() {
        return Check::skip(
            NAME,
            "HEXCLAVE_SECRET_SERVER_KEY is not set; only servers need it",
        );
    }
    let client = Client::builder(config.clone()).deadline(TIMEOUT).server();
    let answer = match client {
        Ok(client) => client.project().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(_) => Check::pass(NAME, "the API accepts the secret server key"),
        Err(error) => Check::failed(NAME, &error.into())
            .or_fix("set HEXCLAVE_SECRET_SERVER_KEY to a key from the Hexclave dashboard"),
    }
}
