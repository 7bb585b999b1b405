//! A request's body: read whole, within limits.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::{LEAST_HEADER_BYTES, Shared};
use crate::receiver::callback::Bytes;
use crate::receiver::server::event::Refusal;

/// Copies a body into one buffer: a chain of chunks of one byte would cost forty times its size.
pub(super) async fn read_body(
    mut body: Incoming,
    max: usize,
    held: &mut Held,
) -> Result<Bytes, Refusal> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > max {
        return Err(Refusal::BodyTooLarge);
    }
    // What is announced need not come, so it is not reserved.
    let mut whole = Vec::with_capacity(announced.min(LEAST_HEADER_BYTES));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| refusal_of(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > max - whole.len() {
            return Err(Refusal::BodyTooLarge);
        }
        held.grow(data.len())?;
        whole.extend_from_slice(&data);
    }
    Ok(whole.into())
}

fn refusal_of(error: &hyper::Error) -> Refusal {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    let is_too_large = cause.is_some_and(|cause| cause.kind() == io::ErrorKind::FileTooLarge);
    if is_too_large { Refusal::BodyTooLarge } else { Refusal::BrokenBody }
}

pub(super) struct Held {
    shared: Arc<Shared>,
    bytes: usize,
}

impl Held {
    pub(super) fn nothing(shared: &Arc<Shared>) -> Self {
        Held { shared: Arc::clone(shared), bytes: 0 }
    }

    fn grow(&mut self, more: usize) -> Result<(), Refusal> {
        self.bytes += more;
        let before = self.shared.pending_bytes.fetch_add(more, Ordering::Relaxed);
        let is_over = before.saturating_add(more) > self.shared.limits.max_pending_bytes;
        if is_over { Err(Refusal::OutOfRoom) } else { Ok(()) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.pending_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
