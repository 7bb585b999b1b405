//! A failed case as a file: the exact bytes, so that it can be sent again without the key.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::case::{Expect, Manner, Message};
use super::trial::Parcel;

pub const MAX_BUNDLE_BYTES: usize = 64 << 20;

const VERSION: u32 = 1;

const MOST: usize = 200;

const MAX_MILLISECONDS: u64 = 60_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The endpoint, without credentials.
    pub url: String,
    pub success_reply: String,
    pub id: String,
    pub group: String,
    pub title: String,
    pub why: String,
    pub fix: String,
    pub control: Option<Message>,
    pub parcels: Vec<Parcel>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BundleError(String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileBundle {
    payout_notify_bundle: u32,
    url: String,
    success_reply: String,
    id: String,
    group: String,
    title: String,
    why: String,
    fix: String,
    control: Option<FileMessage>,
    steps: Vec<FileStep>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileMessage {
    method: String,
    headers: Vec<(String, String)>,
    body_base64: String,
    order_id: String,
    amount_cents: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStep {
    label: String,
    message: FileMessage,
    manner: String,
    at_once: u32,
    after_ms: u64,
    expect: String,
}

impl Bundle {
    pub fn to_json(&self) -> String {
        let file = FileBundle {
            payout_notify_bundle: VERSION,
            url: self.url.clone(),
            success_reply: self.success_reply.clone(),
            id: self.id.clone(),
            group: self.group.clone(),
            title: self.title.clone(),
            why: self.why.clone(),
            fix: self.fix.clone(),
            control: self.control.as_ref().map(FileMessage::of),
            steps: self.parcels.iter().map(FileStep::of).collect(),
        };
        // Texts and numbers alone: it cannot fail.
        let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
        text.push('\n');
        text
    }

    pub fn parse(bytes: &[u8]) -> Result<Bundle, BundleError> {
        let wrong = |text: &str| BundleError(text.to_owned());
        if bytes.len() > MAX_BUNDLE_BYTES {
            return Err(wrong("it is too long"));
        }
        let file: FileBundle =
            serde_json::from_slice(bytes).map_err(|error| BundleError(error.to_string()))?;
        if file.payout_notify_bundle != VERSION {
            return Err(wrong("another version of this program wrote it"));
        }
        if file.steps.is_empty() || file.steps.len() > MOST {
            return Err(wrong("it holds no messages, or too many"));
        }
        Ok(Bundle {
            url: file.url,
            success_reply: file.success_reply,
            id: file.id,
            group: file.group,
            title: file.title,
            why: file.why,
            fix: file.fix,
            control: file.control.map(FileMessage::read).transpose()?,
            parcels: file.steps.into_iter().map(FileStep::read).collect::<Result<_, _>>()?,
        })
    }
}

impl FileMessage {
    fn of(message: &Message) -> FileMessage {
        FileMessage {
            method: message.method.clone(),
            headers: message.headers.clone(),
            body_base64: STANDARD.encode(&message.body),
            order_id: message.order_id.clone(),
            amount_cents: message.amount_cents,
        }
    }

    fn read(self) -> Result<Message, BundleError> {
        let body = STANDARD
            .decode(&self.body_base64)
            .map_err(|error| BundleError(format!("body_base64 cannot be read: {error}")))?;
        Ok(Message {
            method: self.method,
            headers: self.headers,
            body,
            order_id: self.order_id,
            amount_cents: self.amount_cents,
        })
    }
}

impl FileStep {
    fn of(parcel: &Parcel) -> FileStep {
        let named = |known: &[(&str, Expect)]| {
            known.iter().find(|(_, one)| *one == parcel.expect).map_or("", |(name, _)| *name).into()
        };
        FileStep {
            label: parcel.label.clone(),
            message: FileMessage::of(&parcel.message),
            manner: match parcel.manner {
                Manner::Slowly(milliseconds) => format!("slowly {milliseconds}"),
                other => {
                    let known = Manner::NAMES.iter().find(|(_, one)| *one == other);
                    known.map_or("plain", |(name, _)| *name).to_owned()
                }
            },
            at_once: parcel.at_once,
            after_ms: parcel.after.as_millis().try_into().unwrap_or(MAX_MILLISECONDS),
            expect: named(&Expect::NAMES),
        }
    }

    fn read(self) -> Result<Parcel, BundleError> {
        let unknown =
            |what: &str, text: &str| BundleError(format!("the {what} {text:?} is unknown"));
        let slowly = self.manner.strip_prefix("slowly ").and_then(|text| text.parse().ok());
        let slowly = slowly.filter(|one: &u32| u64::from(*one) <= MAX_MILLISECONDS);
        let manner = match slowly {
            Some(milliseconds) => Manner::Slowly(milliseconds),
            None => {
                find(&Manner::NAMES, &self.manner).ok_or_else(|| unknown("manner", &self.manner))?
            }
        };
        let expect = find(&Expect::NAMES, &self.expect);
        if self.at_once == 0 || self.at_once as usize > MOST || self.after_ms > MAX_MILLISECONDS {
            return Err(BundleError("at_once or after_ms is out of its bounds".to_owned()));
        }
        Ok(Parcel {
            expect: expect.ok_or_else(|| unknown("expectation", &self.expect))?,
            label: self.label,
            message: self.message.read()?,
            manner,
            at_once: self.at_once,
            after: Duration::from_millis(self.after_ms),
            // A replay does not look at what is booked.
            may_book: false,
        })
    }
}

fn find<T: Copy>(known: &[(&str, T)], name: &str) -> Option<T> {
    known.iter().find(|(one, _)| *one == name).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle() -> Bundle {
        let message = Message {
            method: "POST".to_owned(),
            headers: vec![("X-A".to_owned(), "b".to_owned())],
            body: b"{\"a\":\xff}".to_vec(),
            order_id: "CHECK-1".to_owned(),
            amount_cents: Some(7),
        };
        let parcel = |manner, expect| Parcel {
            label: "first".to_owned(),
            message: message.clone(),
            manner,
            at_once: 20,
            after: Duration::from_millis(5),
            expect,
            may_book: false,
        };
        Bundle {
            url: "http://127.0.0.1:1/".to_owned(),
            success_reply: "OK".to_owned(),
            id: "x".to_owned(),
            group: "y".to_owned(),
            title: "t".to_owned(),
            why: "w".to_owned(),
            fix: "f".to_owned(),
            control: Some(message.clone()),
            parcels: Manner::NAMES
                .iter()
                .map(|(_, manner)| *manner)
                .chain([Manner::Slowly(9)])
                .zip(Expect::NAMES.iter().cycle())
                .map(|(manner, (_, expect))| parcel(manner, *expect))
                .collect(),
        }
    }

    #[test]
    fn a_bundle_comes_back_as_it_was() {
        assert_eq!(Bundle::parse(bundle().to_json().as_bytes()), Ok(bundle()));
    }

    #[test]
    fn what_is_no_bundle_is_refused() {
        let text = bundle().to_json();
        for (from, to) in [
            ("\"payout_notify_bundle\": 1", "\"payout_notify_bundle\": 2"),
            ("\"at_once\": 20", "\"at_once\": 100000"),
            ("\"after_ms\": 5", "\"after_ms\": 99999999"),
            ("slowly 9", "slowly 999999999"),
            ("\"refused\"", "\"refuse\""),
            ("body_base64\": \"", "body_base64\": \"*"),
            ("\"id\"", "\"ident\""),
        ] {
            assert!(text.contains(from), "{from}");
            assert!(Bundle::parse(text.replacen(from, to, 1).as_bytes()).is_err(), "{to}");
        }
        assert!(Bundle::parse(b"{}").is_err());
    }
}
