//! What a callback means: the same parse, verify and field rules that `verify` uses.

use protocol::internal::canonical::canonicalize;
use protocol::internal::form;
use protocol::internal::notification::{Expectation, FieldReader, Notification};
use protocol::internal::payload::PayloadMemory;
use protocol::internal::platform_code::content_type_of;
use protocol::internal::signature::Verification;
use protocol::{
    Algorithm, Dialect, Encoding, Finding, Mismatch, Payload, PayloadError, Severity, StatusTable,
    Transport, is_json_type,
};

use super::callback::Callback;
use super::reply::{PlatformCode, Reply};
use crate::keyring::{KeyLabel, Keyring};
use crate::mask::Untrusted;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub code: PlatformCode,
    pub unreadable: Option<Unreadable>,
    pub reading: Option<Reading>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the method is {}; it must be {wanted}", Untrusted::new(.given))]
    Method { given: String, wanted: &'static str },
    #[error("{}; it must be {wanted}", content_type(.given.as_deref()))]
    ContentType { given: Option<String>, wanted: &'static str },
    #[error("the body is compressed ({}); it must be sent as it was signed, without compression", Untrusted::new(.0))]
    Compressed(String),
    #[error("the body is JSON, but {}; expected {wanted}", content_type(.given.as_deref()))]
    JsonAs { given: Option<String>, wanted: &'static str },
    #[error("the body is not a valid payload: {0}")]
    Payload(PayloadError),
    #[error("the query string is not a valid payload: {0}")]
    Query(PayloadError),
}

fn content_type(given: Option<&str>) -> String {
    match given {
        None => "there is no content type".to_owned(),
        Some(given) => format!("the content type is {}", Untrusted::new(&given)),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub notification: Notification,
    pub verification: Verification,
    /// Which of several keys signed it.
    pub key: Option<KeyLabel>,
    pub findings: Vec<Finding>,
}

impl Reading {
    pub fn mismatch(&self) -> Option<&Mismatch> {
        self.verification.mismatch()
    }

    /// Made where it is shown: most callbacks are valid, and nobody looks at theirs.
    pub fn masked_canonical(&self, payload: &Payload<'_>) -> String {
        let scheme = &self.verification.scheme;
        canonicalize(payload, scheme).masked(scheme)
    }
}

impl Verdict {
    pub fn is_valid(&self) -> bool {
        self.code == PlatformCode::Success
    }

    pub fn order_id(&self) -> Option<&str> {
        self.reading.as_ref()?.notification.order_id.as_deref()
    }

    /// Why it cannot be read, or why the signature does not match.
    pub fn explanation(&self) -> Option<String> {
        let unreadable = self.unreadable.as_ref().map(ToString::to_string);
        unreadable.or_else(|| Some(self.reading.as_ref()?.mismatch()?.explanation()))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accepts {
    #[default]
    Json,
    Form,
    Query,
    Xml,
    Any,
}

impl Accepts {
    /// The form in which a dialect's callbacks come.
    pub fn of(transport: Transport) -> Accepts {
        match transport {
            Transport::Form => Accepts::Form,
            Transport::Query => Accepts::Query,
            Transport::Xml => Accepts::Xml,
            _ => Accepts::Json,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Contract {
    pub dialect: &'static Dialect,
    pub required: Option<Algorithm>,
    pub accepts: Accepts,
    pub statuses: StatusTable,
}

impl Default for Contract {
    fn default() -> Self {
        Contract {
            dialect: Dialect::platform(),
            required: None,
            accepts: Accepts::Json,
            statuses: StatusTable::PLATFORM,
        }
    }
}

/// Where a readiness probe asks.
pub const HEALTH_PATH: &str = "/healthz";

/// A callback's payload, or why it cannot be read and the platform's code for that.
pub type Parsed<'c> = Result<Payload<'c>, (PlatformCode, Unreadable)>;

#[cfg(test)]
thread_local! {
    /// How many callbacks this thread has parsed.
    pub static PARSES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

const FORM: &str = "application/x-www-form-urlencoded";
const XML: &str = "text/xml";

impl Contract {
    /// Inspects a callback as a careful merchant does. Source of the codes: the protocol's section
    /// 3; a broken form or query is "invalid parameters" (ours).
    pub fn inspect(&self, payload: &Parsed<'_>, keys: &Keyring) -> Verdict {
        match payload {
            Ok(payload) => self.read(payload, keys),
            Err((code, why)) => {
                Verdict { code: *code, unreadable: Some(why.clone()), reading: None }
            }
        }
    }

    pub fn reply(&self, verdict: &Verdict) -> Reply {
        match verdict.code {
            PlatformCode::Success => Reply::success(&*self.dialect.success_reply),
            code if self.dialect.layout.transport == Transport::Xml => {
                let message = code.message();
                let body = format!(
                    "<xml><return_code>FAIL</return_code><return_msg>{message}</return_msg></xml>"
                );
                let kind = content_type_of(&body);
                self.with_methods(Reply::new(code.status(), kind, body).with_allow(code))
            }
            code => self.with_methods(Reply::platform(code)),
        }
    }

    /// Whether a request is a readiness probe: a `GET` or `HEAD` that no callback of this form is.
    pub fn is_probe(&self, callback: &Callback) -> bool {
        let may_be_callback = match self.accepts {
            Accepts::Json | Accepts::Form | Accepts::Xml => false,
            Accepts::Query => true,
            Accepts::Any => callback.path.raw().contains('?'),
        };
        matches!(callback.method.raw().as_str(), "GET" | "HEAD")
            && (!may_be_callback || callback.path.raw() == HEALTH_PATH)
    }

    fn with_methods(&self, mut reply: Reply) -> Reply {
        let allow = reply.headers.iter_mut().find(|(name, _)| name == "Allow");
        if let (Some((_, methods)), Accepts::Query | Accepts::Any) = (allow, self.accepts) {
            let query = self.query_method();
            let taken = if self.accepts == Accepts::Query { query } else { "GET, POST" };
            *methods = taken.into();
        }
        reply
    }

    /// The payload of a callback, in the form in which it must come.
    pub fn payload<'c>(&self, callback: &'c Callback) -> Parsed<'c> {
        self.payload_in(callback, PayloadMemory::default())
    }

    /// The same in memory that another callback's payload left.
    pub fn payload_in<'c>(&self, callback: &'c Callback, memory: PayloadMemory) -> Parsed<'c> {
        #[cfg(test)]
        PARSES.with(|parses| parses.set(parses.get() + 1));
        let encoding = self.encoding(callback);
        let wanted = if encoding == Encoding::Query { self.query_method() } else { "POST" };
        if callback.method.raw() != wanted {
            let given = callback.method.raw().clone();
            let why = Unreadable::Method { given, wanted };
            return Err((PlatformCode::UnsupportedMethod, why));
        }
        let unsupported = |why| Err((PlatformCode::UnsupportedContentType, why));
        if let Some(name) = compression(callback) {
            return unsupported(Unreadable::Compressed(name));
        }
        let given = || {
            let value = callback.header("content-type");
            value.map(|value| String::from_utf8_lossy(value).into_owned())
        };
        let is_json_type = callback.content_type().is_some_and(is_json_type);
        if encoding != Encoding::Query && !is_json_type && is_json_object(&callback.body) {
            let wanted = match self.accepts {
                Accepts::Form => "a form body",
                Accepts::Xml => "XML",
                _ => "application/json",
            };
            return unsupported(Unreadable::JsonAs { given: given(), wanted });
        }
        let lacks =
            |expected| !callback.content_type().is_some_and(|given| is_type(given, expected));
        let wanted = match encoding {
            Encoding::Query => None,
            Encoding::Form => lacks(FORM).then_some(FORM),
            Encoding::Xml => (lacks(XML) && lacks("application/xml")).then_some(XML),
            _ if is_json_type => None,
            _ => Some("application/json"),
        };
        if let Some(wanted) = wanted {
            return unsupported(Unreadable::ContentType { given: given(), wanted });
        }
        match encoding {
            Encoding::Form | Encoding::Xml => form::read(&callback.body, encoding)
                .map_err(|error| (PlatformCode::InvalidParameters, Unreadable::Payload(error))),
            Encoding::Query => {
                let query =
                    callback.path.raw().find('?').map_or("", |at| &callback.path.raw()[at..]);
                form::read(query.as_bytes(), encoding)
                    .map_err(|error| (PlatformCode::InvalidParameters, Unreadable::Query(error)))
            }
            _ => Payload::parse_in(&callback.body, memory)
                .map_err(|error| (PlatformCode::NotJson, Unreadable::Payload(error))),
        }
    }

    /// The form in which a callback must come; where any is taken, the one that it says it has.
    fn encoding(&self, callback: &Callback) -> Encoding {
        let is = |expected| callback.content_type().is_some_and(|given| is_type(given, expected));
        let is_query = callback.path.raw().contains('?')
            && (callback.method.raw() == "GET"
                || (callback.body.is_empty() && self.dialect.layout.transport == Transport::Query));
        match self.accepts {
            Accepts::Json => Encoding::Json,
            Accepts::Form => Encoding::Form,
            Accepts::Query => Encoding::Query,
            Accepts::Xml => Encoding::Xml,
            Accepts::Any if is_query => Encoding::Query,
            Accepts::Any if is(FORM) => Encoding::Form,
            Accepts::Any if is(XML) || is("application/xml") => Encoding::Xml,
            Accepts::Any if callback.content_type().is_some_and(is_json_type) => Encoding::Json,
            // Nothing that is known came: what the dialect sends should have.
            Accepts::Any => match self.dialect.layout.transport {
                Transport::Query => Encoding::Query,
                transport => transport.encoding(),
            },
        }
    }

    fn query_method(&self) -> &'static str {
        let layout = &self.dialect.layout;
        if layout.transport == Transport::Query && layout.method == "POST" { "POST" } else { "GET" }
    }

    pub fn notification(&self, payload: &Payload<'_>) -> Notification {
        let layout = &self.dialect.layout;
        Notification::read(payload, Expectation::Notification, layout, &self.statuses)
    }

    fn expectation(&self) -> Expectation {
        if self.dialect.id == Dialect::platform().id {
            Expectation::Notification
        } else {
            Expectation::AnyPayload
        }
    }

    fn read(&self, payload: &Payload<'_>, keys: &Keyring) -> Verdict {
        let verification = keys.verify(payload, self.dialect, self.required);
        let is_match = verification.mismatch().is_none();
        let fields = FieldReader::new(payload, &self.dialect.layout, &self.statuses);
        let reading = Reading {
            notification: fields.notification(Expectation::Notification),
            findings: fields.findings(self.expectation()),
            key: keys.label(verification.key).filter(|_| is_match),
            verification,
        };
        let code = if reading.mismatch().is_some() {
            PlatformCode::BadSignature
        } else if reading.findings.iter().any(|finding| finding.severity == Severity::Error) {
            PlatformCode::InvalidParameters
        } else {
            PlatformCode::Success
        };
        Verdict { code, unreadable: None, reading: Some(reading) }
    }
}

/// The compression of a body, by its header or else by the first bytes, which begin no payload.
fn compression(callback: &Callback) -> Option<String> {
    let header = callback.header("content-encoding").map(String::from_utf8_lossy);
    let header = header.as_deref().map(str::trim).filter(|name| !name.is_empty());
    if let Some(name) = header.filter(|name| !name.eq_ignore_ascii_case("identity")) {
        return Some(name.to_owned());
    }
    let known: [(&[u8], &str); 5] = [
        (b"\x1f\x8b", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\x78\x01", "deflate"),
        (b"\x78\x9c", "deflate"),
        (b"\x78\xda", "deflate"),
    ];
    known.iter().find(|(start, _)| callback.body.starts_with(start)).map(|(_, name)| (*name).into())
}

fn is_json_object(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{") && Payload::parse(body).is_ok()
}

fn is_type(content_type: &str, expected: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(expected)
}

#[cfg(test)]
mod tests {
    use protocol::{Key, Layout};

    use super::*;
    use crate::receiver::callback::Bytes;

    const KEY: &[u8] = b"ThisIsYourSecretKey123";

    fn callback(method: &str, path: &str, content_type: &str, body: &str) -> Callback {
        Callback {
            number: 1,
            received_at: jiff::Timestamp::UNIX_EPOCH,
            remote: ([127, 0, 0, 1], 1).into(),
            method: method.into(),
            path: path.into(),
            headers: vec![("content-type".to_owned(), content_type.as_bytes().to_vec())],
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    /// Another scheme than the platform's, in JSON unless the test accepts something else.
    fn epay_in_json() -> &'static Dialect {
        let dialect = Dialect::built_in("epay").unwrap().clone();
        Box::leak(Box::new(Dialect { layout: Layout::PLATFORM, ..dialect }))
    }

    fn code(accepts: Accepts, callback: &Callback) -> &'static str {
        let dialect = epay_in_json();
        let contract = Contract { dialect, accepts, ..Contract::default() };
        let key = Keyring::from(Key::try_new(KEY.to_vec()).unwrap());
        contract.inspect(&contract.payload(callback), &key).code.code()
    }

    const PAIRS: &str = "a=1+2&sign=b7c48bb1cf24b8035d4bd4f4ef45794a";

    #[test]
    fn each_form_of_a_callback_is_taken_where_it_is_accepted() {
        let json = callback(
            "POST",
            "/",
            "application/json",
            "{\"a\":\"1 2\",\"sign\":\"b7c48bb1cf24b8035d4bd4f4ef45794a\"}",
        );
        let form = callback("POST", "/", "application/x-www-form-urlencoded;charset=utf-8", PAIRS);
        let query = callback("GET", &format!("/n?{PAIRS}"), "", "");
        for (accepts, codes) in [
            (Accepts::Json, ["0000", "0022", "0023"]),
            (Accepts::Form, ["0022", "0000", "0023"]),
            (Accepts::Query, ["0023", "0023", "0000"]),
            (Accepts::Any, ["0000", "0000", "0000"]),
        ] {
            assert_eq!(
                [&json, &form, &query].map(|each| code(accepts, each)),
                codes,
                "{accepts:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_has_its_code_and_its_place() {
        let form = callback("POST", "/", FORM, "a=%4");
        assert_eq!(code(Accepts::Any, &form), "0002");
        assert_eq!(code(Accepts::Any, &callback("GET", "/", "", "")), "0023");
        assert_eq!(code(Accepts::Query, &callback("GET", "/", "", "")), "0002");
        assert_eq!(code(Accepts::Any, &callback("POST", "/", "text/plain", PAIRS)), "0022");
        let contract = Contract { accepts: Accepts::Query, ..Contract::default() };
        let key = Keyring::from(Key::try_new(KEY.to_vec()).unwrap());
        let broken = callback("GET", "/?a=%zz", "", "");
        let verdict = contract.inspect(&contract.payload(&broken), &key);
        let why = verdict.unreadable.unwrap().to_string();
        let place = "the query string is not a valid payload: line 1, column 4";
        assert!(why.starts_with(place), "{why}");
    }

    #[test]
    fn compression_and_json_of_another_type_are_named() {
        let key = Keyring::from(Key::try_new(KEY.to_vec()).unwrap());
        let why = |accepts, callback: &Callback| {
            let contract = Contract { accepts, ..Contract::default() };
            let verdict = contract.inspect(&contract.payload(callback), &key);
            assert_eq!(verdict.code, PlatformCode::UnsupportedContentType, "{callback:?}");
            verdict.unreadable.unwrap().to_string()
        };
        for (encoding, body, name) in [
            ("gzip", "{}", "(gzip)"),
            ("deflate", "", "(deflate)"),
            (" br ", "{}", "(br)"),
            ("identity", "\u{1f}", ""),
            ("", "x\u{1}", "(deflate)"),
        ] {
            let mut given = callback("POST", "/", "application/json", body);
            let value = encoding.as_bytes().to_vec();
            given.headers.push(("content-encoding".to_owned(), value));
            if name.is_empty() {
                given.body = Bytes::from_static(&[0x1f, 0x8b, 8, 0]);
            }
            let name = if name.is_empty() { "(gzip)" } else { name };
            assert!(why(Accepts::Json, &given).contains(name), "{encoding}");
        }
        for (accepts, expected) in [
            (Accepts::Json, "expected application/json"),
            (Accepts::Any, "expected application/json"),
            (Accepts::Form, "expected a form body"),
        ] {
            for kind in [FORM, "text/plain"] {
                let text = why(accepts, &callback("POST", "/", kind, " {\"a\":1}"));
                assert!(text.starts_with("the body is JSON, but the content type is"), "{text}");
                assert!(text.ends_with(expected), "{text}");
            }
        }
        // What only looks like JSON is a form as before.
        assert_eq!(code(Accepts::Any, &callback("POST", "/", FORM, "{a=1")), "0004");
    }

    #[test]
    fn a_valid_callback_gets_the_reply_of_its_dialect() {
        let dialect = Dialect::built_in("epay").unwrap();
        let contract = Contract { dialect, ..Contract::default() };
        let verdict = Verdict { code: PlatformCode::Success, unreadable: None, reading: None };
        assert_eq!(&contract.reply(&verdict).body[..], b"success");
        assert_eq!(Contract::default().reply(&verdict), Reply::platform(PlatformCode::Success));
        let verdict = Verdict { code: PlatformCode::UnsupportedMethod, ..verdict };
        let any = Contract { accepts: Accepts::Any, ..contract }.reply(&verdict);
        assert!(any.headers.contains(&("Allow".to_owned(), b"GET, POST".to_vec())));
        let verdict = Verdict { code: PlatformCode::BadSignature, ..verdict };
        assert_eq!(contract.reply(&verdict), Reply::platform(PlatformCode::BadSignature));
    }

    #[test]
    fn a_callback_is_valid_only_as_a_signed_notification_without_errors() {
        let key = Keyring::from(Key::try_new(KEY.to_vec()).unwrap());
        let signed = |body: &str| protocol::sign(body.as_bytes(), key.first()).unwrap();
        let good = "{\"payout_id\":\"P\",\"payout_cl_id\":\"c\",\"platform_id\":\"PF\",\
             \"amount\":400000,\"real_amount\":400000,\"fee\":3200,\"status\":3,\
             \"create_time\":1567614049,\"update_time\":1567614111}";
        let hmac = Some(Algorithm::HmacSha256);
        for (body, required, code) in [
            (signed(good), None, PlatformCode::Success),
            // A warning does not refuse it: neither an unknown member nor a status on its way.
            (signed(&good.replace('}', ",\"x\":1}")), None, PlatformCode::Success),
            (signed(&good.replace("\"status\":3", "\"status\":2")), None, PlatformCode::Success),
            (
                signed(&good.replace("\"amount\":400000,", "")),
                None,
                PlatformCode::InvalidParameters,
            ),
            (signed("{\"a\":\"1\"}"), None, PlatformCode::InvalidParameters),
            (signed(good).replace("3200", "3201"), None, PlatformCode::BadSignature),
            (good.to_owned(), None, PlatformCode::BadSignature),
            (signed(good), hmac, PlatformCode::BadSignature),
            ("{".to_owned(), None, PlatformCode::NotJson),
        ] {
            let contract = Contract { required, ..Contract::default() };
            let callback = callback("POST", "/", "application/json", &body);
            let verdict = contract.inspect(&contract.payload(&callback), &key);
            assert_eq!(verdict.code, code, "{body}");
            assert_eq!(verdict.is_valid(), code == PlatformCode::Success, "{body}");
            assert_eq!(verdict.reading.is_some(), code != PlatformCode::NotJson, "{body}");
        }
    }

    #[test]
    fn each_transport_is_read_by_its_dialects_fields() {
        let key = Keyring::from(Key::try_new(KEY.to_vec()).unwrap());
        let sign = |id: &str, encoding, text: &str| {
            let dialect = Dialect::built_in(id).unwrap().clone();
            let signer =
                protocol::Signer::new(key.first().clone()).dialect(dialect).encoding(encoding);
            signer.sign(text.as_bytes()).unwrap()
        };
        let xml = sign(
            "wechat-v2",
            Encoding::Xml,
            "<xml><transaction_id>T</transaction_id><out_trade_no>O</out_trade_no><total_fee>12\
             </total_fee><result_code>FAIL</result_code></xml>",
        );
        let query = sign(
            "epay",
            Encoding::Form,
            "trade_no=T&out_trade_no=O&money=0.12&trade_status=TRADE_SUCCESS&pid=1",
        );
        let form = sign("jeepay", Encoding::Form, "transferId=T&mchOrderNo=O&amount=12&state=1");
        let json = sign(
            "epusdt",
            Encoding::Json,
            r#"{"trade_id":"T","order_id":"O","amount":0.12,"status":2}"#,
        );
        for (id, callback, status) in [
            ("wechat-v2", callback("POST", "/", "text/xml", &xml), 5),
            ("epay", callback("GET", &format!("/n?{query}"), "", ""), 3),
            ("jeepay", callback("POST", "/", FORM, &form), 2),
            ("epusdt", callback("POST", "/", "application/json", &json), 3),
        ] {
            let dialect = Dialect::built_in(id).unwrap();
            let contract = Contract { dialect, accepts: Accepts::Any, ..Contract::default() };
            let verdict = contract.inspect(&contract.payload(&callback), &key);
            assert!(verdict.is_valid(), "{id} {verdict:?}");
            let read = verdict.reading.unwrap().notification;
            assert_eq!(read.order_id.as_deref(), Some("T"), "{id}");
            assert_eq!(read.merchant_order_id.as_deref(), Some("O"), "{id}");
            assert_eq!((read.amount_cents, read.status_code), (Some(12), Some(status)), "{id}");
        }
    }

    #[test]
    fn a_refusal_in_xml_is_xml() {
        let dialect = Dialect::built_in("wechat-v2").unwrap();
        let contract = Contract { dialect, ..Contract::default() };
        let code = PlatformCode::BadSignature;
        let reply = contract.reply(&Verdict { code, unreadable: None, reading: None });
        assert_eq!(
            &reply.body[..],
            b"<xml><return_code>FAIL</return_code><return_msg>bad signature</return_msg></xml>"
        );
    }

    #[test]
    fn a_refused_method_gets_the_methods_that_are_accepted() {
        for (accepts, methods) in [
            (Accepts::Json, "POST"),
            (Accepts::Form, "POST"),
            (Accepts::Query, "GET"),
            (Accepts::Any, "GET, POST"),
        ] {
            let contract = Contract { accepts, ..Contract::default() };
            let code = PlatformCode::UnsupportedMethod;
            let reply = contract.reply(&Verdict { code, unreadable: None, reading: None });
            let allow = ("Allow".to_owned(), methods.as_bytes().to_vec());
            assert!(reply.headers.contains(&allow), "{accepts:?}: {:?}", reply.headers);
        }
    }

    #[test]
    fn probes_are_told_from_callbacks() {
        use Accepts::{Any, Form, Json, Query};
        for (method, path, accepts) in [
            ("GET", "/healthz", &[Json, Form, Query, Any][..]),
            ("HEAD", "/healthz", &[Json, Form, Query, Any]),
            ("GET", "/", &[Json, Form, Any]),
            ("HEAD", "/n", &[Json, Form, Any]),
            ("GET", "/n?a=1", &[Json, Form]),
            ("GET", "/healthz?a=1", &[Json, Form]),
            ("POST", "/healthz", &[]),
            ("PUT", "/", &[]),
        ] {
            for each in [Json, Form, Query, Any] {
                let contract = Contract { accepts: each, ..Contract::default() };
                let is_probe = contract.is_probe(&callback(method, path, "", ""));
                assert_eq!(is_probe, accepts.contains(&each), "{method} {path} {each:?}");
            }
        }
    }

    #[test]
    fn a_content_type_is_read_in_any_case() {
        for kind in ["Application/X-WWW-Form-Urlencoded", "APPLICATION/X-WWW-FORM-URLENCODED ; a=b"]
        {
            assert_eq!(code(Accepts::Form, &callback("POST", "/", kind, PAIRS)), "0000", "{kind}");
        }
        assert_eq!(code(Accepts::Form, &callback("POST", "/", "text/plain", PAIRS)), "0022");
    }
}
