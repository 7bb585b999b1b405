//! Kept callbacks as requests that other tools send: the body as it came, all else without the key.

use crate::mask::outside;
use crate::receiver::received::Received;
use crate::report::curl::shell_quote;

/// Headers of a connection and not of the message (RFC 9110, section 7.6.1), or set by a sender.
const HOP_BY_HOP: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub fn end_to_end(entry: &Received) -> impl Iterator<Item = (&str, &[u8])> {
    let callback = &entry.callback;
    let connection = callback.headers.iter().filter(|(name, _)| name == "connection");
    let named: Vec<String> = connection
        .flat_map(|(_, value)| {
            let value = String::from_utf8_lossy(value).to_ascii_lowercase();
            value.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>()
        })
        .collect();
    callback.headers.iter().filter_map(move |(name, value)| {
        let is_hop = HOP_BY_HOP.contains(&&**name) || named.contains(name);
        (!is_hop).then_some((&**name, &**value))
    })
}

fn url(entry: &Received) -> String {
    let host = entry.callback.header("host").map(String::from_utf8_lossy);
    format!("http://{}{}", host.as_deref().unwrap_or("localhost"), entry.callback.path.raw())
}

/// A request in the form of `.http` files; `None` where the body is not text, or where it would be
/// read as an instruction to the tool that sends the file.
pub fn http(entry: &Received) -> Option<String> {
    let body = std::str::from_utf8(&entry.callback.body).ok()?;
    // A new request, a file to send, a script to run.
    let instructs = |line: &str| ["###", "<", ">"].iter().any(|start| line.starts_with(start));
    if body.lines().any(|line| instructs(line.trim_start())) {
        return None;
    }
    let mut text = format!(
        "### inbox {}, received {:.3}\n{} {} HTTP/1.1\n",
        entry.id,
        entry.callback.received_at,
        entry.callback.method,
        outside(&url(entry))
    );
    for (name, value) in end_to_end(entry) {
        let header = format!("{name}: {}\n", String::from_utf8_lossy(value));
        text.push_str(&outside(&header));
    }
    text.push('\n');
    if !body.is_empty() {
        text.push_str(body);
        text.push_str("\n\n");
    }
    // A variable, which can name one of the environment.
    (!text.contains("{{")).then_some(text)
}

/// A curl command for a POSIX shell; `None` where the body is not text that a command can carry.
pub fn curl(entry: &Received) -> Option<String> {
    let body = std::str::from_utf8(&entry.callback.body).ok().filter(|it| !it.contains('\0'))?;
    let mut text = format!(
        "# inbox {}, received {:.3}\ncurl -sS -g --path-as-is -X {} {}",
        entry.id,
        entry.callback.received_at,
        shell_quote(&entry.callback.method.to_string()),
        shell_quote(&outside(&url(entry)))
    );
    for (name, value) in end_to_end(entry) {
        let value = String::from_utf8_lossy(value);
        // curl leaves out a header without a value, unless it ends with a semicolon.
        let header = match &*value {
            "" => format!("{name};"),
            value => format!("{name}: {value}"),
        };
        text.push_str(&format!(" \\\n  -H {}", shell_quote(&outside(&header))));
    }
    if !body.is_empty() {
        // A body that begins with @ would name a file.
        let flag = if body.starts_with('@') { "--data-raw" } else { "--data-binary" };
        text.push_str(&format!(" \\\n  {flag} {}", shell_quote(body)));
    }
    text.push('\n');
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::inbox::tests::entry;

    #[test]
    fn what_belongs_to_the_connection_stays_behind() {
        let entry = entry(b"{}");
        let kept: Vec<_> = end_to_end(&entry).collect();
        assert_eq!(kept, [("content-type", &b"application/json"[..])]);
    }

    #[test]
    fn other_tools_get_whole_requests() {
        let it = entry(b"{\"a\":\"it's\"}");
        assert_eq!(
            http(&it).unwrap(),
            "### inbox 12, received 2026-11-23T02:43:01.500Z\n\
             POST http://shop:8787/it's HTTP/1.1\ncontent-type: application/json\n\n\
             {\"a\":\"it's\"}\n\n"
        );
        assert_eq!(
            curl(&it).unwrap(),
            "# inbox 12, received 2026-11-23T02:43:01.500Z\n\
             curl -sS -g --path-as-is -X 'POST' 'http://shop:8787/it'\\''s' \\\n  \
             -H 'content-type: application/json' \\\n  --data-binary '{\"a\":\"it'\\''s\"}'\n"
        );
        assert!(curl(&entry(b"@/etc/passwd")).unwrap().contains("--data-raw '@/etc/passwd'"));
        for body in ["{}\n### x\nGET http://evil/", "< /etc/passwd", "\n > {% x %}", "{{$env A}}"] {
            assert_eq!(http(&entry(body.as_bytes())), None, "{body}");
            assert!(curl(&entry(body.as_bytes())).unwrap().contains(body));
        }
        assert_eq!((http(&entry(b"\xff")), curl(&entry(b"\0"))), (None, None));
    }
}
