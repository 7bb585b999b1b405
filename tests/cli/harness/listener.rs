//! `listen` on a free port, from its `ready` line to its summary.

use std::net::SocketAddr;

use serde_json::Value;

use super::{
    HttpReply, KEY, Output, Program, Running, Sandbox, exchange, json_post, payout_notify,
};

/// Where a listener takes callbacks, by its first line: a JSON line names other addresses before it.
#[track_caller]
pub(crate) fn address_in(first: &str) -> SocketAddr {
    let ready: Value = serde_json::from_str(first).unwrap_or_default();
    let text = ready["url"].as_str().unwrap_or(first);
    let address = text.split("//").nth(1).and_then(|rest| rest.split('/').next());
    address
        .and_then(|address| address.parse().ok())
        .unwrap_or_else(|| panic!("no address: {first}"))
}

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
        Listening::of(Listening::program(arguments))
    }

    /// `listen` under [`KEY`] on a free port, not started yet.
    pub(crate) fn program(arguments: &[&str]) -> Program {
        let mut all = vec!["listen", "--format", "json", "--bind", ":0"];
        all.extend(arguments);
        payout_notify(&all).key(KEY)
    }

    /// Starts a listener that prints JSON.
    #[track_caller]
    pub(crate) fn of(program: Program) -> Listening {
        let running = program.start();
        let ready = running.json_line();
        assert_eq!(ready["type"], "ready", "{ready}");
        let url = ready["url"].as_str().expect("a URL").to_owned();
        let address = url.split("://").nth(1).expect("a scheme").trim_end_matches('/');
        let address = address.parse().expect("an address");
        Listening { running, ready, url, address }
    }

    /// Runs another command under the listener's home, and so with its inbox.
    #[track_caller]
    pub(crate) fn beside(&self, arguments: &[&str]) -> Output {
        payout_notify(arguments).key(KEY).at_home_of(&self.running).run()
    }

    /// The bodies in the inbox, the oldest first.
    #[track_caller]
    pub(crate) fn kept(&self) -> Vec<String> {
        let exported = self.beside(&["inbox", "export"]).exits(0).json_lines();
        exported.iter().map(|line| line["body"].as_str().expect("a body").to_owned()).collect()
    }

    /// The run itself.
    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    /// Posts a body as the platform does.
    #[track_caller]
    pub(crate) fn post(&self, body: &str) -> HttpReply {
        exchange(self.address, json_post(body))
    }

    /// The next line, which must be a callback's.
    #[track_caller]
    pub(crate) fn callback(&self) -> Value {
        let line = self.line();
        assert_eq!(line["type"], "callback", "{line}");
        line
    }

    #[track_caller]
    pub(crate) fn line(&self) -> Value {
        self.running.json_line()
    }

    /// Ends the listener with Ctrl-C.
    #[track_caller]
    pub(crate) fn interrupt(self) -> Ended {
        self.running.interrupt();
        self.end()
    }

    /// Like [`Listening::interrupt`], with the folders of the run.
    #[track_caller]
    pub(crate) fn interrupt_with_folders(self) -> (Output, Sandbox) {
        self.running.interrupt();
        self.running.end_with_folders()
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
