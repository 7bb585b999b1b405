//! Work that is done to its end, whoever waits for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

/// The work panicked; the panic is told where panics go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Panicked;

/// Work that runs where it is waited for, and continues in a task of its own once nobody waits.
/// A task for each request from the beginning would cost more than most requests do.
pub(super) struct Finishing<T: Send + 'static> {
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
}

impl<T: Send + 'static> Finishing<T> {
    pub(super) fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Finishing { work: Some(Box::pin(work)) }
    }
}

impl<T: Send + 'static> Future for Finishing<T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.work else { return Poll::Ready(Err(Panicked)) };
        // Work that panicked is dropped and never polled again.
        let polled = match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(done)) => Ok(done),
            Err(_) => Err(Panicked),
        };
        self.work = None;
        Poll::Ready(polled)
    }
}

impl<T: Send + 'static> Drop for Finishing<T> {
    fn drop(&mut self) {
        // Without a runtime everything ends, and the work with it.
        if let (Some(work), Ok(runtime)) = (self.work.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_is_done_where_it_is_waited_for() {
        assert_eq!(Finishing::new(async { 7 }).await, Ok(7));
    }

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits_any_more() {
        let (go, gone) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        let mut work = Finishing::new(async move {
            let _ = gone.await;
            let _ = tell.send(7);
        });
        let waiting = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut work).poll(cx)));
        assert_eq!(waiting.await, Poll::Pending);
        drop(work);
        go.send(()).unwrap();
        assert_eq!(told.await, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_reaches_nobody_else() {
        let work = Finishing::new(async { std::panic::panic_any("on purpose") });
        assert_eq!(work.await, Err::<(), _>(Panicked));
    }
}
