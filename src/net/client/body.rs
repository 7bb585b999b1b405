//! The body of a request as it is handed out: at once, slowly, in chunks, or after a pause for
//! `Expect: 100-continue`.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::progress::Wire;
use crate::net::options::RequestOptions;

const SHORTEST_PAUSE: Duration = Duration::from_millis(5);

pub(super) struct RequestBody {
    rest: Bytes,
    length: usize,
    is_chunked: bool,
    time: Duration,
    pause: Option<(Instant, Pin<Box<Sleep>>)>,
    /// Where it is noted that the last byte is handed out.
    wire: Arc<Wire>,
    /// What a body waits for after `Expect: 100-continue`.
    gate: Option<Released>,
}

impl RequestBody {
    pub(super) fn new(
        rest: Bytes,
        options: &RequestOptions,
        wire: Arc<Wire>,
        gate: Option<Released>,
    ) -> Self {
        let length = rest.len();
        let (is_chunked, time) = (options.is_chunked, options.upload.time_for(length));
        RequestBody { rest, length, is_chunked, time, pause: None, wire, gate }
    }

    /// Turns a body that was not sent to another connection.
    pub(super) fn move_to(&mut self, wire: Arc<Wire>) {
        self.wire = wire;
    }

    /// How many bytes may go out by now, in all.
    fn due(&self, passed: Duration) -> usize {
        let (passed, time) = (passed.as_nanos(), self.time.as_nanos().max(1));
        let due = (self.length as u128).saturating_mul(passed) / time;
        usize::try_from(due).unwrap_or(usize::MAX).min(self.length)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            return Poll::Ready(None);
        }
        if let Some(gate) = &mut this.gate {
            ready!(gate.as_mut().poll(cx));
            this.gate = None;
        }
        let mut part = this.rest.len();
        while !this.time.is_zero() {
            let each = this.time / u32::try_from(this.length).unwrap_or(u32::MAX).max(1);
            let step = each.max(SHORTEST_PAUSE);
            let (start, pause) =
                this.pause.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(step))));
            ready!(pause.as_mut().poll(cx));
            let passed = start.elapsed();
            pause.as_mut().reset(Instant::now() + step);
            part = this.due(passed).saturating_sub(this.length - this.rest.len());
            if part > 0 {
                break;
            }
        }
        Poll::Ready(Some(Ok(Frame::data(this.rest.split_to(part)))))
    }

    fn is_end_stream(&self) -> bool {
        if self.rest.is_empty() {
            self.wire.note_end();
        }
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_chunked {
            return SizeHint::new();
        }
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

/// How long a body waits for a go-ahead that never comes; curl waits as long.
const PATIENCE: Duration = Duration::from_secs(1);

/// Holds a body back until the server agrees, or for a second.
type Released = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A gate, and what opens it.
pub(super) fn gate() -> (Released, Arc<Notify>) {
    let go_ahead = Arc::new(Notify::new());
    let told = Arc::clone(&go_ahead);
    let wait = async move {
        // Both ends of the wait let the body go.
        let _ = timeout(PATIENCE, told.notified()).await;
    };
    (Box::pin(wait), go_ahead)
}
