//! A body that notes when it is asked for, so when there is a connection.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use crate::net::wire_failure::{Phase, Progress};

pub(in crate::net) struct Noted {
    rest: Bytes,
    progress: Arc<Progress>,
}

impl Noted {
    pub(in crate::net) fn new(body: &[u8], progress: Arc<Progress>) -> Self {
        if body.is_empty() {
            // Nobody asks for it, so nobody could tell.
            progress.reach(Phase::Exchanging);
        }
        Noted { rest: Bytes::copy_from_slice(body), progress }
    }
}

impl Body for Noted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.progress.reach(Phase::Exchanging);
        let rest = std::mem::take(&mut self.rest);
        Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
