//! What the tests are based on: the program in a place of its own, and both ends of the wire.

mod client;
mod command;
mod group;
mod listener;
mod merchant;
mod ports;
mod sandbox;

use std::time::Duration;

pub(crate) use client::{End, HttpReply, exchange, json_post, raw_exchange};
pub(crate) use command::{Output, Program, Running, payout_notify};
pub(crate) use group::Group;
pub(crate) use listener::{Listening, address_in};
pub(crate) use merchant::{ACKNOWLEDGE, Merchant, Scripted};
pub(crate) use ports::free_port;
pub(crate) use sandbox::Sandbox;

/// The key that the platform's documents print for their examples.
pub(crate) const KEY: &str = "ThisIsYourSecretKey123";

/// How long anything may take before the test fails: a second's work of a debug build takes over a
/// minute where thirty others share the processor.
pub(crate) const DEADLINE: Duration = Duration::from_secs(180);

/// How long to wait before looking again.
pub(crate) const PAUSE: Duration = Duration::from_millis(5);

/// The text of a file below `fixtures/`.
pub(crate) fn fixture(name: &str) -> String {
    let path = format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A file below `fixtures/` as JSON.
pub(crate) fn fixture_json(name: &str) -> serde_json::Value {
    serde_json::from_str(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The payload with a signature made by the program, under [`KEY`].
pub(crate) fn signed(payload: &str) -> String {
    let output = payout_notify(&["sign"]).key(KEY).stdin(payload).run().exits(0);
    output.stdout.trim_end_matches('\n').to_owned()
}

/// The platform's example as a success, signed under [`KEY`].
pub(crate) fn signed_success() -> String {
    signed(&fixture("withdraw-notification.json").replace("\"status\":2", "\"status\":3"))
}
