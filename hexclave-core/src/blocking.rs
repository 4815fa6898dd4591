//! The verifier for programs without an async runtime.

use std::{
    fmt,
    sync::{Arc, mpsc},
};

use tokio::runtime::Runtime;

use crate::{AccessToken, Error, ErrorKind, ProjectConfig, User, VerifierBuilder};

/// A [`Verifier`](crate::Verifier) whose methods block. Cheap to clone, and meant to be kept: it holds the keys, and
/// one thread that fetches them.
///
/// It may be called from anywhere, inside an async runtime too, where it blocks the thread that calls it.
///
/// ```no_run
/// use hexclave_core::{AccessToken, ProjectConfig, blocking::Verifier};
///
/// # fn run(token: AccessToken) -> Result<(), hexclave_core::Error> {
/// let verifier = Verifier::new(ProjectConfig::from_env()?)?;
/// let user = verifier.verify(&token)?;
/// println!("{} is signed in", user.id());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    verifier: crate::Verifier,
    background: Arc<Background>,
}

/// The runtime in which keys are fetched. It ends without waiting, so that it may be dropped anywhere.
struct Background(Option<Runtime>);

impl Verifier {
    /// A verifier with the defaults of [`crate::Verifier::new`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] when the HTTP client or the thread cannot be set up.
    pub fn new(config: ProjectConfig) -> Result<Self, Error> {
        Self::from_builder(crate::Verifier::builder(config))
    }

    /// A verifier set up in detail with [`crate::Verifier::builder`].
    ///
    /// # Errors
    /// As [`VerifierBuilder::build`], and [`ErrorKind::InvalidConfig`] when the thread cannot be set up.
    pub fn from_builder(builder: VerifierBuilder) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("hexclave-verifier")
            .enable_all()
            .build()
            .map_err(|error| {
                Error::config("the thread that fetches keys could not be set up").with_source(error)
            })?;
        Ok(Self {
            verifier: builder.build()?,
            background: Arc::new(Background(Some(runtime))),
        })
    }

    /// Proves who a token's user is; see [`crate::Verifier::verify`].
    ///
    /// # Errors
    /// As [`crate::Verifier::verify`].
    pub fn verify(&self, token: &AccessToken) -> Result<User, Error> {
        {
            // A remembered token may be the occasion to fetch keys in the background.
            let _entered = self.background.0.as_ref().map(Runtime::enter);
            if let Some(user) = self.verifier.verified_before(token) {
                return Ok(user);
            }
        }
        let (verifier, token) = (self.verifier.clone(), token.clone());
        self.wait_for(async move { verifier.verify(&token).await })
    }

    /// Fetches the keys now; see [`crate::Verifier::warm_up`].
    ///
    /// # Errors
    /// As [`crate::Verifier::warm_up`].
    pub fn warm_up(&self) -> Result<(), Error> {
        let verifier = self.verifier.clone();
        self.wait_for(async move { verifier.warm_up().await })
    }

    /// The verifier within, for what does not block: its keys, their health, its configuration.
    #[must_use]
    pub fn as_async(&self) -> &crate::Verifier {
        &self.verifier
    }

    /// Runs a future in the background and blocks until it is over, whatever this thread is.
    fn wait_for<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let ended = || {
            Error::new(
                ErrorKind::KeysUnavailable,
                "the thread that fetches keys has ended",
            )
        };
        let (sender, receiver) = mpsc::channel();
        let runtime = self.background.0.as_ref().ok_or_else(ended)?;
        runtime.spawn(async move {
            // Nobody is there to read it if the caller's thread has been killed.
            let _ = sender.send(work.await);
        });
        receiver.recv().map_err(|_| ended())?
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Background")
    }
}
