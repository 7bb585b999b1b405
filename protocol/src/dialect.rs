//! The sibling dialects: the same family of signatures with small differences.
//!
//! Source: the protocol's section 6.

use std::borrow::Cow;

use super::acknowledgement::AcknowledgementRule;
use super::layout::Amounts::{Cents, Decimal};
use super::layout::StatusValue::{Never, Number, Table, Word};
use super::layout::Times::{Compact, Iso, Milliseconds, Plain, Seconds};
use super::layout::Transport::{Form, Json, Query, Xml};
use super::layout::{Amounts, Constant, FIELDS, Layout, StatusValue};
use super::payload::{Payload, Value};
use super::scheme::Algorithm::{HmacSha256, Md5};
use super::scheme::DigestCase::{Lower, Upper};
use super::scheme::Empties::{Drop, Keep};
use super::scheme::{
    Algorithm, Composition, DigestCase, Empties, Nulls, Scheme, Suffix, UnknownSignType,
};

/// A platform's way of signing: one scheme, or several among which `sign_type` chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The name on the command line.
    pub id: Cow<'static, str>,
    /// What it is, for people.
    pub title: Cow<'static, str>,
    /// The schemes; the first holds where nothing else is said. Never empty.
    pub schemes: Cow<'static, [Scheme]>,
    /// What the merchant answers when all is well.
    pub success_reply: Cow<'static, str>,
    /// How a notification is laid out.
    pub layout: Layout,
}

const fn text(text: &'static str) -> Cow<'static, str> {
    Cow::Borrowed(text)
}

const SIGN_AND_TYPE: &[Cow<'static, str>] = &[text("sign"), text("sign_type")];
const SIGN: &[Cow<'static, str>] = &[text("sign")];
const EPUSDT_SIGN: &[Cow<'static, str>] = &[text("signature")];
const TOKENPAY_SIGN: &[Cow<'static, str>] = &[text("Signature")];
const POCKYT_SIGN: &[Cow<'static, str>] = &[text("verifySign")];

const fn scheme(
    algorithm: Algorithm,
    suffix: Suffix,
    digest_case: DigestCase,
    (empties, nulls): (Empties, Nulls),
    left_out: &'static [Cow<'static, str>],
) -> Scheme {
    Scheme {
        algorithm,
        suffix,
        separator: text("&"),
        digest_case,
        empties,
        nulls,
        signed: None,
        left_out: Cow::Borrowed(left_out),
        // The first name left out is the signature's own.
        sign_field: match &left_out[0] {
            Cow::Borrowed(name) => Cow::Borrowed(*name),
            Cow::Owned(_) => text("sign"),
        },
        composition: Composition::PLAIN,
    }
}

const fn key_after(before: &'static str) -> Suffix {
    Suffix::Key(text(before))
}

const DROP: (Empties, Nulls) = (Drop, Nulls::Drop);

const PLATFORM: &[Scheme] = &[
    scheme(Md5, key_after("&"), Lower, DROP, SIGN_AND_TYPE),
    scheme(HmacSha256, Suffix::Nothing, Lower, DROP, SIGN_AND_TYPE),
];
// The fork's integrators drop null though they keep empty texts (ours: no document says so).
const FORK: &[Scheme] = &[scheme(Md5, key_after("&"), Lower, (Keep, Nulls::Drop), SIGN)];
const WECHAT: &[Scheme] = &[
    scheme(Md5, key_after("&key="), Upper, DROP, SIGN),
    scheme(HmacSha256, key_after("&key="), Upper, DROP, SIGN),
];
const EPAY: &[Scheme] = &[scheme(Md5, key_after(""), Lower, DROP, SIGN_AND_TYPE)];
const JEEPAY: &[Scheme] = &[scheme(Md5, key_after("&key="), Upper, DROP, SIGN)];
const EPUSDT: &[Scheme] = &[scheme(Md5, key_after(""), Lower, DROP, EPUSDT_SIGN)];
const TOKENPAY: &[Scheme] = &[scheme(Md5, key_after(""), Lower, DROP, TOKENPAY_SIGN)];
const POCKYT: &[Scheme] =
    &[scheme(Md5, Suffix::Md5OfKey(text("&")), Lower, (Keep, Nulls::Keep), POCKYT_SIGN)];

const fn dialect(
    id: &'static str,
    title: &'static str,
    schemes: &'static [Scheme],
    success_reply: &'static str,
    layout: Layout,
) -> Dialect {
    Dialect {
        id: text(id),
        title: text(title),
        schemes: Cow::Borrowed(schemes),
        success_reply: text(success_reply),
        layout,
    }
}

const fn word(word: &'static str) -> StatusValue {
    Word(text(word))
}

const WECHAT_CONSTANTS: &[Constant] = &[
    (text("appid"), text("wxd930ea5d5a258f4f")),
    (text("fee_type"), text("CNY")),
    (text("nonce_str"), text("ibuaiVcKdpRxkhJA")),
    (text("return_code"), text("SUCCESS")),
];
const EPAY_CONSTANTS: &[Constant] = &[
    (text("name"), text("payout")),
    (text("sign_type"), text("MD5")),
    (text("type"), text("alipay")),
];
const JEEPAY_CONSTANTS: &[Constant] = &[(text("currency"), text("cny"))];
const EPUSDT_CONSTANTS: &[Constant] =
    &[(text("token"), text("TNEns8t9jbWENbStkQdVQtHMGpbsYsQjZK"))];
const TOKENPAY_CONSTANTS: &[Constant] =
    &[(text("BaseCurrency"), text("CNY")), (text("Currency"), text("TRX"))];
const POCKYT_CONSTANTS: &[Constant] =
    &[(text("currency"), text("USD")), (text("settleCurrency"), text("USD"))];

const BY_TABLE: [StatusValue; 4] = [Table, Table, Table, Table];

/// Ours: PROTOCOL names the fork's times, and nothing else that differs.
const FORK_LAYOUT: Layout = Layout::new((Json, "POST"), (Cents, Iso), FIELDS, BY_TABLE, &[]);
/// The result notification of WeChat Pay v2. Ours: the time, which is WeChat's own zone there.
const WECHAT_LAYOUT: Layout = Layout::new(
    (Xml, "POST"),
    (Cents, Compact),
    [
        "transaction_id",
        "out_trade_no",
        "mch_id",
        "total_fee",
        "cash_fee",
        "",
        "result_code",
        "err_code_des",
        "",
        "time_end",
    ],
    [word("SUCCESS"), word("FAIL"), Never, Never],
    WECHAT_CONSTANTS,
);
/// The asynchronous notification of epay: only what was paid is notified.
const EPAY_LAYOUT: Layout = Layout::new(
    (Query, "GET"),
    (Amounts::Text, Seconds),
    ["trade_no", "out_trade_no", "pid", "money", "", "", "trade_status", "", "", ""],
    [word("TRADE_SUCCESS"), Never, Never, Never],
    EPAY_CONSTANTS,
);
/// The notification of a transfer in Jeepay. Ours: a closed order counts as cancelled.
const JEEPAY_LAYOUT: Layout = Layout::new(
    (Form, "POST"),
    (Cents, Milliseconds),
    [
        "transferId",
        "mchOrderNo",
        "mchNo",
        "amount",
        "",
        "",
        "state",
        "errMsg",
        "createdAt",
        "successTime",
    ],
    [Number(2), Number(3), Number(4), Number(1)],
    JEEPAY_CONSTANTS,
);
/// The callback of epusdt. Ours: the merchant's id, which it does not send, is left out.
const EPUSDT_LAYOUT: Layout = Layout::new(
    (Json, "POST"),
    (Decimal, Seconds),
    ["trade_id", "order_id", "", "amount", "actual_amount", "", "status", "", "", ""],
    [Number(2), Never, Never, Never],
    EPUSDT_CONSTANTS,
);
/// The callback of TokenPay. Ours: an expired order counts as cancelled and is not notified.
const TOKENPAY_LAYOUT: Layout = Layout::new(
    (Json, "POST"),
    (Amounts::Text, Plain),
    ["Id", "OutOrderId", "", "ActualAmount", "", "", "Status", "", "", "PayTime"],
    [Number(1), Never, Never, Never],
    TOKENPAY_CONSTANTS,
);
/// The webhook of Pockyt's payouts, with the fields of its general one. Ours: the reason of a failure
/// is in `note`, and a returned payout counts as cancelled.
const POCKYT_LAYOUT: Layout = Layout::new(
    (Form, "POST"),
    (Amounts::Text, Compact),
    ["transactionNo", "reference", "", "amount", "", "", "status", "note", "", "time"],
    [word("success"), word("failed"), word("returned"), word("pending")],
    POCKYT_CONSTANTS,
);

const ERROR_CODE: &str = r#"{"error_code":"0000"}"#;
const RETURN_CODE: &str = "<xml><return_code>SUCCESS</return_code></xml>";

/// The dialects that are built in; the first is this platform's.
pub static DIALECTS: [Dialect; 8] = [
    dialect("platform", "this platform", PLATFORM, ERROR_CODE, Layout::PLATFORM),
    dialect("fork", "its fork with ISO times", FORK, ERROR_CODE, FORK_LAYOUT),
    dialect("wechat-v2", "WeChat Pay v2", WECHAT, RETURN_CODE, WECHAT_LAYOUT),
    dialect("epay", "Alipay legacy MD5, epay", EPAY, "success", EPAY_LAYOUT),
    dialect("jeepay", "Jeepay, J-Pay", JEEPAY, "success", JEEPAY_LAYOUT),
    dialect("epusdt", "epusdt", EPUSDT, "ok", EPUSDT_LAYOUT),
    dialect("tokenpay", "TokenPay", TOKENPAY, "ok", TOKENPAY_LAYOUT),
    dialect("pockyt", "Pockyt", POCKYT, "success", POCKYT_LAYOUT),
];

impl Dialect {
    /// This platform's dialect.
    #[must_use]
    pub fn platform() -> &'static Dialect {
        &DIALECTS[0]
    }

    /// The built-in dialect of this name.
    #[must_use]
    pub fn built_in(id: &str) -> Option<&'static Dialect> {
        DIALECTS.iter().find(|dialect| dialect.id.eq_ignore_ascii_case(id))
    }

    /// Which reply of a merchant acknowledges.
    #[must_use]
    pub fn acknowledgement(&self) -> AcknowledgementRule {
        AcknowledgementRule::for_reply(&self.success_reply)
    }

    /// The scheme with this digest, where the dialect has one.
    #[must_use]
    pub fn scheme(&self, algorithm: Algorithm) -> Option<&Scheme> {
        self.schemes.iter().find(|scheme| scheme.algorithm == algorithm)
    }

    /// The scheme that applies where nothing is said.
    #[must_use]
    pub fn first(&self) -> &Scheme {
        &self.schemes[0]
    }

    /// The member that carries the signature.
    #[must_use]
    pub fn sign_field(&self) -> &str {
        &self.first().sign_field
    }

    /// Whether `sign_type` means anything here.
    #[must_use]
    pub fn reads_sign_type(&self) -> bool {
        self.schemes.len() > 1 || self.first().left_out.iter().any(|name| name == "sign_type")
    }

    /// The scheme that the payload's `sign_type` chooses; `None` where it says nothing.
    ///
    /// An absent, empty or `null` `sign_type` says nothing.
    ///
    /// # Errors
    /// A `sign_type` that is not text or that the dialect does not know.
    pub fn said_by(&self, payload: &Payload<'_>) -> Result<Option<&Scheme>, UnknownSignType> {
        if !self.reads_sign_type() {
            return Ok(None);
        }
        match payload.get("sign_type").map(|member| &member.value) {
            None => Ok(None),
            Some(value) if value.is_empty() => Ok(None),
            Some(Value::String(said)) => {
                let scheme = said.parse().ok().and_then(|algorithm| self.scheme(algorithm));
                scheme.map(Some).ok_or_else(|| UnknownSignType(said.to_string()))
            }
            Some(other) => Err(UnknownSignType(other.kind().to_owned())),
        }
    }

    /// The scheme by which a received signature is verified.
    ///
    /// Without `sign_type`, a signature of 64 hexadecimal digits is read as HMAC-SHA256 where the
    /// dialect has it (ours), else as SHA-256; any other by the first scheme.
    ///
    /// # Errors
    /// As [`Dialect::said_by`].
    pub fn scheme_for(
        &self,
        payload: &Payload<'_>,
        given: &str,
    ) -> Result<&Scheme, UnknownSignType> {
        if let Some(said) = self.said_by(payload)? {
            return Ok(said);
        }
        let is_long = given.len() == 64 && given.bytes().all(|byte| byte.is_ascii_hexdigit());
        let by_shape = is_long
            .then(|| self.scheme(Algorithm::HmacSha256).or_else(|| self.scheme(Algorithm::Sha256)))
            .flatten();
        Ok(by_shape.unwrap_or_else(|| self.first()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::canonicalize;
    use crate::key::Key;
    use crate::signature::sign;

    #[test]
    fn every_dialect_leaves_its_own_signature_out_and_has_a_name_of_its_own() {
        for (index, dialect) in DIALECTS.iter().enumerate() {
            for scheme in dialect.schemes.iter() {
                assert!(scheme.left_out.contains(&scheme.sign_field), "{}", dialect.id);
                assert_eq!(scheme.sign_field, dialect.sign_field());
            }
            assert!(DIALECTS[..index].iter().all(|other| other.id != dialect.id));
        }
    }

    #[test]
    fn every_dialect_is_acknowledged_by_its_own_reply() {
        use AcknowledgementRule::{ErrorCode, ReturnCode, Word};
        let word = |text: &str| Word(text.to_owned());
        let xml = word("<xml><return_code>SUCCESS</return_code></xml>");
        let rules = [
            ("platform", ErrorCode),
            ("fork", ErrorCode),
            ("wechat-v2", if cfg!(feature = "xml-replies") { ReturnCode } else { xml }),
            ("epay", word("success")),
            ("jeepay", word("success")),
            ("epusdt", word("ok")),
            ("tokenpay", word("ok")),
            ("pockyt", word("success")),
        ];
        assert_eq!(DIALECTS.each_ref().map(|one| (&*one.id, one.acknowledgement())), rules);
    }

    /// The signature of a payload in a dialect, as that platform's own documents print it.
    #[test]
    fn published_examples_reproduce() {
        const WECHAT: &str = r#"{"appid":"wxd930ea5d5a258f4f","mch_id":10000100,"device_info":1000,
            "body":"test","nonce_str":"ibuaiVcKdpRxkhJA"}"#;
        const WECHAT_KEY: &str = "192006250b4c09247ec02edce69f6a2d";
        for (dialect, algorithm, payload, key, signature) in [
            ("wechat-v2", Md5, WECHAT, WECHAT_KEY, "9A0A8659F005D6984697E2CA0A9CF3B7"),
            (
                "wechat-v2",
                HmacSha256,
                WECHAT,
                WECHAT_KEY,
                "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6",
            ),
            (
                "epusdt",
                Md5,
                r#"{"order_id":"20220201030210321","amount":42,
                    "notify_url":"http://example.com/notify",
                    "redirect_url":"http://example.com/redirect"}"#,
                "epusdt_password_xasddawqe",
                "1cd4b52df5587cfb1968b0c0c6e156cd",
            ),
        ] {
            let payload = Payload::parse(payload.as_bytes()).unwrap();
            let scheme = Dialect::built_in(dialect).unwrap().scheme(algorithm).unwrap();
            let key = Key::try_new(key.as_bytes().to_vec()).unwrap();
            let computed = sign(&canonicalize(&payload, scheme), scheme, &key);
            assert_eq!(computed.as_str(), signature, "{dialect} {algorithm}");
        }
    }

    /// One payload in every dialect; the digests were computed with md5sum.
    #[test]
    fn every_dialect_signs_as_its_row_says() {
        let payload =
            Payload::parse(r#"{"b":"2","a":1,"e":"","sign_type":"MD5","c":"王"}"#.as_bytes())
                .unwrap();
        let key = Key::try_new(b"KEY123".to_vec()).unwrap();
        for (id, wanted) in [
            ("platform", "b9533f0063bd7ca9e31fd14c3de29fbd"),
            ("fork", "63d3c7b01dda2fc9a82eb8cb82bd108f"),
            ("wechat-v2", "5D51C4058B2EDB35D3EF1D9C8F83E33C"),
            ("epay", "4198e0ca10a8ea21c32efe44c447599c"),
            ("jeepay", "5D51C4058B2EDB35D3EF1D9C8F83E33C"),
            ("epusdt", "f0329424df7c8f06f2be1508270dc80c"),
            ("tokenpay", "f0329424df7c8f06f2be1508270dc80c"),
            ("pockyt", "ed55c44fd6cf71c49df6eb2ef770f9c3"),
        ] {
            let scheme = Dialect::built_in(id).unwrap().first();
            assert_eq!(
                sign(&canonicalize(&payload, scheme), scheme, &key).as_str(),
                wanted,
                "{id}"
            );
        }
    }

    #[test]
    fn sign_type_chooses_the_scheme_and_its_absence_the_shape() {
        let long = "0".repeat(64);
        let choose = |json: &str, given: &str| {
            let payload = Payload::parse(json.as_bytes()).unwrap();
            Dialect::platform().scheme_for(&payload, given).map(|scheme| scheme.algorithm)
        };
        assert_eq!(choose("{}", ""), Ok(Algorithm::Md5));
        assert_eq!(choose("{}", &long), Ok(Algorithm::HmacSha256));
        assert_eq!(choose(r#"{"sign_type":"md5"}"#, &long), Ok(Algorithm::Md5));
        assert_eq!(choose(r#"{"sign_type":""}"#, &long), Ok(Algorithm::HmacSha256));
        assert_eq!(choose(r#"{"sign_type":"Hmac-Sha256"}"#, ""), Ok(Algorithm::HmacSha256));
        assert!(choose(r#"{"sign_type":"RSA"}"#, "").is_err());
        assert!(choose(r#"{"sign_type":"SHA256"}"#, "").is_err());
        assert!(choose(r#"{"sign_type":5}"#, "").is_err());
    }
}
