//! Near misses of this platform's acknowledgement `{"error_code":"0000"}` (the protocol's section
//! 3): what merchants really send. In another dialect one of them may be the very reply that
//! acknowledges.

use crate::receiver::reply::{JSON, Reply};

#[derive(Debug, PartialEq, Eq)]
pub struct Sample {
    pub name: &'static str,
    /// Its body, with status 200.
    pub body: &'static str,
    pub content_type: &'static str,
    pub about: &'static str,
}

const TEXT: &str = "text/plain;charset=utf-8";
const HTML: &str = "text/html;charset=utf-8";

const fn sample(
    name: &'static str,
    content_type: &'static str,
    body: &'static str,
    about: &'static str,
) -> Sample {
    Sample { name, body, content_type, about }
}

pub const SAMPLES: &[Sample] = &[
    sample("number-zero", JSON, r#"{"error_code":0}"#, "the code is the number 0"),
    sample("number-zeros", JSON, r#"{"error_code":0000}"#, "the code has no quotes"),
    sample("short", JSON, r#"{"error_code":"0"}"#, "the code is \"0\""),
    sample("camel-case", JSON, r#"{"errorCode":"0000"}"#, "the field is called errorCode"),
    sample("number-code", JSON, r#"{"code":"0000"}"#, "the field is called code"),
    sample("no-code", JSON, r#"{"error_msg":"success"}"#, "error_code is missing"),
    sample("array", JSON, r#"[{"error_code":"0000"}]"#, "an array around the object"),
    sample("twice-encoded", JSON, r#""{\"error_code\":\"0000\"}""#, "JSON in a JSON string"),
    sample(
        "twice-member",
        JSON,
        r#"{"error_code":"0004","error_code":"0000"}"#,
        "error_code appears twice",
    ),
    sample("byte-order-mark", JSON, "\u{feff}{\"error_code\":\"0000\"}", "a byte order mark first"),
    sample(
        "text-around",
        JSON,
        "Notice: Undefined index: memo in notify.php on line 7\n{\"error_code\":\"0000\"}",
        "a printed warning before the JSON",
    ),
    sample("invalid-json", JSON, r#"{"error_code":"0000""#, "the object is not closed"),
    sample("text-ok", TEXT, "OK", "what other platforms expect"),
    sample("text-success", TEXT, "success", "what other platforms expect"),
    sample("empty", TEXT, "", "no body"),
    sample(
        "html",
        HTML,
        "<!DOCTYPE html><html><head><title>Login</title></head><body>Please log in.</body></html>",
        "a login page",
    ),
];

pub(super) fn named(name: &str) -> Option<&'static Sample> {
    SAMPLES.iter().find(|sample| sample.name == name)
}

impl Sample {
    pub fn reply(&self) -> Reply {
        Reply::new(200, self.content_type, self.body)
    }
}
