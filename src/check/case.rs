//! A case as data: what is sent, step by step, and what a sound endpoint does with it.

use std::time::Duration;

use super::fault::Fault;
use crate::mask::Untrusted;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest pause before a step, and the slowest upload, in milliseconds.
pub const MAX_MILLISECONDS: u32 = 60_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub id: String,
    pub group: String,
    pub title: String,
    pub why: String,
    pub fix: String,
    pub severity: Severity,
    /// What must be there for the case to be asked; otherwise it is skipped, and says so.
    pub needs: Vec<Need>,
    /// What must have happened behind the endpoint, where that can be observed.
    pub effect: Effect,
    /// The case whose notification must be taken before this one means anything.
    pub after: Option<String>,
    pub work: Work,
}

impl Case {
    /// What a case sends, in order; nothing where it probes.
    pub(super) fn notifications(&self) -> &[StepPlan] {
        if let Work::Retry(step) = &self.work { std::slice::from_ref(step) } else { self.steps() }
    }

    /// The steps of a case that sends; none where it probes or retries.
    pub fn steps(&self) -> &[StepPlan] {
        if let Work::Send(steps) = &self.work { steps } else { &[] }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Fail,
    Warn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Need {
    Https,
    HostName,
    /// Orders are signed with HMAC-SHA256, or that is demanded.
    Hmac,
    /// HMAC-SHA256 is demanded: an endpoint that takes MD5 too does it wrong.
    HmacDemanded,
    Observer,
    /// The merchant knows the orders and their amounts.
    KnownOrders,
    PlatformDialect,
}

impl Need {
    /// Why a case that has it is not asked.
    pub(super) fn lacking(self) -> &'static str {
        match self {
            Need::Https => "the URL is not https",
            Need::HostName => "the URL names an address, not a host",
            Need::Hmac => "orders are not signed with HMAC-SHA256 (--sign-type hmac-sha256)",
            Need::HmacDemanded => "HMAC-SHA256 is not demanded (--require hmac-sha256)",
            Need::Observer => "nothing observes the side effect (--observe)",
            Need::KnownOrders => "the merchant knows no orders of this check (--orders, --prepare)",
            Need::PlatformDialect => "it is about the platform's own dialect",
        }
    }
}

/// The side effect that a case must have left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Effect {
    Any,
    /// A success is not booked.
    None,
    /// The first final status that is acknowledged is booked, once; nothing forged is.
    #[default]
    Once,
    /// The same, and nothing need be booked.
    AtMostOnce,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    Send(Vec<StepPlan>),
    Probe(Probe),
    Retry(StepPlan),
}

/// A question about the way to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Probe {
    Dns,
    Connect,
    Tls,
    Redirect,
    Html,
    ContentType,
    Latency,
    KeepAlive,
    Ipv6,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepPlan {
    /// What the step is called in reports; may be empty.
    pub label: String,
    pub recipe: super::recipe::Recipe,
    pub manner: Manner,
    /// How many are sent at once, behind a barrier; 1 is the usual.
    pub at_once: u32,
    /// It is sent together with the step after it.
    pub with_next: bool,
    /// It is one of many orders beside the one that the case is about.
    pub is_company: bool,
    pub after: Duration,
    pub expect: Expect,
    /// What happens to the merchant meanwhile; `check --explore` alone can do it.
    pub fault: Option<Fault>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub method: String,
    /// Headers beside the usual ones; an empty value takes a usual one out.
    pub headers: Vec<(String, String)>,
    /// What follows the URL's own query, percent-encoded; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// The body, byte for byte.
    #[serde(rename = "body_base64", serialize_with = "encode", deserialize_with = "decode")]
    pub body: Vec<u8>,
    /// The order's id, so that an observer can be asked about it.
    pub order_id: String,
    /// The merchant's own id of the order.
    #[serde(default)]
    pub client_id: String,
    /// The order's amount in cents, where it is one.
    pub amount_cents: Option<i64>,
    /// The status as it was signed, as JSON; of a body that is not read.
    #[serde(skip)]
    pub signed_status: Option<String>,
}

fn encode<S: Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(body))
}

fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let cannot = |error| de::Error::custom(format!("body_base64 cannot be read: {error}"));
    STANDARD.decode(String::deserialize(deserializer)?).map_err(cannot)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(into = "String", try_from = "String")]
pub enum Manner {
    #[default]
    Plain,
    Chunked,
    /// Slowly: the body takes this many milliseconds.
    #[value(skip)]
    Slowly(u32),
    HalfClosed,
    /// `Expect: 100-continue` is sent.
    ExpectContinue,
    ReplyLost,
    Fresh,
}

impl From<Manner> for String {
    fn from(manner: Manner) -> String {
        match (manner, manner.to_possible_value()) {
            (Manner::Slowly(milliseconds), _) => format!("slowly {milliseconds}"),
            (_, name) => name.map_or("plain".to_owned(), |name| name.get_name().to_owned()),
        }
    }
}

impl TryFrom<String> for Manner {
    type Error = String;

    fn try_from(text: String) -> Result<Manner, String> {
        let slowly = text.strip_prefix("slowly ").and_then(|time| time.parse().ok());
        if let Some(milliseconds) = slowly.filter(|time| *time <= MAX_MILLISECONDS) {
            return Ok(Manner::Slowly(milliseconds));
        }
        ValueEnum::from_str(&text, false)
            .map_err(|_| format!("the manner {:?} is unknown", Untrusted::new(&text)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    Acknowledged,
    /// It does not acknowledge, however it says so.
    NotAcknowledged,
    /// It refuses in order: a 4xx or another code, no 5xx, no silence.
    Refused,
    /// It answers in order: it acknowledges or refuses, without a 5xx and without silence.
    Answered,
    Anything,
}

impl Expect {
    /// Whether a sound endpoint does not acknowledge, so that nothing may be booked.
    pub fn is_bad(self) -> bool {
        matches!(self, Expect::NotAcknowledged | Expect::Refused)
    }
}
