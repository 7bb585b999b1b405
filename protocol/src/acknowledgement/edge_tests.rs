use super::*;

fn judged(status: u16, content_type: Option<&str>, body: &str) -> Conclusion {
    judge(&Reply {
        status,
        content_type: content_type.map(str::to_owned),
        retry_after: None,
        encoding: None,
        body: body.as_bytes().to_vec(),
    })
}

fn code(status: u16, body: &str) -> &'static str {
    match judged(status, Some("application/json"), body) {
        Conclusion::Acknowledged(warnings) if warnings.is_empty() => "acknowledged",
        Conclusion::Acknowledged(_) => "acknowledged with a warning",
        Conclusion::NotAcknowledged(refusal) => refusal.code(),
    }
}

#[test]
fn each_status_has_its_meaning() {
    for (statuses, right, wrong) in [
        (&[200][..], "acknowledged", "not-json"),
        (&[201, 202, 204, 298, 299], "acknowledged with a warning", "not-json"),
        (&[301, 302, 303, 307, 308], "redirect", "redirect"),
        (
            &[0, 100, 198, 199, 300, 304, 305, 306, 309, 400, 404, 500, 599, u16::MAX],
            "status-with-right-body",
            "status",
        ),
    ] {
        for status in statuses {
            assert_eq!(code(*status, ACKNOWLEDGEMENT_BODY), right, "{status}");
            assert_eq!(code(*status, "nonsense"), wrong, "{status}");
        }
    }
}

#[test]
fn a_code_is_compared_as_it_is_written() {
    for (text, expected) in [
        ("0000", "acknowledged"),
        (" 0000", "near-code"),
        ("0000 ", "near-code"),
        (" 0000 ", "near-code"),
        ("0000\\n", "near-code"),
        ("\\t0000", "near-code"),
        ("\\u00a00000", "near-code"),
        ("0", "near-code"),
        ("000", "near-code"),
        ("00000", "near-code"),
        (" ok ", "near-code"),
        ("Done", "near-code"),
        ("", "refused"),
        (" ", "refused"),
        ("0001", "refused"),
        ("1000", "refused"),
        ("00 00", "refused"),
        ("0x0000", "refused"),
        ("oks", "refused"),
    ] {
        assert_eq!(code(200, &format!("{{\"error_code\":\"{text}\"}}")), expected, "{text:?}");
    }
}

#[test]
fn a_content_type_is_json_whatever_its_case_and_parameters() {
    for (content_type, is_json) in [
        (None, false),
        (Some(""), false),
        (Some("text/json"), false),
        (Some("application/json5"), false),
        (Some("application/problem+json"), false),
        (Some("text/html; application/json"), false),
        (Some("application/json"), true),
        (Some("Application/JSON"), true),
        (Some("application/json;charset=utf-8"), true),
        (Some(" application/json ; charset=utf-8"), true),
    ] {
        let warnings = if is_json { vec![] } else { vec![ReplyWarning::ContentType] };
        let conclusion = judged(200, content_type, ACKNOWLEDGEMENT_BODY);
        assert_eq!(conclusion, Conclusion::Acknowledged(warnings), "{content_type:?}");
    }
}

#[test]
fn members_beside_the_code_give_one_warning() {
    for (body, expected) in [
        (r#"{"error_code":"0000"}"#, "acknowledged"),
        (r#"{ "error_code":"0000"}"#, "acknowledged"),
        (r#"{"error_code":"0000","a":1}"#, "acknowledged with a warning"),
        (r#"{"a":1,"b":2,"error_code":"0000"}"#, "acknowledged with a warning"),
    ] {
        assert_eq!(code(200, body), expected, "{body}");
    }
}

#[test]
fn a_body_other_than_an_object_is_classified() {
    let html = |before: usize| format!("{}<html>", "x".repeat(before));
    for (body, expected) in [
        ("0000", "bare-code"),
        ("00000", "not-json"),
        ("0", "bare-word"),
        ("-0", "not-an-object"),
        ("10", "not-an-object"),
        ("true", "not-an-object"),
        ("\"0000\"", "bare-code"),
        ("\"OK\"\r", "bare-word"),
        ("\r\"OK\"", "bare-word"),
        ("\t\"OK\"\n", "bare-word"),
        ("\"no\"", "not-an-object"),
        ("<body>", "html"),
        ("<p><BODY>", "html"),
        ("<p>", "not-json"),
        ("see <body>", "not-json"),
        ("see <html>", "html"),
        // The needle ends with the 512th byte, and one behind it.
        (&html(507), "html"),
        (&html(508), "not-json"),
        ("}{", "not-json"),
        ("{}", "no-code"),
        ("x{\"error_code\":\"0\"}", "not-json"),
        ("x{\"error_code\":\"0000\"}}", "not-json"),
        ("{\"Error-Code\":\"0000\"}", "misspelled-code"),
        ("{\"error_codes\":\"0000\"}", "no-code"),
    ] {
        assert_eq!(code(200, body), expected, "{body}");
    }
}

#[test]
fn an_encoded_body_is_named_unless_it_is_right_all_the_same() {
    let code = |status, encoding: &str, body: &str| {
        let reply = Reply {
            status,
            content_type: Some("application/json".to_owned()),
            encoding: Some(encoding.to_owned()),
            body: body.as_bytes().to_vec(),
            ..Reply::default()
        };
        match judge(&reply) {
            Conclusion::Acknowledged(_) => "acknowledged",
            Conclusion::NotAcknowledged(refusal) => refusal.code(),
        }
    };
    for encoding in ["gzip", "br", "zstd", "deflate"] {
        assert_eq!(code(200, encoding, "\u{1f}\u{fffd}"), "encoded", "{encoding}");
        assert_eq!(code(500, encoding, "\u{1f}\u{fffd}"), "status", "{encoding}");
        assert_eq!(code(200, encoding, ACKNOWLEDGEMENT_BODY), "acknowledged", "{encoding}");
        assert_eq!(code(200, encoding, ""), "empty", "{encoding}");
        let long = "x".repeat(MAX_REPLY_BYTES + 1);
        assert_eq!(code(200, encoding, &long), "too-long", "{encoding}");
    }
}

#[test]
fn a_reply_is_read_up_to_64_kib() {
    assert_eq!(code(200, &" ".repeat(65_536)), "empty");
    assert_eq!(code(200, &" ".repeat(65_537)), "too-long");
}

#[test]
fn each_warning_names_what_is_unusual() {
    for (warning, code, part) in [
        (ReplyWarning::ExtraMembers, "extra-members", "error_code"),
        (ReplyWarning::ContentType, "content-type", "application/json"),
        (ReplyWarning::Status, "status-not-200", "not 200"),
    ] {
        assert_eq!(warning.code(), code);
        assert!(warning.explanation().contains(part), "{}", warning.explanation());
    }
}

#[test]
fn each_refusal_has_its_code_and_names_what_came_and_what_is_expected() {
    let slip = Slip::Member("status".to_owned());
    let reply = ACKNOWLEDGEMENT_BODY;
    for (refusal, code, came, expected) in [
        (Refusal::Redirect(302), "redirect", "302", ""),
        (Refusal::StatusWithRightBody(500), "status-with-right-body", "500", "2xx"),
        (Refusal::Status(404), "status", "404", "2xx"),
        (Refusal::NumberCode("0".to_owned()), "number-code", "number 0", "\"0000\""),
        (Refusal::ShortCode("ok".to_owned()), "near-code", "\"ok\"", "\"0000\""),
        (Refusal::CodeType("null"), "code-type", "null", "\"0000\""),
        (Refusal::NoCode, "no-code", "", "error_code"),
        (Refusal::MisspelledCode("code".to_owned()), "misspelled-code", "\"code\"", "error_code"),
        (Refusal::BareWord("OK".to_owned()), "bare-word", "\"OK\"", reply),
        (Refusal::NestedCode("data".to_owned()), "nested-code", "\"data\"", "top level"),
        (Refusal::UnquotedCode("0000".to_owned()), "unquoted-code", "0000", reply),
        (Refusal::OtherDigits("００００".to_owned()), "other-digits", "００００", reply),
        (Refusal::BareCode, "bare-code", "0000", reply),
        (Refusal::WrongQuotes('\''), "wrong-quotes", "'", reply),
        (Refusal::TrailingComma, "trailing-comma", "comma", reply),
        (Refusal::SeveralObjects(2), "several-objects", "2", reply),
        (Refusal::Xml, "xml", "XML", reply),
        (Refusal::NotAnObject("an array"), "not-an-object", "an array", reply),
        (Refusal::Html, "html", "HTML", ""),
        (Refusal::Empty, "empty", "empty", reply),
        (Refusal::ByteOrderMark, "byte-order-mark", "byte order mark", ""),
        (Refusal::DuplicateMember("a".to_owned()), "duplicate-member", "\"a\"", ""),
        (Refusal::TextAroundJson, "text-around-json", "other text", ""),
        (Refusal::NotJson, "not-json", "", "JSON"),
        (Refusal::TooLong, "too-long", "", "65536 bytes"),
        (
            Refusal::NotTheReply { wanted: "ok".to_owned(), slip },
            "member",
            "\"status\"",
            "reply ok",
        ),
    ] {
        assert_eq!(refusal.code(), code);
        let said = refusal.explanation();
        assert!(said.contains(came) && said.contains(expected), "{said}");
    }
}

#[test]
fn what_a_refusal_quotes_is_redacted_before_it_is_cut() {
    crate::untrusted::redact_in_tests();
    let long = "x".repeat(MAX_ERROR_MESSAGE - 2);
    for body in [
        r#"{"error_code":"wörd"}"#.to_owned(),
        format!(r#"{{"error_code":"1","error_msg":"{long}wörd"}}"#),
        r#"{"Error-Code":"a","errorcode wörd":1,"error.code wörd":1}"#.to_owned(),
        r#"{"wörd":1,"wörd":2}"#.to_owned(),
    ] {
        let reply = Reply { status: 200, body: body.clone().into_bytes(), ..Reply::default() };
        let shown = format!("{:?}", judge(&reply));
        assert!(!shown.contains("wö"), "{body}: {shown}");
    }
    let rule = AcknowledgementRule::for_reply("<xml><return_code>SUCCESS</return_code></xml>");
    for inside in ["<return_code>wörd</return_code>", "<wörd></wörd>x", "&wörd;"] {
        let body = format!("<xml>{inside}</xml>").into_bytes();
        let shown = format!("{:?}", rule.judge(&Reply { status: 200, body, ..Reply::default() }));
        assert!(!shown.contains("wörd"), "{inside}: {shown}");
    }
}
