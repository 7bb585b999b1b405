//! Serves the inspector with made-up callbacks in memory, to look at the page and to test it.
//!
//! `cargo run --example inspector_demo -- [ENTRIES [PORT]]` prints the address to open. A line on
//! the standard input with a number brings as many new callbacks; its end stops the server.

use std::error::Error;
use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use payout_notify::StatusTable;
use payout_notify::listener::Bytes;
use payout_notify::listener::callback::Callback;
use payout_notify::listener::inbox::entry::{AppReply, Entry, Forwarded, Judged, Match, Replied};
use payout_notify::listener::inspector::{
    Explanation, Inspector, News, Outgoing, Pending, Query, Source, State, sign_again,
};
use payout_notify::listener::limits::Limits;
use payout_notify::listener::server::Server;
use payout_notify::listener::verdict::{Contract, Verdict};
use payout_notify_protocol::{Encoding, Key};
use tokio::sync::mpsc;

/// The made-up key.
const KEY: &[u8] = b"ThisIsYourSecretKey123";

/// Callbacks of one order, and the seconds between them.
const ATTEMPTS: [(u64, i64); 4] = [(0, 0), (1, 15), (2, 45), (3, 165)];

/// An inbox in memory.
struct Memory {
    entries: RwLock<Vec<Arc<Entry>>>,
    contract: Contract,
    key: Key,
}

impl Memory {
    /// Makes one more callback, the newest.
    fn grow(&self, at: Timestamp) -> Option<Arc<Entry>> {
        let mut entries = self.entries.write().ok()?;
        let id = entries.len() as u64 + 1;
        let entry = Arc::new(self.made_up(id, at));
        entries.push(Arc::clone(&entry));
        Some(entry)
    }

    fn made_up(&self, id: u64, received_at: Timestamp) -> Entry {
        let body = self.body(id);
        let callback = Callback {
            number: id,
            received_at,
            remote: SocketAddr::from(([203, 0, 113, 7], 40_000 + (id % 20_000) as u16)),
            method: "POST".to_owned(),
            path: "/notify".to_owned(),
            headers: [
                ("host", "127.0.0.1:8787"),
                ("content-type", "application/json;charset=utf-8"),
                ("user-agent", "payout-platform/1"),
            ]
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .into(),
            body: Bytes::from(body),
        };
        let verdict = self.contract.inspect(&callback, &self.key);
        let reply = self.contract.reply(&verdict);
        let replied = Replied {
            status: Some(reply.status),
            headers: reply.headers,
            body: reply.body,
            action: None,
        };
        let judged = judged(&verdict, id % 4 + 1);
        let forwarded = id.is_multiple_of(3).then(|| Forwarded {
            url: "http://127.0.0.1:3000/notify".to_owned(),
            elapsed: Duration::from_millis(8 + id % 40),
            result: Err("connection refused".to_owned()),
        });
        Entry { id, callback, judged, replied, forwarded }
    }

    /// A body, signed as the rule says or with one of the usual mistakes.
    fn body(&self, id: u64) -> Vec<u8> {
        let (order, status) = (id / 4, [2, 3, 3, 5][(id / 4 % 4) as usize]);
        let memo = match id / 4 % 9 {
            4 => r#"<script>alert(1)</script><img src=x onerror=alert(2)>"#,
            5 => r"\u202egnp.exe\u200b \u001b[31mred",
            6 => "付款成功 🙂",
            _ => "",
        };
        let amount = 10_000 + id / 4 * 7919 % 900_000;
        let text = format!(
            r#"{{"payout_id":"POT{order:08}","payout_cl_id":"order-{order}","platform_id":"PF0014","amount":{amount},"real_amount":{amount},"fee":3200,"status":{status},"create_time":1790000000,"update_time":1790000042,"memo":"{memo}","error_msg":""}}"#
        );
        let signed = sign_again(text.as_bytes(), Encoding::Json, &self.contract, &self.key);
        let signed = String::from_utf8(signed.unwrap_or_default()).unwrap_or_default();
        match id % 17 {
            // The digest in upper case; a value changed on the way; no JSON.
            4 => {
                let (head, sign) = signed.split_at(signed.len().saturating_sub(34));
                format!("{head}{}", sign.to_uppercase()).into_bytes()
            }
            9 => signed.replace("3200", "0").into_bytes(),
            13 => b"payout_id=POT&status=3".to_vec(),
            _ => signed.into_bytes(),
        }
    }
}

fn judged(verdict: &Verdict, delivery: u64) -> Judged {
    let reading = verdict.reading.as_ref();
    let mismatch = reading.and_then(|reading| reading.mismatch());
    Judged {
        code: verdict.code.code().to_owned(),
        signature: reading.map(|_| match mismatch {
            None => Match::Matched,
            Some(_) => Match::Mismatched,
        }),
        explanation: mismatch
            .map(|why| why.explanation())
            .or_else(|| verdict.unreadable.as_ref().map(|why| why.explanation())),
        order_id: reading.and_then(|reading| reading.notification.order_id.clone()),
        status: reading.and_then(|reading| reading.notification.status_code),
        amount_cents: reading.and_then(|reading| reading.notification.amount_cents),
        delivery: Some(delivery),
    }
}

impl Source for Memory {
    fn list(&self, query: &Query) -> Result<Vec<Arc<Entry>>, String> {
        let entries = self.entries.read().map_err(|error| error.to_string())?;
        let wanted = entries.iter().rev().filter(|entry| query.admits(entry));
        Ok(wanted.take(query.limit).cloned().collect())
    }

    fn entry(&self, id: u64) -> Result<Option<Arc<Entry>>, String> {
        let entries = self.entries.read().map_err(|error| error.to_string())?;
        Ok(entries.iter().find(|entry| entry.id == id).cloned())
    }

    fn explain(&self, entry: &Entry) -> Explanation {
        Explanation::new(entry, &self.contract, &self.key, &[])
    }

    fn sign(&self, text: &[u8], encoding: Encoding) -> Result<Vec<u8>, String> {
        sign_again(text, encoding, &self.contract, &self.key)
    }

    fn send(&self, request: Outgoing) -> Pending<Forwarded> {
        // Nothing leaves this example.
        let reply = AppReply {
            status: 200,
            headers: vec![("content-type".to_owned(), b"text/plain".to_vec())],
            body: Bytes::from(format!("took {} bytes", request.body.len())),
            acknowledges: false,
            remark: Some("the reply is no JSON".to_owned()),
        };
        Box::pin(std::future::ready(Forwarded {
            url: request.url,
            elapsed: Duration::from_millis(12),
            result: Ok(reply),
        }))
    }

    fn statuses(&self) -> StatusTable {
        StatusTable::PLATFORM
    }

    fn state(&self) -> State {
        State {
            listen_url: "http://127.0.0.1:8787/".to_owned(),
            key_fingerprint: self.key.fingerprint(),
            dialect: self.contract.dialect.title.to_string(),
            forward_url: Some("http://127.0.0.1:3000/notify".to_owned()),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let entries: u64 = arguments.next().map_or(Ok(10_000), |text| text.parse())?;
    let port: u16 = arguments.next().map_or(Ok(0), |text| text.parse())?;
    let memory = Arc::new(Memory {
        entries: RwLock::default(),
        contract: Contract::default(),
        key: Key::try_new(KEY.to_vec())?,
    });
    let start = Timestamp::now().as_second() - i64::try_from(entries)? * 45;
    for id in 1..=entries {
        let (_, after) = ATTEMPTS[(id % 4) as usize];
        let second = start + i64::try_from(id / 4)? * 180 + after;
        memory.grow(Timestamp::from_second(second)?);
    }
    let server = Server::bind(([127, 0, 0, 1], port).into(), Limits::default()).await?;
    let news = News::new();
    let inspector = Inspector::try_new(
        server.local_addr()?,
        Arc::clone(&memory) as Arc<dyn Source>,
        news.clone(),
        std::slice::from_ref(&memory.key),
    )?;
    writeln!(std::io::stdout(), "{}", inspector.url())?;
    let (stop, stopped) = mpsc::channel(1);
    let closing = inspector.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            for _ in 0..line.trim().parse().unwrap_or(0_u64) {
                if let Some(entry) = memory.grow(Timestamp::now()) {
                    news.tell(entry);
                }
            }
        }
        closing.close();
        let _ = stop.try_send(());
    });
    server.serve(move |request| inspector.handle(request), stopped).await;
    Ok(())
}
