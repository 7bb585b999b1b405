//! What the application behind the listener answered, for a person and for a program.

use std::borrow::Cow;

use serde::Serialize;

use super::line::Line;
use super::text::{milliseconds, short_duration};
use crate::mask::Untrusted;
use crate::net::target::Locality;
use crate::receiver::forward::Forwarder;
use crate::receiver::received::{AppReply, Forwarded};

const MAX_BODY_CHARS: usize = 160;

pub fn target_line(forwarder: &Forwarder) -> Line {
    let target = forwarder.target();
    let line = Line::new().plain("forwarding to ").accent(Untrusted::new(&target));
    let line = match forwarder.proxy() {
        Some(proxy) => line.plain(format!(" through the proxy {}", Untrusted::new(&proxy))),
        None => line,
    };
    match target.locality() {
        Locality::Loopback => line,
        Locality::Private => line.dim("  in a private network"),
        Locality::Elsewhere if target.is_https() => line.warn("  another host"),
        Locality::Elsewhere => line.warn("  another host; callbacks go there unencrypted"),
    }
}

pub fn line(forwarded: &Forwarded) -> Line {
    let line = Line::new().plain("→ app ");
    let reply = match &forwarded.result {
        Ok(reply) => reply,
        Err(why) => return line.accent(&forwarded.url).bad(format!(": {why}")),
    };
    let line = line.plain(format!("{} ", reply.status));
    let body = body_text(reply);
    let line = if reply.acknowledges { line.good(body) } else { line.bad(body) };
    let line = line.dim(format!(" {} ", short_duration(forwarded.elapsed)));
    match (reply.acknowledges, &reply.remark) {
        (true, None) => line.good("acknowledged"),
        (true, Some(remark)) => line.good("acknowledged").warn(format!("; {remark}")),
        (false, None) => line.bad("not acknowledged"),
        (false, Some(why)) => line.bad("not acknowledged").plain(format!(": {why}")),
    }
}

fn body_text(reply: &AppReply) -> String {
    let length = reply.body.len();
    if length == 0 {
        return "(no body)".to_owned();
    }
    let encoding = reply.headers.iter().find(|(name, _)| name == "content-encoding");
    if let Some((_, encoding)) = encoding {
        let encoding = Untrusted::lossy(encoding).to_string();
        let encoding: String = encoding.chars().take(MAX_BODY_CHARS).collect();
        return format!("({length} bytes, {encoding})");
    }
    // A character has at most four bytes.
    let start = String::from_utf8_lossy(&reply.body[..length.min(MAX_BODY_CHARS * 8)]);
    let start = Untrusted::new(&start).to_string();
    let shown: String = start.chars().take(MAX_BODY_CHARS).collect();
    if shown.len() < start.len() || length > MAX_BODY_CHARS * 8 {
        return format!("{shown}… ({length} bytes)");
    }
    shown
}

#[derive(Serialize)]
pub struct ForwardedJson<'a> {
    acknowledged: bool,
    body: Option<Untrusted<Cow<'a, str>>>,
    elapsed_ms: f64,
    error: Option<&'a str>,
    remark: Option<&'a str>,
    status: Option<u16>,
    url: &'a Untrusted<String>,
}

pub fn json(forwarded: &Forwarded) -> ForwardedJson<'_> {
    let reply = forwarded.result.as_ref().ok();
    ForwardedJson {
        acknowledged: reply.is_some_and(|reply| reply.acknowledges),
        body: reply.map(|reply| Untrusted::lossy(&reply.body)),
        elapsed_ms: milliseconds(forwarded.elapsed),
        error: forwarded.result.as_ref().err().map(String::as_str),
        remark: reply.and_then(|reply| reply.remark.as_deref()),
        status: reply.map(|reply| reply.status),
        url: &forwarded.url,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use protocol::internal::acknowledgement::AcknowledgementRule;

    use super::*;
    use crate::net::client::{Client, ClientConfig};
    use crate::net::proxy::ProxyRule;
    use crate::net::target::Target;
    use crate::receiver::forward::ForwardSettings;

    fn text(line: &Line) -> String {
        line.spans.iter().map(|span| span.text.as_str()).collect()
    }

    fn forwarded(result: Result<AppReply, String>) -> Forwarded {
        let url = "http://localhost:3000/notify".into();
        Forwarded { url, elapsed: Duration::from_millis(12), result }
    }

    fn reply(body: &str, acknowledges: bool, remark: Option<&str>) -> AppReply {
        let remark = remark.map(str::to_owned);
        let body = body.to_owned().into();
        AppReply { status: 200, headers: Vec::new(), body, acknowledges, remark }
    }

    #[test]
    fn the_answer_and_what_it_means_stand_on_one_line() {
        let answered = |body, acknowledges, remark| {
            text(&line(&forwarded(Ok(reply(body, acknowledges, remark)))))
        };
        assert_eq!(
            answered(r#"{"error_code":"0000"}"#, true, None),
            r#"→ app 200 {"error_code":"0000"} 12 ms acknowledged"#
        );
        assert_eq!(
            answered("OK", false, Some("a bare word")),
            "→ app 200 OK 12 ms not acknowledged: a bare word"
        );
        assert_eq!(answered("", false, None), "→ app 200 (no body) 12 ms not acknowledged");
        assert_eq!(
            text(&line(&forwarded(Err("nothing listens there".to_owned())))),
            "→ app http://localhost:3000/notify: nothing listens there"
        );
    }

    #[test]
    fn a_long_or_encoded_body_is_not_shown_whole() {
        let long = text(&line(&forwarded(Ok(reply(&"é".repeat(100_000), false, None)))));
        assert!(
            long.contains(&format!("{}… (200000 bytes)", "é".repeat(MAX_BODY_CHARS))),
            "{long}"
        );
        assert!(long.chars().count() < 300);
        let whole = "x".repeat(MAX_BODY_CHARS);
        assert!(
            text(&line(&forwarded(Ok(reply(&whole, false, None))))).contains(&format!(" {whole} "))
        );
        let mut zipped = reply("\u{1f}\u{8b}", true, None);
        zipped.headers.push(("content-encoding".into(), b"gzip".to_vec()));
        assert!(text(&line(&forwarded(Ok(zipped)))).contains("(3 bytes, gzip)"));
    }

    #[test]
    fn a_program_gets_the_reply_or_the_reason() {
        let json = |forwarded: Forwarded| serde_json::to_value(json(&forwarded)).unwrap();
        let value = json(forwarded(Ok(reply("OK", false, Some("a bare word")))));
        assert_eq!(value["status"], 200);
        assert_eq!((&value["body"], &value["error"]), (&"OK".into(), &serde_json::Value::Null));
        let value = json(forwarded(Err("is away".to_owned())));
        assert_eq!((&value["error"], &value["acknowledged"]), (&"is away".into(), &false.into()));
    }

    #[test]
    fn another_host_is_said_to_be_one() {
        let shown = |url: &str, proxy: &str| {
            let target = Target::parse(url).unwrap();
            let proxy = ProxyRule::parse(proxy).unwrap();
            let config = ClientConfig { proxy, ..ClientConfig::default() };
            let client = Client::try_new(&target, config).unwrap();
            let (timeout, retry) = (Duration::ZERO, Duration::ZERO);
            let acknowledgement = AcknowledgementRule::default();
            let settings = ForwardSettings { target, timeout, retry, acknowledgement };
            text(&target_line(&Forwarder::new(client, settings)))
        };
        assert_eq!(
            shown("http://localhost:3000/n", "none"),
            "forwarding to http://localhost:3000/n"
        );
        assert!(
            shown("http://example.com/", "none")
                .ends_with("another host; callbacks go there unencrypted")
        );
        assert!(shown("https://example.com/", "none").ends_with("  another host"));
        assert!(shown("http://10.1.2.3/", "none").contains("private network"));
        let through = shown("http://example.com/", "http://u:s3cret@proxy.example:3128");
        assert!(through.contains("through the proxy http://proxy.example:3128 "), "{through}");
    }
}
