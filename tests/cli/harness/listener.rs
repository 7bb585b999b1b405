//! `listen` on a free port, from its `ready` line to its summary.

use std::net::SocketAddr;

use serde_json::Value;

use super::{HttpReply, KEY, Output, Running, exchange, json_post, payout_notify};

/// A listener that is ready.
pub(crate) struct Listening {
    running: Running,
    /// Its `ready` line.
    pub(crate) ready: Value,
    /// Its address as a URL.
    pub(crate) url: String,
    /// Its address.
    pub(crate) address: SocketAddr,
}

/// What a listener left behind.
pub(crate) struct Ended {
    /// Its last line.
    pub(crate) summary: Value,
    /// The whole run.
    pub(crate) output: Output,
}

impl Listening {
    /// Starts `listen` under [`KEY`] with these arguments besides.
    #[track_caller]
    pub(crate) fn start(arguments: &[&str]) -> Listening {
        let mut all = vec!["listen", "--format", "json", "--bind", ":0"];
        all.extend(arguments);
        let running = payout_notify(&all).key(KEY).start();
        let ready = running.json_line();
        assert_eq!(ready["type"], "ready", "{ready}");
        let url = ready["url"].as_str().expect("a URL").to_owned();
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let address = address.parse().expect("an address");
        Listening { running, ready, url, address }
    }

    /// Posts a body as the platform does.
    #[track_caller]
    pub(crate) fn post(&self, body: &str) -> HttpReply {
        exchange(self.address, json_post(body))
    }

    /// The next line, which must be a callback's.
    #[track_caller]
    pub(crate) fn callback(&self) -> Value {
        let line = self.running.json_line();
        assert_eq!(line["type"], "callback", "{line}");
        line
    }

    /// Ends the listener with Ctrl-C.
    #[track_caller]
    pub(crate) fn interrupt(self) -> Ended {
        self.running.interrupt();
        self.end()
    }

    /// Waits for the listener's own end.
    #[track_caller]
    pub(crate) fn end(self) -> Ended {
        let output = self.running.end();
        let summary = output.json_lines().pop().expect("a last line");
        assert_eq!(summary["type"], "summary", "{output}");
        Ended { summary, output }
    }
}
