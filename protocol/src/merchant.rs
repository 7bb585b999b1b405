//! What a merchant's server needs: verify a received body, read it, answer it.
//!
//! A thin layer over `protocol`: what is promised to other crates lives here, so that the rooms
//! below can change.

use std::borrow::Cow;

use crate::acknowledgement::ACKNOWLEDGEMENT_BODY;
use crate::dialect::Dialect;
use crate::finding::{Finding, Severity};
use crate::form;
use crate::key::Key;
use crate::layout::{Layout, scalar};
use crate::notification::{Expectation, FieldReader};
use crate::payload::{Encoding, Payload, PayloadError, Value};
use crate::platform_code::{JSON, PlatformCode, content_type_of};
use crate::scheme::Algorithm;
use crate::signature::{self, Answer, Mismatch};
use crate::status::{Kind, Status, StatusTable};
use crate::untrusted::Untrusted;

/// Verifies the body of a notification and reads it.
///
/// By this platform's rules, with MD5 or HMAC-SHA256 as `sign_type` says. Give it the bytes that
/// were received: a body that was decoded and encoded again has other bytes, and another signature.
/// [`Verifier`] demands one digest, or takes another dialect.
///
/// A signature never ages: a notification that was valid once is valid for ever. Look the order up
/// before you credit it.
///
/// ```
/// use payout_notify_protocol::{Acknowledgement, Key, OrderState, verify};
///
/// let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec())?;
/// let body = br#"{"payout_id":"POT00000102","payout_cl_id":"97a968b4a9db497c8c03198e395a38c6",
///     "platform_id":"PF0014","amount":400000,"real_amount":400000,"fee":3200,"status":3,
///     "create_time":1567614049,"update_time":1567614111,
///     "sign":"b41e7887d8c450c2171262e6fe2d41dc"}"#;
/// let notification = verify(body, &key)?;
/// assert_eq!(notification.order_id, "POT00000102");
/// assert_eq!(notification.state(), OrderState::Succeeded);
///
/// let altered = String::from_utf8_lossy(body).replace("400000", "900000");
/// let rejection = verify(altered.as_bytes(), &key).unwrap_err();
/// assert_eq!(Acknowledgement::refuse(&rejection).body(),
///     r#"{"error_code":"0004","error_msg":"bad signature"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A body that is not a valid payload, is not signed with this key, or lacks a field that it must have.
pub fn verify(body: &[u8], key: &Key) -> Result<Notification, Rejection> {
    Verifier::new(key.clone()).verify(body)
}

/// Verifies on other terms than [`verify`]: one digest demanded, another dialect, or form pairs.
///
/// ```
/// use payout_notify_protocol::{Algorithm, Key, Verifier};
///
/// let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec())?;
/// let verifier = Verifier::new(key).require(Algorithm::HmacSha256);
/// let md5 = br#"{"amount":1,"sign":"8a40f3ceb8b526deccf2d4e129c750c1"}"#;
/// assert!(verifier.verify(md5).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    key: Key,
    retired: Vec<Key>,
    dialect: Cow<'static, Dialect>,
    required: Option<Algorithm>,
    encoding: Encoding,
    statuses: StatusTable,
}

impl Verifier {
    /// This platform's rules, as [`verify`] has them.
    #[must_use]
    pub fn new(key: Key) -> Verifier {
        let dialect = Cow::Borrowed(Dialect::platform());
        let (encoding, statuses) = (Encoding::Json, StatusTable::PLATFORM);
        Verifier { key, retired: Vec::new(), dialect, required: None, encoding, statuses }
    }

    /// Accepts what another key has signed too, while the platform rotates its keys;
    /// [`Notification::key`] says which one it was.
    ///
    /// Take it out when the rotation is over: who has a retired key can forge notifications.
    ///
    /// ```
    /// use payout_notify_protocol::{Key, Signer, Verifier, sign};
    ///
    /// let [new, old] = [Key::try_new("new key")?, Key::try_new("old key")?];
    /// let body = sign(br#"{"payout_id":"P1","payout_cl_id":"c1","platform_id":"F1","amount":1,
    ///     "real_amount":1,"fee":0,"status":3,"create_time":1,"update_time":1}"#, &old)?;
    /// assert!(Verifier::new(new.clone()).verify(body.as_bytes()).is_err());
    /// let verifier = Verifier::new(new).retired_key(old);
    /// assert_eq!(verifier.verify(body.as_bytes())?.key, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn retired_key(mut self, key: Key) -> Verifier {
        self.retired.push(key);
        self
    }

    /// Refuses any other digest.
    ///
    /// `sign_type` is outside the signature, so whoever forges a notification chooses it. A
    /// merchant whose orders are all signed with HMAC-SHA256 should demand it.
    #[must_use]
    pub fn require(self, algorithm: Algorithm) -> Verifier {
        Verifier { required: Some(algorithm), ..self }
    }

    /// Verifies as a sibling platform signs.
    ///
    /// ```
    /// use payout_notify_protocol::{Dialect, Encoding, Key, Verifier};
    ///
    /// let epay = Dialect::built_in("epay").ok_or("no such dialect")?.clone();
    /// let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec())?;
    /// let verifier = Verifier::new(key).dialect(epay).encoding(Encoding::Form);
    /// let payload = verifier.verify_payload(b"a=1&b=x+y&sign=a186271de29cf75d0f27c4590dd2739d")?;
    /// assert_eq!(payload.members().len(), 3);
    /// assert_eq!(verifier.acknowledgement().body(), "success");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn dialect(self, dialect: Dialect) -> Verifier {
        Verifier { dialect: Cow::Owned(dialect), ..self }
    }

    /// Reads bodies of this form; JSON unless said otherwise.
    #[must_use]
    pub fn encoding(self, encoding: Encoding) -> Verifier {
        Verifier { encoding, ..self }
    }

    /// Names status numbers by this table, for a deployment whose numbers differ.
    #[must_use]
    pub fn statuses(self, statuses: StatusTable) -> Verifier {
        Verifier { statuses, ..self }
    }

    /// Verifies the body of a notification and reads it.
    ///
    /// # Errors
    /// As [`verify`], and a digest other than the demanded one.
    pub fn verify(&self, body: &[u8]) -> Result<Notification, Rejection> {
        let (payload, algorithm, key) = self.signed(body)?;
        Notification::read(&payload, (algorithm, key), &self.dialect.layout, &self.statuses)
    }

    /// Verifies the signature only, for payloads that are not a notification of this platform.
    ///
    /// # Errors
    /// A body that is not a valid payload, or is not signed as demanded.
    pub fn verify_payload<'b>(&self, body: &'b [u8]) -> Result<Payload<'b>, Rejection> {
        self.signed(body).map(|(payload, ..)| payload)
    }

    /// The reply that acknowledges in this dialect.
    #[must_use]
    pub fn acknowledgement(&self) -> Acknowledgement {
        let body = self.dialect.success_reply.clone();
        let content_type = content_type_of(&body);
        Acknowledgement { status: PlatformCode::Success.status(), content_type, body }
    }

    fn signed<'b>(&self, body: &'b [u8]) -> Result<(Payload<'b>, Algorithm, usize), Rejection> {
        let payload = form::read(body, self.encoding).map_err(Rejection::Unreadable)?;
        let (dialect, required) = (&self.dialect, self.required);
        let found = signature::verify_any(&payload, &self.key, &self.retired, dialect, required);
        match found.answer {
            Answer::Match => Ok((payload, found.scheme.algorithm, found.key)),
            Answer::Mismatch(mismatch) => Err(Rejection::Signature(mismatch)),
        }
    }
}

/// A notification whose signature holds and whose fields can be used.
///
/// Amounts and times are `None` where a deployment writes them in another form than the platform documents:
/// decimal amounts, ISO 8601 times. `findings` says so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notification {
    /// Payout or deposit; their status numbers differ.
    pub kind: Kind,
    /// The platform's order id: `payout_id`, or a deposit's `payment_id`.
    pub order_id: String,
    /// Your own order id: `payout_cl_id`, or a deposit's `payment_cl_id`.
    pub merchant_order_id: String,
    /// Your id at the platform.
    pub platform_id: String,
    /// The order amount as it was written, for deployments whose amounts are no whole cents.
    pub amount_text: String,
    /// The order amount in cents.
    pub amount_cents: Option<i64>,
    /// The amount that was received, in cents; some deployments do not send it.
    pub real_amount_cents: Option<i64>,
    /// The fee in cents.
    pub fee_cents: Option<i64>,
    /// The platform's status number.
    pub status_code: i64,
    /// What the number means, where the platform's table has it.
    pub status: Option<Status>,
    /// When the order was made, in Unix seconds.
    pub create_time: Option<i64>,
    /// When it was last changed, in Unix seconds.
    pub update_time: Option<i64>,
    /// Why it failed, in the platform's words: text from outside, so escape it where you show it.
    pub error_message: Option<String>,
    /// The digest by which it was signed.
    pub algorithm: Algorithm,
    /// Which key signed it: 0 for the verifier's own, then each [`Verifier::retired_key`] in its
    /// order.
    pub key: usize,
    /// What is unusual about the fields; nothing that forbids their use.
    pub findings: Vec<Finding>,
}

/// How far an order has come, as its status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OrderState {
    /// Not final: another notification follows.
    Open,
    /// It ended, and the money arrived.
    Succeeded,
    /// It ended otherwise: cancelled or failed.
    Failed,
    /// The platform's table does not have the number: acknowledge, and ask the platform.
    Unknown,
}

impl Notification {
    fn read(
        payload: &Payload<'_>,
        (algorithm, key): (Algorithm, usize),
        layout: &Layout,
        statuses: &StatusTable,
    ) -> Result<Notification, Rejection> {
        let expectation = Expectation::Notification;
        let reader = FieldReader::new(payload, layout, statuses);
        let mut findings = reader.findings(expectation);
        findings.extend(swallowed(payload, layout));
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(Rejection::Fields(findings));
        }
        let read = reader.notification(expectation);
        let value = |name| Some(&payload.get(layout.name(name)?)?.value);
        let text = |name| scalar(value(name)?).map(str::to_owned);
        let cents = |name| layout.amount_cents(value(name)?);
        // Some dialects do not send every id.
        let unsent = |name| layout.name(name).is_none().then(String::new);
        let ids = (
            read.order_id,
            read.merchant_order_id.or_else(|| unsent("payout_cl_id")),
            read.platform_id.or_else(|| unsent("platform_id")),
        );
        // The findings above name each of these where it is missing.
        let (
            (Some(order_id), Some(merchant_order_id), Some(platform_id)),
            Some(amount_text),
            Some(status_code),
        ) = (ids, text("amount"), read.status_code)
        else {
            return Err(Rejection::Fields(findings));
        };
        Ok(Notification {
            kind: read.kind,
            order_id,
            merchant_order_id,
            platform_id,
            amount_text,
            amount_cents: read.amount_cents,
            real_amount_cents: cents("real_amount"),
            fee_cents: cents("fee"),
            status_code,
            status: read.status,
            create_time: value("create_time").and_then(|time| layout.time(time)),
            update_time: read.update_time,
            error_message: text("error_msg").filter(|text| !text.is_empty()),
            algorithm,
            key,
            findings,
        })
    }

    /// How far the order has come.
    ///
    /// Source: the protocol's section 4. Success is 3 for a payout, unless [`Verifier::statuses`]
    /// says otherwise, and 2 for a deposit; which kind
    /// of failure a number means differs between deployments, so all are one state here.
    #[must_use]
    pub fn state(&self) -> OrderState {
        match self.status {
            None => OrderState::Unknown,
            Some(status) if !status.is_final => OrderState::Open,
            Some(status) if status.name == "success" => OrderState::Succeeded,
            Some(_) => OrderState::Failed,
        }
    }

    /// How many seconds before `now` the order was last changed; negative where it is in the future.
    ///
    /// `now` is in Unix seconds. The platform retries for an hour, and a person may send a
    /// notification again later, so an old one is no reason to refuse; one that is new to you and
    /// days old is a reason to ask the platform.
    #[must_use]
    pub fn age_at(&self, now: i64) -> Option<i64> {
        self.update_time.map(|updated| now.saturating_sub(updated))
    }
}

/// The ids whose text reads as further members.
///
/// Values are signed without escapes, so a member that is moved into the text of another one leaves
/// the signature as it was (the end of the protocol's section 2). No id has such a text by itself.
fn swallowed(payload: &Payload<'_>, layout: &Layout) -> impl Iterator<Item = Finding> {
    let ids = ["payout_id", "payout_cl_id", "payment_id", "payment_cl_id", "platform_id"];
    let named = ids.into_iter().filter_map(|logical| layout.name(logical));
    named.filter_map(|name| match &payload.get(name)?.value {
        Value::String(text) if text.contains('&') && text.contains('=') => Some(Finding {
            severity: Severity::Error,
            code: "pair-in-value",
            member: Some(name.to_owned()),
            message: "the id holds another field: the signature does not tell them apart".into(),
        }),
        _ => None,
    })
}

/// Why a body is not to be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// It is not a valid payload; with the place.
    #[error("the body is not a valid payload")]
    Unreadable(#[source] PayloadError),
    /// It is not signed, or not with this key and rule.
    #[error("{}", .0.explanation())]
    Signature(Mismatch),
    /// The signature holds, but a field is missing or cannot be; with all that was found.
    #[error("a field cannot be used{}", errors(.0))]
    Fields(Vec<Finding>),
}

impl Rejection {
    /// The platform's code for it.
    #[must_use]
    pub fn code(&self) -> PlatformCode {
        match self {
            Rejection::Unreadable(_) => PlatformCode::NotJson,
            Rejection::Signature(_) => PlatformCode::BadSignature,
            Rejection::Fields(_) => PlatformCode::InvalidParameters,
        }
    }
}

fn errors(findings: &[Finding]) -> String {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    let text = |finding: &Finding| {
        let member = finding.member.as_deref().map(Untrusted::new);
        let member = member.map_or_else(|| "the notification".to_owned(), |it| it.to_string());
        format!("; {member}: {}", finding.message)
    };
    errors.map(text).collect()
}

/// What to answer: status, content type and body.
///
/// Refuse with a reason that the platform can act on, and acknowledge the rest: duplicates and
/// failed orders too. Anything but an acknowledgement is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    status: u16,
    content_type: &'static str,
    body: Cow<'static, str>,
}

impl Acknowledgement {
    /// `{"error_code":"0000"}`: the platform stops notifying.
    ///
    /// ```
    /// let reply = payout_notify_protocol::Acknowledgement::ok();
    /// assert_eq!(reply.status(), 200);
    /// assert_eq!(reply.content_type(), "application/json;charset=utf-8");
    /// assert_eq!(reply.body(), r#"{"error_code":"0000"}"#);
    /// ```
    #[must_use]
    pub const fn ok() -> Acknowledgement {
        Acknowledgement {
            status: PlatformCode::Success.status(),
            content_type: JSON,
            body: Cow::Borrowed(ACKNOWLEDGEMENT_BODY),
        }
    }

    /// The refusal that fits a rejection; it has the code, and nothing of the key or the digest.
    #[must_use]
    pub fn refuse(rejection: &Rejection) -> Acknowledgement {
        Acknowledgement::with_code(rejection.code())
    }

    /// The reply with one of the platform's codes, such as `0023` for another method than POST.
    #[must_use]
    pub fn with_code(code: PlatformCode) -> Acknowledgement {
        let body = Cow::Owned(code.body_because(code.message()));
        Acknowledgement { status: code.status(), content_type: JSON, body }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The value of the `Content-Type` header.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }
}

#[cfg(test)]
mod tests;
