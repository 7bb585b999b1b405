//! Entries, a key and an inbox in memory, for tests.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::{Encoding, Key, StatusTable};

use super::{Explanation, Extent, Outgoing, Pending, Query, Source, State, sign_again};
use crate::listener::Bytes;
use crate::listener::callback::Callback;
use crate::listener::inbox::entry::{AppReply, Entry, Forwarded, Judged, Match, Replied};
use crate::listener::verdict::Contract;

pub(super) const KEY: &str = "ThisIsYourSecretKey123";

pub(super) fn key() -> Key {
    Key::try_new(KEY).unwrap()
}

/// A callback that was held for valid, with status 3.
pub(super) fn entry(id: u64, order: &str, body: &[u8]) -> Arc<Entry> {
    Arc::new(Entry {
        id,
        callback: Callback {
            number: id,
            received_at: jiff::Timestamp::from_second(1_790_000_000).unwrap(),
            remote: ([127, 0, 0, 1], 40000).into(),
            method: "POST".to_owned(),
            path: "/notify".to_owned(),
            headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
            body: Bytes::copy_from_slice(body),
        },
        judged: Judged {
            code: "0000".to_owned(),
            signature: Some(Match::Matched),
            order_id: Some(order.to_owned()),
            status: Some(3),
            amount_cents: Some(400_000),
            delivery: Some(1),
            ..Judged::default()
        },
        replied: Replied { status: Some(200), ..Replied::default() },
        forwarded: None,
    })
}

#[derive(Default)]
pub(super) struct Memory {
    pub(super) entries: Vec<Arc<Entry>>,
    pub(super) sent: Mutex<Vec<Outgoing>>,
}

impl Source for Memory {
    fn search(
        &self,
        query: &Query,
        take: &mut dyn FnMut(&Entry) -> ControlFlow<()>,
    ) -> Result<Option<u64>, String> {
        let mut wanted = self.entries.iter().rev().filter(|entry| query.admits(entry));
        let _all = wanted.try_for_each(|entry| take(entry));
        Ok(None)
    }

    fn entry(&self, id: u64) -> Result<Option<Arc<Entry>>, String> {
        if id == 13 {
            return Err("the inbox cannot be read".to_owned());
        }
        Ok(self.entries.iter().find(|entry| entry.id == id).cloned())
    }

    fn explain(&self, entry: &Entry, extent: Extent) -> Explanation {
        Explanation::new(entry, &Contract::default(), &key(), &[], extent)
    }

    fn sign(&self, text: &[u8], encoding: Encoding) -> Result<Vec<u8>, String> {
        sign_again(text, encoding, &Contract::default(), &key())
    }

    fn send(&self, request: Outgoing) -> Pending<Forwarded> {
        let url = request.url.clone();
        self.sent.lock().unwrap().push(request);
        let reply = AppReply {
            status: 200,
            headers: Vec::new(),
            body: Bytes::from_static(b"OK"),
            acknowledges: false,
            remark: Some("it is no JSON".to_owned()),
        };
        Box::pin(std::future::ready(Forwarded {
            url,
            elapsed: Duration::from_millis(7),
            result: Ok(reply),
        }))
    }

    fn statuses(&self) -> StatusTable {
        StatusTable::PLATFORM
    }

    fn state(&self) -> State {
        State {
            listen_url: "http://127.0.0.1:8787/".to_owned(),
            key_fingerprint: key().fingerprint(),
            dialect: "this platform".to_owned(),
            forward_url: None,
            sample: None,
        }
    }
}
