//! Entries, a key and an inbox in memory, for tests.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::{Encoding, Key, StatusTable};

use super::{Explanation, Extent, Outgoing, Pending, Replies, Source, State, sign_again};
use crate::receiver::Bytes;
use crate::receiver::inbox::Filter;
use crate::receiver::received::{AppReply, Forwarded, Received};
use crate::receiver::replies::Runner;
use crate::receiver::verify::Contract;

pub(super) const KEY: &str = "ThisIsYourSecretKey123";

pub(super) fn key() -> Key {
    Key::try_new(KEY).unwrap()
}

#[derive(Default)]
pub(super) struct Memory {
    pub(super) entries: Vec<Arc<Received>>,
    pub(super) sent: Mutex<Vec<Outgoing>>,
    pub(super) program: Mutex<Option<Runner>>,
    pub(super) resets: Mutex<Vec<Option<u64>>>,
}

impl Source for Memory {
    fn search(
        &self,
        filter: &Filter,
        take: &mut dyn FnMut(&Received) -> ControlFlow<()>,
    ) -> Result<Option<u64>, String> {
        let mut found = self.entries.iter().rev().filter(|entry| filter.admits(entry));
        let _all = found.try_for_each(|entry| take(entry));
        Ok(None)
    }

    fn entry(&self, id: u64) -> Result<Option<Arc<Received>>, String> {
        if id == 13 {
            return Err("the inbox cannot be read".to_owned());
        }
        Ok(self.entries.iter().find(|entry| entry.id == id).cloned())
    }

    fn explain(&self, entry: &Received, extent: Extent) -> Explanation {
        Explanation::new(entry, &Contract::default(), &key().into(), &[], extent)
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
            remark: Some("it is not valid JSON".to_owned()),
        };
        Box::pin(std::future::ready(Forwarded {
            url: url.into(),
            elapsed: Duration::from_millis(7),
            result: Ok(reply),
        }))
    }

    fn statuses(&self) -> StatusTable {
        StatusTable::PLATFORM
    }

    fn replies(&self) -> Replies {
        Replies::of(self.program.lock().unwrap().as_ref())
    }

    fn set_replies(&self, program: Option<Runner>) -> Result<(), String> {
        *self.program.lock().unwrap() = program;
        Ok(())
    }

    fn reset(&self, through: Option<u64>) -> Pending<Result<u64, String>> {
        self.resets.lock().unwrap().push(through);
        Box::pin(std::future::ready(Ok(3)))
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
