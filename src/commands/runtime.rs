//! The asynchronous runtime, set up only by the commands that use the network.

use std::future::Future;

use crate::error::CommandError;

/// Runs a future to its end on this thread.
///
/// # Errors
/// A runtime that cannot be set up (environment), and the future's own error.
pub fn block_on<T>(
    future: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::environment("cannot set up the network").because(error))?;
    let result = runtime.block_on(future);
    // A look-up of a host name cannot be cancelled; nobody waits for its answer any more.
    runtime.shutdown_background();
    result
}

/// The requests of the person or the system that the process end.
///
/// They are caught from the moment that this value is made: make it before anything is promised.
pub struct Interrupts {
    #[cfg(unix)]
    signals: Option<(tokio::signal::unix::Signal, tokio::signal::unix::Signal)>,
}

impl Interrupts {
    /// Catches SIGINT and SIGTERM (elsewhere Ctrl-C) from now on; within a runtime only.
    #[must_use]
    pub fn catch() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let signals =
                signal(SignalKind::interrupt()).ok().zip(signal(SignalKind::terminate()).ok());
            Interrupts { signals }
        }
        #[cfg(not(unix))]
        Interrupts {}
    }

    /// Completes at the next request to end.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        if let Some((interrupt, terminate)) = &mut self.signals {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
        // Where no signal can be caught, the default action ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
