//! A callback for tests.

use std::sync::Arc;

use super::callback::{Bytes, Callback};
use super::received::{Judged, Match, Received, Replied};

/// A callback that was held for valid, with status 3.
pub fn entry(id: u64, order: &str, body: &[u8]) -> Arc<Received> {
    Arc::new(Received {
        id,
        callback: Callback {
            number: id,
            received_at: jiff::Timestamp::from_second(1_790_000_000).unwrap(),
            remote: ([127, 0, 0, 1], 40000).into(),
            method: "POST".into(),
            path: "/notify".into(),
            headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
            body: Bytes::copy_from_slice(body),
        },
        judged: Judged {
            code: "0000".to_owned(),
            signature: Some(Match::Matched),
            order_id: Some(order.into()),
            status: Some(3),
            amount_cents: Some(400_000),
            delivery: Some(1),
            ..Judged::default()
        },
        replied: Replied { status: Some(200), ..Replied::default() },
        forwarded: None,
        live: None,
    })
}
