//! The received request as a value.

use std::net::SocketAddr;

use jiff::Timestamp;

use crate::mask::Untrusted;

pub use hyper::body::Bytes;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Counts the requests that this server received whole, from 1.
    pub number: u64,
    /// When the last byte of the body was here.
    pub received_at: Timestamp,
    pub remote: SocketAddr,
    /// The method as sent, for example `POST`.
    pub method: Untrusted<String>,
    /// The path and the query as sent, neither decoded nor normalized.
    pub path: Untrusted<String>,
    /// Names in lower case, values as sent. The order is kept; values of one name are together.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Bytes,
}

impl Callback {
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &value[..])
    }

    pub fn content_type(&self) -> Option<&str> {
        self.header("content-type").and_then(|value| std::str::from_utf8(value).ok())
    }
}
