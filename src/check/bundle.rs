//! A failed case as a file: the exact bytes, so that it can be sent again without the key.

use crate::mask::quoting;
use protocol::Transport;
use serde::{Deserialize, Serialize};

use super::case::{MAX_MILLISECONDS, Message};
use super::trial::Parcel;

pub const MAX_BUNDLE_BYTES: usize = 64 << 20;

pub(super) const VERSION: u32 = 1;

const MOST: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    #[serde(rename = "payout_notify_bundle")]
    pub(super) version: u32,
    /// The endpoint, without credentials.
    pub url: String,
    pub success_reply: String,
    /// Where the messages' fields are; `None` where they are JSON in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    pub id: String,
    pub group: String,
    pub title: String,
    pub why: String,
    pub fix: String,
    pub control: Option<Message>,
    #[serde(rename = "steps")]
    pub parcels: Vec<Parcel>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BundleError(String);

impl Bundle {
    pub fn transport(&self) -> Transport {
        let is_it = |known: &Transport| self.transport.as_deref() == Some(known.name());
        Transport::ALL.into_iter().find(is_it).unwrap_or(Transport::Json)
    }

    pub fn to_json(&self) -> String {
        // Texts and numbers alone: it cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    pub fn parse(bytes: &[u8]) -> Result<Bundle, BundleError> {
        let wrong = |text: &str| Err(BundleError(text.to_owned()));
        if bytes.len() > MAX_BUNDLE_BYTES {
            return wrong("it is too long");
        }
        let bundle: Bundle = serde_json::from_slice(bytes)
            .map_err(|error| BundleError(quoting(&error.to_string())))?;
        if bundle.version != VERSION {
            return wrong("another version of this program wrote it");
        }
        if bundle.parcels.is_empty() || bundle.parcels.len() > MOST {
            return wrong("it has no messages, or too many");
        }
        let is_bounded = |one: &Parcel| {
            (1..=MOST as u32).contains(&one.at_once)
                && one.after.as_millis() <= MAX_MILLISECONDS.into()
        };
        if !bundle.parcels.iter().all(is_bounded) {
            return wrong("at_once or after_ms is out of its bounds");
        }
        Ok(bundle)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::ValueEnum;

    use super::*;
    use crate::check::case::{Expect, Manner};
    use crate::check::demand::Outcome;

    fn bundle() -> Bundle {
        let message = Message {
            method: "POST".to_owned(),
            headers: vec![("X-A".to_owned(), "b".to_owned())],
            query: String::new(),
            body: b"{\"a\":\xff}".to_vec(),
            order_id: "CHECK-1".to_owned(),
            client_id: "CHECK-C1".to_owned(),
            amount_cents: Some(7),
            signed_status: None,
        };
        let parcel = |manner, expect| Parcel {
            label: "first".to_owned(),
            message: message.clone(),
            manner,
            at_once: 20,
            after: Duration::from_millis(5),
            expect,
            with_next: false,
            is_company: false,
            books: Outcome::Open,
        };
        Bundle {
            version: VERSION,
            url: "http://127.0.0.1:1/".to_owned(),
            success_reply: "OK".to_owned(),
            transport: Some("form".to_owned()),
            id: "x".to_owned(),
            group: "y".to_owned(),
            title: "t".to_owned(),
            why: "w".to_owned(),
            fix: "f".to_owned(),
            control: Some(message.clone()),
            parcels: Manner::value_variants()
                .iter()
                .chain(&[Manner::Slowly(9)])
                .zip(Expect::value_variants().iter().cycle())
                .map(|(manner, expect)| parcel(*manner, *expect))
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
