//! A scripted merchant that fails the test if it got more or fewer requests than declared.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{DEADLINE, PAUSE};

/// What the merchant does with one request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scripted {
    /// A status with a body of JSON.
    Json(u16, &'static str),
    /// That it is busy for so many seconds.
    Busy(&'static str),
    /// A redirect to another path of the same merchant.
    Redirect,
    /// Nothing, while the connection stays open.
    Hang,
    /// Nothing, and the connection is closed.
    Close,
}

/// The right reply.
pub(crate) const ACKNOWLEDGE: Scripted = Scripted::Json(200, r#"{"error_code":"0000"}"#);

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// The request line and the headers.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: String,
}

impl Received {
    /// The value of a header; its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// A merchant on a free loopback port.
pub(crate) struct Merchant {
    address: SocketAddr,
    declared: Option<usize>,
    received: Arc<Mutex<Vec<Received>>>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Merchant {
    /// A merchant that expects as many requests as there are steps in the script.
    pub(crate) fn expecting(script: &[Scripted]) -> Merchant {
        let mut merchant = Merchant::tolerating(script);
        merchant.declared = Some(script.len());
        merchant
    }

    /// A merchant that may get fewer requests than there are steps in the script.
    pub(crate) fn tolerating(script: &[Scripted]) -> Merchant {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let closing = Arc::new(AtomicBool::new(false));
        let (log, stop, steps) = (received.clone(), closing.clone(), script.to_vec());
        let thread = thread::spawn(move || serve(&listener, &steps, &log, &stop));
        Merchant { address, declared: None, received, closing, thread: Some(thread) }
    }

    /// Its notify URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/notify?from=platform", self.address)
    }

    /// The requests that came so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("the log").clone()
    }

    /// Waits until this many requests came.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) {
        let start = Instant::now();
        while self.received().len() < count {
            assert!(start.elapsed() < DEADLINE, "{} of {count} requests", self.received().len());
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Merchant {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Connections are taken in order: this one is the last.
        drop(TcpStream::connect(self.address));
        let served = self.thread.take().map(JoinHandle::join);
        if thread::panicking() {
            return;
        }
        assert!(matches!(served, Some(Ok(()))), "the merchant failed");
        let received = self.received();
        if let Some(declared) = self.declared {
            assert_eq!(received.len(), declared, "requests to the merchant: {received:#?}");
        }
    }
}

fn serve(
    listener: &TcpListener,
    script: &[Scripted],
    received: &Mutex<Vec<Received>>,
    closing: &AtomicBool,
) {
    let mut held = Vec::new();
    for stream in listener.incoming() {
        let mut stream = stream.expect("a connection");
        let Some(request) = read_request(&stream) else {
            if closing.load(Ordering::SeqCst) {
                return;
            }
            continue;
        };
        let step = {
            let mut received = received.lock().expect("the log");
            received.push(request);
            // A request too many fails the test in the end; here it is only answered.
            script.get(received.len() - 1).copied().unwrap_or(Scripted::Close)
        };
        let (status, header, body) = match step {
            Scripted::Json(status, body) => (status, String::new(), body),
            Scripted::Busy(seconds) => (503, format!("Retry-After: {seconds}\r\n"), ""),
            Scripted::Redirect => (302, "Location: /elsewhere\r\n".to_owned(), ""),
            Scripted::Hang => {
                held.push(stream);
                continue;
            }
            Scripted::Close => continue,
        };
        let length = body.len();
        // A sender that went away is its own affair.
        let _ = write!(
            stream,
            "HTTP/1.1 {status} Scripted\r\nContent-Type: application/json\r\n{header}\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
    }
}

/// One request; `None` where the connection carries none.
fn read_request(stream: &TcpStream) -> Option<Received> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    let (mut reader, mut head) = (BufReader::new(stream), String::new());
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut request = Received { head, body: String::new() };
    let length = request.header("content-length").and_then(|digits| digits.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    Some(request)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::super::{exchange, json_post};
    use super::*;

    /// Whether a merchant of this script is content after so many requests.
    fn content(script: &[Scripted], requests: usize) -> bool {
        let merchant = Merchant::expecting(script);
        for _ in 0..requests {
            let mut stream = TcpStream::connect(merchant.address).unwrap();
            stream.write_all(json_post("{}").as_bytes()).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        }
        catch_unwind(AssertUnwindSafe(|| drop(merchant))).is_ok()
    }

    #[test]
    fn a_request_too_many_or_too_few_fails() {
        let script = [ACKNOWLEDGE, Scripted::Close];
        assert!(content(&script, 2) && content(&[], 0));
        assert!(!content(&script, 1) && !content(&script, 3) && !content(&[], 1));
    }

    #[test]
    fn the_script_is_played_in_order() {
        let script = [Scripted::Json(503, "busy"), Scripted::Redirect, ACKNOWLEDGE];
        let merchant = Merchant::expecting(&script);
        let replies = script.map(|_| exchange(merchant.address, json_post("{\"a\":1}")));
        assert_eq!(replies.each_ref().map(|reply| reply.status), [503, 302, 200]);
        assert_eq!(replies[2].error_code(), "0000");
        assert_eq!(merchant.received()[1].body, "{\"a\":1}");
    }
}
