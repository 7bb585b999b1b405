//! A raw HTTP client: the bytes go out as they are.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use serde_json::Value;

use super::DEADLINE;

/// What came back on a connection.
#[derive(Debug)]
pub(crate) struct HttpReply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The status line and the headers, as they came.
    pub(crate) head: String,
    /// Everything after them.
    pub(crate) body: String,
}

impl HttpReply {
    /// The member `error_code` of the body.
    #[track_caller]
    pub(crate) fn error_code(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).expect("a reply of JSON");
        body["error_code"].as_str().expect("a string").to_owned()
    }
}

/// How the other side ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In order.
    Closed,
    /// With a reset.
    Reset,
}

/// Sends bytes on a fresh connection and gives whatever comes until its end.
#[track_caller]
pub(crate) fn raw_exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> (String, End) {
    let mut stream = TcpStream::connect(address).expect("a listener");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    stream.write_all(request.as_ref()).expect("a request that is taken");
    let mut bytes = Vec::new();
    let end = match stream.read_to_end(&mut bytes) {
        Ok(_) => End::Closed,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => End::Reset,
        Err(error) => panic!("{error}"),
    };
    (String::from_utf8_lossy(&bytes).into_owned(), end)
}

/// Sends bytes on a fresh connection and reads until the other side closes it.
///
/// The request must ask for `Connection: close`.
#[track_caller]
pub(crate) fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> HttpReply {
    let mut stream = TcpStream::connect(address).expect("a listener");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    stream.set_write_timeout(Some(DEADLINE)).expect("a timeout");
    // A listener may refuse in the middle; what it answered counts.
    let _ = stream.write_all(request.as_ref());
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let _ = stream.shutdown(Shutdown::Both);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no reply: {text:?}"));
    let status = head.split(' ').nth(1).and_then(|digits| digits.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no status: {head:?}"));
    HttpReply { status, head: head.to_owned(), body: body.to_owned() }
}

/// A POST of JSON, as the platform sends it.
pub(crate) fn json_post(body: &str) -> String {
    format!(
        "POST /notify HTTP/1.1\r\nHost: merchant\r\nConnection: close\r\n\
         Content-Type: application/json;charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
