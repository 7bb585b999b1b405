//! `listen --inspect`: the page's server, as a raw client meets it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use crate::harness::{
    ACKNOWLEDGE, DEADLINE, HttpReply, KEY, Listening, Merchant, exchange, payout_notify,
    signed_success,
};

/// The inspector of a listener.
struct Inspecting {
    listening: Listening,
    address: SocketAddr,
    token: String,
}

impl Inspecting {
    fn start(arguments: &[&str]) -> Inspecting {
        let listening = Listening::start(&[&["--inspect"], arguments].concat());
        let url = listening.ready["inspector"].as_str().expect("a page").to_owned();
        let (address, token) = url
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once("/?token="))
            .unwrap_or_else(|| panic!("{url}"));
        let (address, token) = (address.parse().unwrap(), token.to_owned());
        Inspecting { listening, address, token }
    }

    fn head(&self, method: &str, path: &str, headers: &str) -> String {
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}",
            self.address
        )
    }

    fn get(&self, path: &str, headers: &str) -> HttpReply {
        exchange(self.address, self.head("GET", path, headers) + "\r\n")
    }

    /// The cookie that the printed address is changed for, as a header.
    fn cookie(&self) -> String {
        let reply = self.get(&format!("/?token={}", self.token), "");
        let cookie = reply
            .head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("set-cookie: ").map(str::to_owned)
            })
            .unwrap_or_else(|| panic!("{}", reply.head));
        format!("Cookie: {}\r\n", cookie.split(';').next().unwrap_or_default())
    }

    fn post(&self, path: &str, headers: &str, body: &Value) -> HttpReply {
        let body = body.to_string();
        let head = self.head("POST", path, headers);
        let framing = format!(
            "X-Inspector: 1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        exchange(self.address, head + &framing + &body)
    }
}

#[test]
fn nobody_is_let_in_without_the_token() {
    let inspecting = Inspecting::start(&[]);
    for path in ["/", "/api/state", "/api/callbacks", "/api/events", "/page.js"] {
        assert_eq!(inspecting.get(path, "").status, 401, "{path}");
    }
    assert_eq!(inspecting.get("/?token=00", "").status, 403);
    let cookie = inspecting.cookie();
    assert_eq!(inspecting.get("/api/state", &cookie).status, 200);
    let foreign = format!("{cookie}Origin: http://evil.example\r\n");
    assert_eq!(inspecting.get("/api/state", &foreign).status, 403);
    let request = inspecting.head("GET", "/api/state", &cookie).replacen(
        &format!("Host: {}", inspecting.address),
        "Host: evil.example",
        1,
    );
    assert_eq!(exchange(inspecting.address, request + "\r\n").status, 421);
    let page = inspecting.get("/", &cookie);
    assert!(page.head.to_ascii_lowercase().contains("content-security-policy: default-src 'none'"));
    assert!(!page.body.contains(KEY) && !inspecting.listening.ready.to_string().contains(KEY));
    inspecting.listening.interrupt().output.exits(0).hides(KEY);
}

#[test]
fn a_callback_is_listed_told_at_once_and_sent_again() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE]);
    let inspecting = Inspecting::start(&[]);
    let cookie = inspecting.cookie();
    let mut stream = TcpStream::connect(inspecting.address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let head = inspecting.head("GET", "/api/events", &cookie) + "\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    // The head is whole, so what comes from now on is told.
    assert!(lines.any(|line| line.is_empty()));
    let body = signed_success();
    inspecting.listening.post(&body);
    let event = lines.find(|line| line.starts_with("data: [")).expect("an event");
    assert!(event.contains("POT00000102"), "{event}");
    let list = inspecting.get("/api/callbacks", &cookie);
    assert!(list.status == 200 && list.body.contains("POT00000102"), "{}", list.body);
    let order = json!({"id": 1, "url": merchant.url()});
    let unmarked = inspecting.post("/api/replay", "", &order);
    assert_eq!(unmarked.status, 401);
    let sent = inspecting.post("/api/replay", &cookie, &order);
    assert_eq!(sent.status, 200, "{}", sent.body);
    assert_eq!(merchant.received()[0].body, body);
    drop(lines);
    inspecting.listening.interrupt().output.exits(0);
}

#[test]
fn the_page_is_for_this_machine_only() {
    let refused = payout_notify(&["listen", "--bind", ":0", "--inspect=0.0.0.0:0"]).key(KEY).run();
    refused.exits(2).remarks(&["for this machine only"]);
}
