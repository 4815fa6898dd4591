use std::sync::{Arc, Mutex, PoisonError};

use convex::ConvexClient;

use crate::{Error, ErrorKind};

/// One of the clones of Convex's client. The last one to go takes the connection with it, which two that go at the same
/// time would both leave to the other; so they go one after the other.
#[derive(Clone)]
pub(super) struct Handle {
    /// Always there until the handle goes.
    client: Option<ConvexClient>,
    going: Arc<Mutex<()>>,
}

impl Handle {
    pub(super) fn new(client: ConvexClient) -> Self {
        Self {
            client: Some(client),
            going: Arc::default(),
        }
    }

    pub(super) fn client(&mut self) -> Result<&mut ConvexClient, Error> {
        let client = self.client.as_mut();
        client.ok_or_else(|| Error::new(ErrorKind::ClientEnded, "Convex's client has ended"))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _turn = self.going.lock().unwrap_or_else(PoisonError::into_inner);
        self.client = None;
    }
}
