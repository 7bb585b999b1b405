//! A received callback: what came, what it means, what was replied and what the application said.
//!
//! The one description that the terminal, JSON, the inbox and the inspector's page render from.

use std::time::Duration;

use protocol::Mismatch;

use super::callback::{Bytes, Callback};
use super::delivery_counter::Seen;
use super::referee::Breach;
use super::verify::Verdict;
use crate::mask::Untrusted;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its number in the inbox, from 1 and never used twice; 0 where it is not stored.
    pub id: u64,
    pub callback: Callback,
    pub judged: Judged,
    pub replied: Replied,
    pub forwarded: Option<Forwarded>,
    /// What is known only to the listener that received it.
    pub live: Option<Live>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    pub verdict: Verdict,
    pub seen: Option<Seen>,
    pub breaches: Vec<Breach>,
    /// The canonical string, the key masked: for a program, and where the signature does not match.
    pub masked_canonical: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// The platform's code for it, such as `0000` or `0004`.
    pub code: String,
    /// Whether the signature matched; nothing where the callback could not be read.
    pub signature: Option<Match>,
    pub explanation: Option<String>,
    pub order_id: Option<Untrusted<String>>,
    pub status: Option<i64>,
    /// The order's amount in cents.
    pub amount_cents: Option<i64>,
    /// Counts the deliveries of this order within one run of the listener, from 1.
    pub delivery: Option<u64>,
}

impl Judged {
    pub fn is_valid(&self) -> bool {
        self.code == "0000"
    }

    /// As it came: to look for it, not to show it.
    pub fn order_id(&self) -> Option<&str> {
        self.order_id.as_ref().map(|id| id.raw().as_str())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    Matched,
    Mismatched,
}

impl Match {
    pub fn of(mismatch: Option<&Mismatch>) -> Self {
        if mismatch.is_none() { Match::Matched } else { Match::Mismatched }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Match::Matched => "match",
            Match::Mismatched => "mismatch",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replied {
    /// The HTTP status; nothing where no HTTP reply was meant.
    pub status: Option<u16>,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Bytes,
    /// What the reply program did, such as `hang 35s`; nothing for the usual reply.
    pub action: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    pub url: Untrusted<String>,
    pub elapsed: Duration,
    pub result: Result<AppReply, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppReply {
    pub status: u16,
    /// The headers; names in lower case, values as sent.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Bytes,
    pub acknowledges: bool,
    pub remark: Option<String>,
}
