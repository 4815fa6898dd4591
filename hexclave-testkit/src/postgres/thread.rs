//! Threads of our own: the blocking client must not run inside somebody's async runtime, and what it opens
//! there must be closed there.

use std::convert::Infallible;
use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use super::error::{Kind, PostgresError};

const NAME: &str = "hexclave-postgres";

/// Runs `work` on a thread of its own and waits for it.
pub(crate) fn apart<T: Send>(
    work: impl FnOnce() -> Result<T, PostgresError> + Send,
) -> Result<T, PostgresError> {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name(NAME.to_owned())
            .spawn_scoped(scope, work)
            .map_err(|error| PostgresError::with_source(Kind::Thread, error))?;
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Something that stays open on a thread of its own until this is dropped. Dropping waits for the end.
#[derive(Debug)]
pub(super) struct Kept {
    release: Option<mpsc::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Kept {
    /// Opens the thing and gives back what is to be known of it.
    pub(super) fn open<T, R: Send + 'static>(
        open: impl FnOnce() -> Result<(T, R), PostgresError> + Send + 'static,
    ) -> Result<(Self, R), PostgresError> {
        let (tell, told) = mpsc::channel();
        let (release, released) = mpsc::channel::<Infallible>();
        let thread = thread::Builder::new()
            .name(NAME.to_owned())
            .spawn(move || match open() {
                Ok((kept, known)) => {
                    if tell.send(Ok(known)).is_ok() {
                        // Nothing is ever sent: this returns when the other end is dropped.
                        let _ = released.recv();
                    }
                    drop(kept);
                }
                Err(error) => {
                    let _ = tell.send(Err(error));
                }
            })
            .map_err(|error| PostgresError::with_source(Kind::Thread, error))?;
        let mut kept = Self {
            release: Some(release),
            thread: Some(thread),
        };
        match told.recv() {
            Ok(known) => Ok((kept, known?)),
            Err(gone) => match kept.thread.take().map(JoinHandle::join) {
                Some(Err(panic)) => resume_unwind(panic),
                _ => Err(PostgresError::with_source(Kind::Thread, gone)),
            },
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.release.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
