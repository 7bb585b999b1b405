//! What comes from outside, with the key in each of its parts.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::forms::{forms, in_url};

/// All forms of the key as one text.
pub(super) fn all(key: &str) -> String {
    forms(key).join("|")
}

/// Payloads with the key in each name and value, in several encodings.
pub(super) fn payloads(key: &str) -> Vec<String> {
    let with = |sign: &str| {
        json!({
            "payout_id": key, "payout_cl_id": format!("x{key}"), "platform_id": key, "amount": key,
            "real_amount": 1, "fee": key, "status": 3, "create_time": key, "update_time": 5,
            "memo": all(key), (format!("n{key}")): "v", "list": [key, {(key): key}],
            "error_msg": key, "sign_type": "MD5", "sign": sign,
        })
    };
    let quoted = Value::from(key);
    let digest = "00000000000000000000000000000000";
    vec![
        with(key).to_string(),
        with(digest).to_string().replace('/', "\\/"),
        with("x").to_string().replace("\"status\":3", &format!("\"status\":{quoted}")),
        with("x").to_string().replace("\"MD5\"", &quoted.to_string()),
        json!({"payout_id": key, "amount": 1, "fee": 2, "status": 3, "sign": digest}).to_string(),
        format!("memo={0}&{0}=1&sign={0}", in_url(key)),
        format!("{{{quoted}:1,{quoted}:2}}"),
        format!("{{\"a\":{quoted} x}}"),
        format!("{{\"a\":{quoted}"),
        key.to_owned(),
    ]
}

/// What a merchant under development replies: headers and body.
pub(super) fn replies(key: &str) -> Vec<(String, String)> {
    let quoted = Value::from(key);
    let usual = "HTTP/1.1 200 OK\r\nContent-Type: application/json";
    let mut bodies = forms(key);
    bodies.extend([
        json!({"error_code": key, "error_msg": key, (key): [key]}).to_string(),
        json!({"error_code": "0001", "error_msg": format!("{}{key}", "x".repeat(60))}).to_string(),
        json!({"error_code": "0001", "error_msg": all(key)}).to_string(),
        format!("{{\"error_code\":\"0000\",{quoted}:{quoted}}}"),
        format!("{{{quoted}:1,{quoted}:2}}"),
        format!("<html><title>{key}</title><body>{key}</body></html>"),
        format!("<xml><return_code>{key}</return_code><return_msg>{key}</return_msg></xml>"),
        format!("success{key}"),
    ]);
    let mut found: Vec<_> = bodies.into_iter().map(|body| (usual.to_owned(), body)).collect();
    let body = json!({"error_code": "0000"}).to_string();
    for head in [
        format!("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/{0}?k={0}", in_url(key)),
        format!("HTTP/1.1 302 Found\r\nLocation: {key}://h/"),
        format!("HTTP/1.1 503 {key}\r\nRetry-After: {key}\r\nServer: {key}"),
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/{key}; charset={key}"),
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: {key}"),
        format!("HTTP/1.1 200 OK\r\nSet-Cookie: a={0}\r\nX-{1}: b", in_url(key), token(key)),
        format!("HTTP/1.1 {key}"),
        format!("HTTP/1.1 200 OK\r\n{key}"),
        key.to_owned(),
    ] {
        found.push((head, body.clone()));
    }
    found
}

/// The part of the key that a header's name can have.
fn token(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// A request with the key in its path, query, headers and body.
pub(super) fn request(key: &str, payload: &str) -> String {
    let mut text = format!(
        "POST /{0}?a={0}&b={1} HTTP/1.1\r\nHost: merchant\r\nConnection: close\r\n\
         Content-Type: application/json\r\nX-{2}: {key}\r\nCookie: a={0}\r\n\
         Authorization: Basic {3}\r\nUser-Agent: {key}\r\n",
        in_url(key),
        in_url(key).replace("%20", "+"),
        token(key),
        STANDARD.encode(format!("u:{key}")),
    );
    for (index, form) in forms(key).iter().enumerate() {
        let _ = write!(text, "X-Form-{index}: {form}\r\n");
    }
    let _ = write!(text, "Content-Length: {}\r\n\r\n{payload}", payload.len());
    text
}

/// Requests that a server refuses, with the key where it is refused.
pub(super) fn odd_requests(key: &str) -> Vec<String> {
    let url = in_url(key);
    vec![
        format!("{url} / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
        format!("POST / HTTP/{key}\r\nHost: h\r\n\r\n"),
        format!("GET /{url} HTTP/1.1\r\nHost: {url}\r\nConnection: close\r\n\r\n"),
        format!("POST /{url} HTTP/1.1\r\nHost: h\r\nContent-Length: {key}\r\n\r\n"),
        format!("POST /{url} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: {key}\r\n\r\n"),
        format!("POST / HTTP/1.1\r\nHost: h\r\n{key}\r\n\r\n"),
        format!(
            "POST /{url} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: a/{key}\r\n\
             Content-Encoding: {key}\r\nContent-Length: 2\r\n\r\n{{}}"
        ),
        format!(
            "POST /reply/{url} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        ),
        format!(
            "POST /reply/header:X-K={url} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
             Content-Length: 0\r\n\r\n"
        ),
        format!("{key}\r\n\r\n"),
    ]
}

/// A table of orders with the key in each field that can hold a text.
pub(super) fn csv(key: &str) -> String {
    let names = "payout_id,payout_cl_id,platform_id,amount,real_amount,fee,status,create_time,\
                 update_time,memo";
    let (csv, all) = (key.replace('"', "\"\""), all(key).replace('"', "\"\""));
    let row = |n: u8| format!("\"{csv}{n}\",\"x{csv}\",\"{csv}\",1,1,0,3,1,1,\"{all}\"\n");
    format!("{names}\n{}{}", row(1), row(2))
}

/// A server that gives every request one reply.
pub(super) struct Repeating {
    pub(super) address: SocketAddr,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Repeating {
    pub(super) fn saying(head: &str, body: &str) -> Repeating {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let closing = Arc::new(AtomicBool::new(false));
        let length = body.len();
        let (stop, reply) = (
            closing.clone(),
            format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"),
        );
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let reply = reply.clone();
                thread::spawn(move || answer(stream.unwrap(), &reply));
            }
        });
        Repeating { address, closing, thread: Some(thread) }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }
}

impl Drop for Repeating {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn answer(mut stream: TcpStream, reply: &str) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        let header = line.to_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let _ = reader.take(length).read_to_end(&mut Vec::new());
    let _ = stream.write_all(reply.as_bytes());
}
