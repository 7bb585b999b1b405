//! The pause between a request's head and its body, for `Expect: 100-continue`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// How long a body waits for a go-ahead that never comes; curl waits as long.
const PATIENCE: Duration = Duration::from_secs(1);

/// A body passes once it is opened, or after a second.
pub(super) struct Gate(Pin<Box<dyn Future<Output = ()> + Send>>);

pub(super) struct Opener(Arc<Notify>);

impl Gate {
    pub(super) fn new() -> (Gate, Opener) {
        let notify = Arc::new(Notify::new());
        let opener = Opener(Arc::clone(&notify));
        let wait = async move {
            // Both ends of the wait let the body go.
            let _ = timeout(PATIENCE, notify.notified()).await;
        };
        (Gate(Box::pin(wait)), opener)
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl Opener {
    pub(super) fn open(&self) {
        self.0.notify_one();
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}
