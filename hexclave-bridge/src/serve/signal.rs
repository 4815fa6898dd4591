//! What tells the service to end.

use std::{io, process};

use crate::failure::Failure;

/// How a program ends that was interrupted twice: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

/// Comes to its end with the first SIGTERM or SIGINT. Another one ends the process at once.
pub(super) fn stop() -> Result<impl Future<Output = ()>, Failure> {
    let mut signals = Signals::new().map_err(|error| {
        Failure::unchecked(
            "signals_unusable",
            "the signals that end the service cannot be waited for",
        )
        .caused_by(&error)
    })?;
    Ok(async move {
        signals.next().await;
        tokio::spawn(async move {
            signals.next().await;
            tracing::warn!("told to end twice: ended at once");
            process::exit(INTERRUPTED);
        });
    })
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    close: tokio::signal::windows::CtrlClose,
}

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: tokio::signal::windows::ctrl_c()?,
            close: tokio::signal::windows::ctrl_close()?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.close.recv() => {}
        }
    }
}
