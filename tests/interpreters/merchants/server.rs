//! A small threaded HTTP/1.1 server whose every byte is in the hands of a merchant.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// The longest body that is read.
pub(crate) const LONGEST_BODY: usize = 1 << 20;

/// How long a connection may be silent.
const SILENCE: Duration = Duration::from_secs(5);

/// A request as it came.
pub(crate) struct Request {
    /// The request line and the headers, names in lower case, to the empty line.
    pub(crate) head: String,
    /// The method.
    pub(crate) method: String,
    /// The content type, in lower case and without parameters.
    pub(crate) content_type: String,
    /// The body: no more than one byte over [`LONGEST_BODY`].
    pub(crate) body: Vec<u8>,
    /// From the end of the head to the end of the body.
    pub(crate) body_took: Duration,
}

/// What a merchant answers.
pub(crate) struct Reply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Header lines, each with its line end.
    pub(crate) headers: &'static str,
    /// The body.
    pub(crate) body: String,
}

/// Who answers requests.
pub(crate) trait Handler: Send + Sync + 'static {
    /// The answer; `None` closes the connection without one.
    fn answer(&self, request: &Request) -> Option<Reply>;

    /// What is done between the answer's head and its body; `stream` tells who is still there.
    fn answering(&self, _request: &Request, _stream: &TcpStream) {}
}

/// A server on a free loopback port, until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    closing: Arc<AtomicBool>,
}

impl Server {
    /// Starts to serve.
    pub(crate) fn start(handler: impl Handler) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (handler, closing) = (Arc::new(handler), Arc::new(AtomicBool::new(false)));
        let stop = closing.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let handler = handler.clone();
                // A client that went away is its own affair.
                thread::spawn(move || drop(serve(&stream, &*handler)));
            }
        });
        Server { address, closing }
    }

    /// Its notify URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/notify", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

fn serve(stream: &TcpStream, handler: &impl Handler) -> io::Result<()> {
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some((request, goes_on)) = read_request(&mut reader, stream)? {
        let Some(reply) = handler.answer(&request) else { return Ok(()) };
        let Reply { status, headers, body } = reply;
        let connection = if goes_on { "keep-alive" } else { "close" };
        let head = format!(
            "HTTP/1.1 {status} Answer\r\n{headers}Content-Length: {}\r\nConnection: {connection}\r\n\r\n",
            body.len()
        );
        let mut writer = stream;
        writer.write_all(head.as_bytes())?;
        handler.answering(&request, stream);
        writer.write_all(body.as_bytes())?;
        if !goes_on {
            // Closing on unread bytes would take the answer back.
            stream.shutdown(std::net::Shutdown::Write)?;
            io::copy(&mut reader.take(64 << 20), &mut io::sink())?;
            return Ok(());
        }
    }
    Ok(())
}

/// One request, and whether another may follow; `None` where the connection ended.
fn read_request(
    reader: &mut BufReader<&TcpStream>,
    stream: &TcpStream,
) -> io::Result<Option<(Request, bool)>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.by_ref().take(16 << 10).read_line(&mut head)? == 0 || head.len() > 64 << 10 {
            return Ok(None);
        }
    }
    let header = |name: &str| {
        let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    if header("expect").is_some() {
        let mut writer = stream;
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let start = std::time::Instant::now();
    let (mut body, limit) = (Vec::new(), LONGEST_BODY + 1);
    let mut goes_on = true;
    if header("transfer-encoding").is_some() {
        goes_on = read_chunks(reader, &mut body)?;
    } else if let Some(length) = header("content-length") {
        let length: usize = length.parse().unwrap_or(usize::MAX);
        reader.take(length.min(limit) as u64).read_to_end(&mut body)?;
        goes_on = body.len() == length;
    }
    goes_on &= !header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let content_type = header("content-type").unwrap_or_default();
    let names_in_lower_case = |line: &str| match line.split_once(':') {
        Some((name, value)) => format!("{}:{value}\r\n", name.to_lowercase()),
        None => format!("{line}\r\n"),
    };
    let request = Request {
        head: head.lines().map(names_in_lower_case).collect(),
        method: head.split(' ').next().unwrap_or_default().to_owned(),
        content_type: content_type.split(';').next().unwrap_or_default().trim().to_lowercase(),
        body,
        body_took: start.elapsed(),
    };
    Ok(Some((request, goes_on)))
}

/// Reads a chunked body; says whether it was read to its end.
fn read_chunks(reader: &mut BufReader<&TcpStream>, body: &mut Vec<u8>) -> io::Result<bool> {
    while body.len() <= LONGEST_BODY {
        let mut line = String::new();
        reader.by_ref().take(80).read_line(&mut line)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(digits, 16) else { return Ok(false) };
        let room = LONGEST_BODY + 1 - body.len();
        reader.by_ref().take(size.min(room) as u64).read_to_end(body)?;
        if size > room {
            return Ok(false);
        }
        reader.by_ref().take(2).read_line(&mut line)?;
        if size == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
