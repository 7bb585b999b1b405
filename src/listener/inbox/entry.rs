//! A kept callback as a value.

use std::time::Duration;

use crate::listener::Bytes;
use crate::listener::callback::Callback;

/// A callback as the inbox keeps it, with what was made of it when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in this inbox, from 1; never used twice.
    pub id: u64,
    /// The request; its `number` counts within one run of the listener.
    pub callback: Callback,
    /// What it was held for.
    pub judged: Judged,
    /// What was answered.
    pub replied: Replied,
    /// What the application behind the listener answered, where there is one.
    pub forwarded: Option<Forwarded>,
}

/// What a callback was held for when it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// The platform's code for it, such as `0000` or `0004`.
    pub code: String,
    /// Whether the signature matched; nothing where the callback could not be read.
    pub signature: Option<Match>,
    /// What was wrong, in words.
    pub explanation: Option<String>,
    /// The order's id, where it could be read.
    pub order_id: Option<String>,
    /// The status number of the order.
    pub status: Option<i64>,
    /// The order's amount in cents.
    pub amount_cents: Option<i64>,
    /// Counts the deliveries of this order within one run of the listener, from 1.
    pub delivery: Option<u64>,
}

impl Judged {
    /// Whether a merchant should acknowledge the callback.
    pub fn is_valid(&self) -> bool {
        self.code == "0000"
    }
}

/// Whether a signature matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// It did.
    Matched,
    /// It did not, or there was none.
    Mismatched,
}

/// What was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replied {
    /// The HTTP status; nothing where no HTTP reply was meant.
    pub status: Option<u16>,
    /// The headers, in the order they are written.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Bytes,
    /// What the reply program did, such as `hang 35s`; nothing for the usual reply.
    pub action: Option<String>,
}

/// What the application behind the listener made of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// Where it was sent.
    pub url: String,
    /// How long the application took.
    pub elapsed: Duration,
    /// Its reply, or why there was none.
    pub result: Result<AppReply, String>,
}

/// The application's reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppReply {
    /// The HTTP status.
    pub status: u16,
    /// The headers; names in lower case, values as sent.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Bytes,
    /// Whether the platform would have taken it for an acknowledgement.
    pub acknowledges: bool,
    /// Why not, or what was odd, in words.
    pub remark: Option<String>,
}
