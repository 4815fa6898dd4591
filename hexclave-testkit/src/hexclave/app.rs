//! What the endpoints share.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use hexclave_core::{AcceptedKinds, Clock, ProjectConfig, Verifier};

use serde::Serialize;

use super::{
    HexclaveError, Issuer, Subject,
    data::{DataFolder, SavedProject},
    directory::{Directory, Settings},
    faults::Faults,
    request_log::{Observer, RequestLog},
    webhooks::Outbox,
};
use crate::TestClock;

/// What SDKs send as the OAuth client secret of a project that has no publishable key.
pub(crate) const SENTINEL_CLIENT_SECRET: &str = "__stack_public_client__";

pub(crate) struct App {
    issuer: Issuer,
    verifier: Verifier,
    clock: Arc<dyn Clock>,
    settings: Settings,
    directory: Mutex<Directory>,
    log: RequestLog,
    outbox: Outbox,
    faults: Faults,
    data: Option<(DataFolder, SavedProject)>,
}

impl App {
    pub(crate) fn new(
        issuer: Issuer,
        clock: Arc<dyn Clock>,
        directory: Directory,
        settings: Settings,
        observer: Option<Observer>,
        data: Option<(DataFolder, SavedProject)>,
    ) -> Result<Self, HexclaveError> {
        let verifier = verifier(&issuer, Arc::clone(&clock))?;
        Ok(Self {
            issuer,
            verifier,
            clock,
            settings,
            directory: Mutex::new(directory),
            log: RequestLog::new(observer),
            outbox: Outbox::default(),
            faults: Faults::default(),
            data,
        })
    }

    pub(crate) fn has_data(&self) -> bool {
        self.data.is_some()
    }

    /// Keeps the state, where there is a folder for it.
    pub(crate) fn save(&self) -> Result<(), HexclaveError> {
        match &self.data {
            Some((folder, project)) => folder.write(project, || self.directory()),
            None => Ok(()),
        }
    }

    pub(crate) fn config(&self) -> &ProjectConfig {
        self.issuer.config()
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    pub(crate) fn log(&self) -> &RequestLog {
        &self.log
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Tells those who want to know what has happened.
    pub(crate) fn publish(&self, event_type: &str, data: &impl Serialize) -> Result<(), HexclaveError> {
        self.outbox.publish(event_type, data, self.now_seconds())
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// A verifier for which it is another time, in seconds since 1970.
    pub(crate) fn verifier_at(&self, unix_seconds: u64) -> Result<Verifier, HexclaveError> {
        verifier(&self.issuer, Arc::new(TestClock::at(unix_seconds)))
    }

    /// The users. A request that panicked has left them as they were or fully changed.
    pub(crate) fn directory(&self) -> MutexGuard<'_, Directory> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now_seconds(&self) -> u64 {
        self.clock.unix_seconds()
    }

    pub(crate) fn now_millis(&self) -> u64 {
        let since = self.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn issue(&self, subject: &Subject) -> Result<String, HexclaveError> {
        self.issuer.token(subject, self.now_seconds())
    }

    pub(crate) fn is_publishable_key(&self, key: &str) -> bool {
        self.config().publishable_client_key() == Some(key)
    }

    pub(crate) fn is_secret_key(&self, key: &str) -> bool {
        self.config()
            .secret_server_key()
            .is_some_and(|known| known.expose() == key)
    }
}

fn verifier(issuer: &Issuer, clock: Arc<dyn Clock>) -> Result<Verifier, HexclaveError> {
    Verifier::builder(issuer.config().clone())
        .keys(issuer.project_keys()?)
        .accept(AcceptedKinds::ALL)
        .leeway(Duration::ZERO)
        .clock(clock)
        .build()
        .map_err(|error| HexclaveError::with_source("the server cannot verify tokens", error))
}
