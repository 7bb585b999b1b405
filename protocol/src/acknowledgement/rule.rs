//! Which reply acknowledges, as a value: each dialect has its own.

use super::{
    Conclusion, MAX_REPLY_BYTES, Refusal, Reply, ReplyWarning, behind, conclude, json_warnings,
    judge_error_code, judge_object, quoted,
};
use crate::payload::Payload;

/// Which body acknowledges a notification; the default is this platform's.
///
/// Source: the protocol's sections 3 and 6. That only 2xx counts holds for all of them (ours).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AcknowledgementRule {
    /// JSON whose `error_code` is the string `"0000"`.
    #[default]
    ErrorCode,
    /// JSON with the members of this object, each with the same value.
    Members(String),
    /// XML whose root `<xml>` has a `return_code` that is `SUCCESS`, plain or in CDATA.
    ReturnCode,
    /// This text, white space around it aside; case counts.
    Word(String),
}

/// How a body misses the reply that a dialect expects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Slip {
    /// No body, or only white space.
    #[error("the body is empty")]
    Empty,
    /// The right letters in another case.
    #[error("the body is right but for upper and lower case")]
    Case,
    /// The right text in quotation marks.
    #[error("the right text is in quotation marks")]
    Quoted,
    /// A byte order mark before the right text.
    #[error("a byte order mark precedes the right text")]
    ByteOrderMark,
    /// The right text among other text.
    #[error("the right text is there, but with other text around it")]
    TextAround,
    /// What this platform expects, and the dialect does not.
    #[error("error_code \"0000\" is what another platform expects")]
    ErrorCode,
    /// A JSON object in which this member is missing or differs.
    #[error("the field {0:?} is missing or differs")]
    Member(String),
    /// XML with another `return_code`: the merchant refuses.
    #[error("the merchant refused with return_code \"{code}\"{}", behind("; its return_msg: ", said.as_ref()))]
    ReturnCode {
        /// The code.
        code: String,
        /// What its `return_msg` says.
        said: Option<String>,
    },
    /// No XML, or XML without a clear `return_code`; why, in words.
    #[error("{0}")]
    Xml(String),
    /// An HTML page.
    #[error("the body is an HTML page (a login, error or challenge page?)")]
    Html,
    /// Something else.
    #[error("the body is another one")]
    Other,
}

impl Slip {
    /// The stable name, as JSON output carries it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Slip::Empty => "empty",
            Slip::Case => "case",
            Slip::Quoted => "quoted",
            Slip::ByteOrderMark => "byte-order-mark",
            Slip::TextAround => "text-around-reply",
            Slip::ErrorCode => "other-platform",
            Slip::Member(_) => "member",
            Slip::Html => "html",
            Slip::ReturnCode { .. } | Slip::Xml(_) | Slip::Other => "other-reply",
        }
    }

    /// What to reply instead; a merchant that refuses means it.
    pub(super) fn advice(&self, wanted: &str) -> String {
        match self {
            Slip::ReturnCode { .. } => String::new(),
            _ => format!("; reply {wanted}"),
        }
    }
}

impl AcknowledgementRule {
    /// The rule that a dialect's success reply stands for: one that the reply itself satisfies.
    #[must_use]
    pub fn for_reply(success_reply: &str) -> AcknowledgementRule {
        // As replies are trimmed, or a reply that is this text would not be it.
        let reply = success_reply.trim_ascii();
        match Payload::parse(success_reply.as_bytes()) {
            Ok(object) if judge_object(&object).is_ok() => AcknowledgementRule::ErrorCode,
            Ok(_) => AcknowledgementRule::Members(reply.to_owned()),
            Err(_) if judge_return_code(success_reply.as_bytes()).is_ok() => {
                AcknowledgementRule::ReturnCode
            }
            Err(_) => AcknowledgementRule::Word(reply.to_owned()),
        }
    }

    /// What the platform concludes from a reply under this rule.
    #[must_use]
    pub fn judge(&self, reply: &Reply) -> Conclusion {
        let by_body = if reply.body.len() > MAX_REPLY_BYTES {
            Err(Refusal::TooLong)
        } else {
            let judgement = match self {
                AcknowledgementRule::ErrorCode => judge_error_code(reply),
                AcknowledgementRule::Members(wanted) => judge_members(reply, wanted),
                AcknowledgementRule::ReturnCode => judge_return_code(&reply.body),
                AcknowledgementRule::Word(wanted) => judge_word(&reply.body, wanted),
            };
            // A right body that is only labelled as encoded is read all the same.
            judgement.map_err(|refusal| match &reply.encoding {
                Some(encoding) if !reply.body.is_empty() => Refusal::Encoded(quoted(encoding)),
                _ => refusal,
            })
        };
        conclude(reply, by_body)
    }
}

const RETURN_CODE: &str = "<xml><return_code>SUCCESS</return_code></xml>";

type Judgement = Result<Vec<ReplyWarning>, Refusal>;

fn miss(wanted: &str, slip: Slip) -> Judgement {
    Err(Refusal::NotTheReply { wanted: wanted.to_owned(), slip })
}

fn judge_word(body: &[u8], wanted: &str) -> Judgement {
    if body.trim_ascii() == wanted.as_bytes() {
        return Ok(Vec::new());
    }
    miss(wanted, slip(body, wanted))
}

#[cfg(feature = "xml-replies")]
fn judge_return_code(body: &[u8]) -> Judgement {
    let read = super::return_code::read(body);
    match read {
        Ok(reply) if reply.code == "SUCCESS" => Ok(Vec::new()),
        Ok(reply) if reply.code.eq_ignore_ascii_case("SUCCESS") => miss(RETURN_CODE, Slip::Case),
        Ok(reply) => miss(RETURN_CODE, Slip::ReturnCode { code: reply.code, said: reply.message }),
        Err(problem) => match slip(body, RETURN_CODE) {
            Slip::Other => miss(RETURN_CODE, Slip::Xml(problem)),
            known => miss(RETURN_CODE, known),
        },
    }
}

/// The library alone has no reader of XML, since a merchant's server judges no replies: what nobody
/// read does not acknowledge.
#[cfg(not(feature = "xml-replies"))]
fn judge_return_code(body: &[u8]) -> Judgement {
    miss(RETURN_CODE, slip(body, RETURN_CODE))
}

fn judge_members(reply: &Reply, wanted: &str) -> Judgement {
    let (Ok(expected), Ok(given)) =
        (Payload::parse(wanted.as_bytes()), Payload::parse(&reply.body))
    else {
        return miss(wanted, slip(&reply.body, wanted));
    };
    // Any refusal has all members of an empty object.
    if expected.members().is_empty() && !given.members().is_empty() {
        return miss(wanted, slip(&reply.body, wanted));
    }
    let differs = expected
        .members()
        .iter()
        .find(|member| given.get(&member.name).is_none_or(|other| other.value != member.value));
    if let Some(member) = differs {
        return miss(wanted, Slip::Member(quoted(&member.name)));
    }
    Ok(json_warnings(reply, given.members().len() > expected.members().len()))
}

fn slip(body: &[u8], wanted: &str) -> Slip {
    let lossy = String::from_utf8_lossy(body);
    let text = lossy.trim();
    if text.is_empty() {
        return Slip::Empty;
    }
    if text == wanted {
        // White space around it that is not ASCII.
        return Slip::TextAround;
    }
    if let Some(rest) = text.strip_prefix('\u{feff}')
        && rest.trim() == wanted
    {
        return Slip::ByteOrderMark;
    }
    if text.trim_matches(['"', '\'']) == wanted {
        return Slip::Quoted;
    }
    if text.to_lowercase() == wanted.to_lowercase() {
        return Slip::Case;
    }
    if Payload::parse(text.as_bytes()).is_ok_and(|object| object.get("error_code").is_some()) {
        return Slip::ErrorCode;
    }
    let start: String = text.chars().take(512).collect::<String>().to_lowercase();
    if start.contains("<html") || start.contains("<!doctype") || start.contains("<body") {
        return Slip::Html;
    }
    if !wanted.is_empty() && text.contains(wanted) {
        return Slip::TextAround;
    }
    Slip::Other
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acknowledgement::ACKNOWLEDGEMENT_BODY;
    use crate::dialect::Dialect;

    fn conclusion(rule: &AcknowledgementRule, body: &str) -> &'static str {
        let reply = Reply { status: 200, body: body.as_bytes().to_vec(), ..Reply::default() };
        match rule.judge(&reply) {
            Conclusion::Acknowledged(_) => "acknowledged",
            Conclusion::NotAcknowledged(refusal) => refusal.code(),
        }
    }

    fn rule(dialect: &str) -> AcknowledgementRule {
        AcknowledgementRule::for_reply(&Dialect::built_in(dialect).unwrap().success_reply)
    }

    #[cfg(feature = "xml-replies")]
    #[test]
    fn each_dialect_has_the_rule_of_its_success_reply() {
        assert_eq!(rule("platform"), AcknowledgementRule::ErrorCode);
        assert_eq!(rule("fork"), AcknowledgementRule::default());
        assert_eq!(rule("wechat-v2"), AcknowledgementRule::ReturnCode);
        assert_eq!(rule("epay"), AcknowledgementRule::Word("success".into()));
        assert_eq!(rule("epusdt"), AcknowledgementRule::Word("ok".into()));
    }

    #[test]
    fn a_rule_takes_the_reply_that_it_was_made_from() {
        for text in [
            "ok\u{b}",
            "\u{a0}ok",
            " ok\u{85}\n",
            "{\"a\":1}\u{b}",
            "\u{c}{\"a\":1}",
            " {\"a\":1}\n",
            "\u{c}<xml><return_code>SUCCESS</return_code></xml>",
            "<xml><return_code>SUCCESS</return_code></xml>\n",
            "{\"error_code\":\"0004\"}",
            " {\"error_code\":\"0000\",\"error_msg\":\"\"}\n",
        ] {
            let rule = AcknowledgementRule::for_reply(text);
            assert_eq!(conclusion(&rule, text), "acknowledged", "{text:?}");
        }
        let members = AcknowledgementRule::for_reply("{\"a\":1}");
        assert_ne!(conclusion(&members, "\u{c}{\"a\":1}"), "acknowledged");
    }

    #[test]
    fn a_word_must_be_that_word() {
        for (body, code) in [
            ("success", "acknowledged"),
            (" success\r\n", "acknowledged"),
            ("SUCCESS", "case"),
            ("\"success\"", "quoted"),
            ("\u{feff}success", "byte-order-mark"),
            ("Notice: x in y.php success", "text-around-reply"),
            (ACKNOWLEDGEMENT_BODY, "other-platform"),
            ("<html>success</html>", "html"),
            ("", "empty"),
            ("fail", "other-reply"),
            ("not success", "text-around-reply"),
            ("unsuccessful", "text-around-reply"),
            ("success\0", "text-around-reply"),
            ("\u{a0}success", "text-around-reply"),
            ("suc cess", "other-reply"),
            ("success success", "text-around-reply"),
            ("{\"code\":\"success\"}", "text-around-reply"),
            ("s\u{fc}ccess", "other-reply"),
        ] {
            assert_eq!(conclusion(&rule("epay"), body), code, "{body}");
        }
    }

    #[cfg(feature = "xml-replies")]
    #[test]
    fn a_return_code_is_read_plain_and_in_cdata() {
        for (body, code) in [
            ("<xml>\n <return_code>SUCCESS</return_code>\n</xml>", "acknowledged"),
            ("<xml><return_code> <![CDATA[SUCCESS]]> </return_code></xml>", "acknowledged"),
            ("<xml><return_code>success</return_code></xml>", "case"),
            ("<xml><return_code>FAIL</return_code></xml>", "other-reply"),
            ("SUCCESS", "other-reply"),
            ("", "empty"),
        ] {
            assert_eq!(conclusion(&rule("wechat-v2"), body), code, "{body}");
        }
    }

    #[cfg(feature = "xml-replies")]
    #[test]
    fn a_refusal_in_xml_is_never_an_acknowledgement() {
        const RIGHT: &str = "<return_code>SUCCESS</return_code>";
        let wechat = rule("wechat-v2");
        for (body, code) in [
            (format!("<!-- {RIGHT} --><xml><return_code>FAIL</return_code></xml>"), "other-reply"),
            ("<xml><return_code>SUC CESS</return_code></xml>".to_owned(), "other-reply"),
            (format!("<html><body><pre>{RIGHT}</pre></body></html>"), "html"),
            (format!("<!DOCTYPE html><title>{RIGHT}</title>"), "html"),
            (format!("<xml><detail>{RIGHT}</detail></xml>"), "other-reply"),
            (format!("<xml>{RIGHT}<return_code>FAIL</return_code></xml>"), "other-reply"),
            (format!("<xml>{RIGHT}"), "other-reply"),
            (RIGHT.to_owned(), "other-reply"),
            (format!("Notice: x <xml>{RIGHT}</xml>"), "text-around-reply"),
            (format!("<XML>{RIGHT}</XML>"), "case"),
            (ACKNOWLEDGEMENT_BODY.to_owned(), "other-platform"),
        ] {
            assert_eq!(conclusion(&wechat, &body), code, "{body}");
        }
        let explained = |body: &str| {
            let reply = Reply { status: 200, body: body.as_bytes().to_vec(), ..Reply::default() };
            match wechat.judge(&reply) {
                Conclusion::NotAcknowledged(refusal) => refusal.explanation(),
                Conclusion::Acknowledged(_) => panic!("{body}"),
            }
        };
        assert_eq!(
            explained(
                "<xml><return_code><![CDATA[FAIL]]></return_code>\
                 <return_msg><![CDATA[bad sign]]></return_msg></xml>"
            ),
            "the merchant refused with return_code \"FAIL\"; its return_msg: bad sign"
        );
        assert_eq!(
            explained(&format!("<xml>{RIGHT}{RIGHT}</xml>")),
            format!("<return_code> is there more than once; reply <xml>{RIGHT}</xml>")
        );
    }

    #[test]
    fn a_dialect_gets_a_rule_that_its_own_reply_satisfies_and_others_do_not() {
        for (own, other) in [
            ("{}", r#"{"code":"FAIL"}"#),
            (r#"{"error_code":"1"}"#, ACKNOWLEDGEMENT_BODY),
            (r#"{"error_code":0}"#, ACKNOWLEDGEMENT_BODY),
            (
                "<xml><return_code>OK</return_code></xml>",
                "<xml><return_code>SUCCESS</return_code></xml>",
            ),
        ] {
            let rule = AcknowledgementRule::for_reply(own);
            assert_eq!(conclusion(&rule, own), "acknowledged", "{own}");
            assert_ne!(conclusion(&rule, other), "acknowledged", "{own}: {other}");
        }
    }

    #[test]
    fn members_of_another_json_reply_must_be_there_with_their_values() {
        let rule = AcknowledgementRule::for_reply("{\"code\":\"SUCCESS\",\"n\":0}");
        for (body, code) in [
            ("{\"n\":0, \"code\":\"SUCCESS\", \"msg\":\"\"}", "acknowledged"),
            ("{\"n\":\"0\",\"code\":\"SUCCESS\"}", "member"),
            ("{\"code\":\"SUCCESS\"}", "member"),
            (ACKNOWLEDGEMENT_BODY, "member"),
            ("SUCCESS", "other-reply"),
            ("", "empty"),
        ] {
            assert_eq!(conclusion(&rule, body), code, "{body}");
        }
    }

    #[test]
    fn the_status_and_the_length_count_under_every_rule() {
        let mut reply = Reply { status: 500, body: b"ok".to_vec(), ..Reply::default() };
        let word = rule("epusdt");
        assert_eq!(
            word.judge(&reply),
            Conclusion::NotAcknowledged(Refusal::StatusWithRightBody(500))
        );
        reply.status = 200;
        assert_eq!(word.judge(&reply), Conclusion::Acknowledged(Vec::new()));
        reply.body = vec![b' '; MAX_REPLY_BYTES + 1];
        assert_eq!(word.judge(&reply), Conclusion::NotAcknowledged(Refusal::TooLong));
    }

    #[test]
    fn a_refusal_names_the_reply_that_is_wanted() {
        let reply = Reply { status: 200, body: b"OK".to_vec(), ..Reply::default() };
        match rule("epusdt").judge(&reply) {
            Conclusion::NotAcknowledged(refusal) => assert_eq!(
                refusal.explanation(),
                "the body is right but for upper and lower case; reply ok"
            ),
            Conclusion::Acknowledged(_) => panic!("case counts"),
        }
    }

    #[test]
    fn the_longest_reply_is_judged_and_one_byte_more_is_not() {
        for (length, code) in [(MAX_REPLY_BYTES, "acknowledged"), (MAX_REPLY_BYTES + 1, "too-long")]
        {
            let body = format!("ok{}", " ".repeat(length - 2));
            assert_eq!(conclusion(&rule("epusdt"), &body), code, "{length}");
        }
    }

    #[test]
    fn near_misses_of_a_word_end_where_its_own_text_does() {
        let html = |before: usize| format!("{}<HTML>", "é".repeat(before));
        for (wanted, body, code) in [
            ("ok", "'ok'", "quoted"),
            ("ok", "\"ok", "quoted"),
            ("ok", "\u{feff} ok", "byte-order-mark"),
            ("ok", "\u{feff}OK", "other-reply"),
            ("ok", "<body>ok", "html"),
            ("ok", &html(507), "html"),
            ("ok", &html(508), "other-reply"),
            ("ok", "{\"error_code\":1}", "other-platform"),
            ("", "", "acknowledged"),
            ("", " \n", "acknowledged"),
            ("", "x", "other-reply"),
        ] {
            let rule = AcknowledgementRule::Word(wanted.to_owned());
            assert_eq!(conclusion(&rule, body), code, "{wanted:?} {body:?}");
        }
    }

    #[test]
    fn a_return_code_with_spaces_of_its_own_is_another() {
        for (code, expected) in [
            ("SUCCESS", "acknowledged"),
            ("<![CDATA[ SUCCESS]]>", "other-reply"),
            ("<![CDATA[SUCCESS ]]>", "other-reply"),
            ("SUCCESS&#32;", "other-reply"),
            ("SUCCESSFUL", "other-reply"),
            ("", "other-reply"),
        ] {
            let body = format!("<xml><return_code>{code}</return_code></xml>");
            assert_eq!(conclusion(&rule("wechat-v2"), &body), expected, "{code}");
        }
    }

    #[test]
    fn members_warn_of_more_members_and_of_another_content_type() {
        use ReplyWarning::{ContentType, ExtraMembers};
        let rule = AcknowledgementRule::for_reply("{\"code\":\"OK\"}");
        for (content_type, body, warnings) in [
            (Some("application/json"), "{\"code\":\"OK\"}", vec![]),
            (Some("application/json"), "{\"code\":\"OK\",\"a\":1}", vec![ExtraMembers]),
            (Some("text/html"), "{\"code\":\"OK\"}", vec![ContentType]),
            (None, "{\"a\":1,\"b\":2,\"code\":\"OK\"}", vec![ExtraMembers, ContentType]),
        ] {
            let content_type = content_type.map(str::to_owned);
            let body = body.as_bytes().to_vec();
            let reply = Reply { status: 200, content_type, body, ..Reply::default() };
            assert_eq!(rule.judge(&reply), Conclusion::Acknowledged(warnings));
        }
    }
}
