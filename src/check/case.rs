//! A case as data: what is sent, step by step, and what a sound endpoint does with it.

use std::time::Duration;

/// One case: a question to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name on the command line and in reports, such as `auth-no-sign`; unique in a suite.
    pub id: String,
    /// The group that it belongs to, such as `authenticity`.
    pub group: String,
    /// The question in one line.
    pub title: String,
    /// Why it matters, in money.
    pub why: String,
    /// How to mend an endpoint that fails.
    pub fix: String,
    /// What a failure is.
    pub severity: Severity,
    /// What must be there for the case to be asked; otherwise it is skipped, and says so.
    pub needs: Vec<Need>,
    /// What must have happened behind the endpoint, where that can be observed.
    pub effect: Effect,
    /// What is done.
    pub work: Work,
}

/// What a failure of a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Money moves wrongly, or a rightful, ordinary notification is not acknowledged.
    Fail,
    /// No money moves by that alone. It still fails where an observer shows a wrong booking, or
    /// where a good notification is refused afterwards.
    Warn,
}

/// What a case needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The URL is https.
    Https,
    /// The URL names a host, not an address.
    HostName,
    /// Orders are signed with HMAC-SHA256, or that is demanded.
    Hmac,
    /// HMAC-SHA256 is demanded: an endpoint that takes MD5 too does it wrong.
    HmacDemanded,
    /// A command that observes the effect was given.
    Observer,
    /// The dialect is the platform's own.
    PlatformDialect,
}

/// The side effect that a case must have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing is said of it.
    Any,
    /// Nothing was credited.
    None,
    /// The order was credited once.
    Once,
    /// The order was credited once or not at all.
    AtMostOnce,
}

/// What is done for a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Notifications are sent, and the replies judged.
    Send(Vec<StepPlan>),
    /// A question about the way to the endpoint, which code answers.
    Probe(String),
    /// Notifications on a compressed retry schedule until one is acknowledged.
    Retry(StepPlan),
}

/// One step as it is written down: how its message is made, and what is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepPlan {
    /// What the step is called in reports; may be empty.
    pub label: String,
    /// How the message is made.
    pub recipe: super::recipe::Recipe,
    /// How it travels.
    pub manner: Manner,
    /// How many are sent at once, behind a barrier; 1 is the usual.
    pub at_once: u32,
    /// A pause before it.
    pub after: Duration,
    /// What a sound endpoint does.
    pub expect: Expect,
}

/// A message that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The method, usually `POST`.
    pub method: String,
    /// Headers beside the usual ones; an empty value takes a usual one out.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// The order's id, so that an observer can be asked about it.
    pub order_id: String,
    /// The order's amount in cents, where it is one.
    pub amount_cents: Option<i64>,
}

/// How a message travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// With its length, on any connection.
    #[default]
    Plain,
    /// Chunked.
    Chunked,
    /// Slowly: the body takes this many milliseconds.
    Slowly(u32),
    /// The writing half is closed after the body.
    HalfClosed,
    /// `Expect: 100-continue` is sent.
    ExpectContinue,
    /// The request is delivered and the reply thrown away.
    ReplyLost,
    /// On a connection of its own.
    Fresh,
}

impl Manner {
    /// Each manner that is one word, with that word; [`Manner::Slowly`] has a time besides.
    pub const NAMES: [(&'static str, Manner); 6] = [
        ("plain", Manner::Plain),
        ("chunked", Manner::Chunked),
        ("half-closed", Manner::HalfClosed),
        ("expect-continue", Manner::ExpectContinue),
        ("reply-lost", Manner::ReplyLost),
        ("fresh", Manner::Fresh),
    ];
}

/// What a sound endpoint does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It acknowledges.
    Acknowledged,
    /// It does not acknowledge, however it says so.
    NotAcknowledged,
    /// It refuses in order: a 4xx or another code, no 5xx, no silence.
    Refused,
    /// It answers in order: it acknowledges or refuses, without a 5xx and without silence.
    Answered,
    /// It may do as it likes; an observer looks at the effect.
    Anything,
}

impl Expect {
    /// Each expectation with its name in case files and bundles.
    pub const NAMES: [(&'static str, Expect); 5] = [
        ("acknowledged", Expect::Acknowledged),
        ("not-acknowledged", Expect::NotAcknowledged),
        ("refused", Expect::Refused),
        ("answered", Expect::Answered),
        ("anything", Expect::Anything),
    ];
}
