//! A kept callback as a request to send again, or as a command to copy.

use std::fmt::Write as _;

use protocol::Encoding;

use super::source::Outgoing;
use crate::net::target::Target;
use crate::receiver::Bytes;
use crate::receiver::callback::Callback;

const MAX_URL_BYTES: usize = 4096;

pub(super) fn encoding_of(callback: &Callback) -> Encoding {
    let essence = callback.content_type().unwrap_or_default().split(';').next().unwrap_or_default();
    let is = |kind: &str| essence.trim().eq_ignore_ascii_case(kind);
    if callback.method.raw() == "GET" && callback.path.raw().contains('?') {
        Encoding::Query
    } else if is("application/x-www-form-urlencoded") {
        Encoding::Form
    } else if is("text/xml") || is("application/xml") {
        Encoding::Xml
    } else {
        Encoding::Json
    }
}

/// The part of a callback that is signed, as bytes: the body, or the query string with its `?`.
pub(super) fn signed_part(callback: &Callback) -> &[u8] {
    match (encoding_of(callback), callback.path.raw().find('?')) {
        (Encoding::Query, Some(at)) => &callback.path.raw().as_bytes()[at..],
        _ => &callback.body,
    }
}

pub(super) fn outgoing(
    callback: &Callback,
    url: &str,
    edited: Option<&str>,
) -> Result<Outgoing, String> {
    let mut url = checked(url)?;
    let mut body = callback.body.clone();
    if encoding_of(callback) == Encoding::Query {
        let part = edited.map_or_else(|| signed_part(callback), str::as_bytes);
        let query = std::str::from_utf8(part).map_err(|_| "the query is not text".to_owned())?;
        let query = query.trim_start_matches('?');
        let joint = if url.contains('?') { '&' } else { '?' };
        let _ = write!(url, "{joint}{query}");
        url = checked(&url)?;
    } else if let Some(edited) = edited {
        body = Bytes::copy_from_slice(edited.as_bytes());
    }
    let content_type = callback.header("content-type").map(<[u8]>::to_vec);
    let headers = content_type.map(|value| ("content-type".to_owned(), value));
    Ok(Outgoing {
        url,
        method: callback.method.raw().clone(),
        headers: headers.into_iter().collect(),
        body,
    })
}

/// The URL as it is sent to and shown; a user name and a password would be shown with it.
fn checked(url: &str) -> Result<String, String> {
    let target = Target::parse(url).map_err(|error| error.to_string())?;
    if url.len() > MAX_URL_BYTES {
        return Err(format!("the URL is longer than {MAX_URL_BYTES} bytes"));
    }
    match target.has_credentials() {
        true => Err("the URL must have no user name and no password".to_owned()),
        false => Ok(target.to_string()),
    }
}

/// The request as a curl command for a shell that knows `$'…'` (bash, zsh, ksh). The body is
/// hostile: `--data-raw` gives a leading `@` no meaning, and control characters are escaped because
/// a terminal would obey them when the command is pasted.
pub(super) fn curl(request: &Outgoing) -> Result<String, String> {
    if request.body.contains(&0) {
        return Err("the body holds a NUL byte, which no command line can carry".to_owned());
    }
    let mut command = format!("curl -sS --globoff -X {}", word(request.method.as_bytes()));
    let _ = write!(command, " {}", word(request.url.as_bytes()));
    for (name, value) in &request.headers {
        let line = [name.as_bytes(), b": ", value].concat();
        let _ = write!(command, " \\\n  -H {}", word(&line));
    }
    if !request.body.is_empty() {
        let _ = write!(command, " \\\n  --data-raw {}", word(&request.body));
    }
    Ok(command)
}

fn word(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).ok();
    let is_plain = |c: char| matches!(c, ' '..='~') || (!c.is_ascii() && c.is_alphanumeric());
    if let Some(text) = text.filter(|text| text.chars().all(is_plain)) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut word = String::from("$'");
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' => word.push_str("\\n"),
                '\\' | '\'' => word.extend(['\\', character]),
                plain if is_plain(plain) => word.push(plain),
                hidden => {
                    for byte in hidden.encode_utf8(&mut [0; 4]).bytes() {
                        let _ = write!(word, "\\{byte:03o}");
                    }
                }
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(word, "\\{byte:03o}");
        }
    }
    word.push('\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::example;

    fn callback(method: &str, path: &str, content_type: &str, body: &str) -> Callback {
        let mut callback = example::entry(1, "PO", body.as_bytes()).callback.clone();
        callback.method = method.to_owned().into();
        callback.path = path.to_owned().into();
        callback.headers = vec![("content-type".to_owned(), content_type.into())];
        callback
    }

    #[test]
    fn only_plain_http_urls_are_sent_to() {
        let json = callback("POST", "/", "application/json", "{}");
        for (url, sent_to) in [
            ("http://h/", "http://h/"),
            ("HTTPS://h", "https://h/"),
            ("http://127.0.0.1:1/a?b=c", "http://127.0.0.1:1/a?b=c"),
            ("http://h/a/../b?'", "http://h/a/../b?'"),
            ("http://h/\n", "http://h/"),
            ("http://h/#x", "http://h/"),
            ("http://\u{e9}/\u{e9}", "http://xn--9ca/%C3%A9"),
        ] {
            assert_eq!(outgoing(&json, url, None).unwrap().url, sent_to, "{url}");
        }
        for url in [
            "",
            "ftp://h/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "http:///x",
            "http://",
            "http://u@h/",
            "http://:secret@h/",
            "http://h/ x",
            "http://h/\nx",
            "http://h\\@x/",
        ] {
            assert!(outgoing(&json, url, None).is_err(), "{url}");
        }
    }

    #[test]
    fn an_edited_part_takes_the_place_of_what_came() {
        let json = callback("POST", "/", "application/json;charset=utf-8", "{}");
        let sent = outgoing(&json, "http://h/", Some("{\"a\":1}")).unwrap();
        assert_eq!(&sent.body[..], b"{\"a\":1}");
        assert_eq!(sent.headers[0].1, b"application/json;charset=utf-8");
        let query = callback("GET", "/n?a=1", "", "");
        assert_eq!(outgoing(&query, "http://h/", None).unwrap().url, "http://h/?a=1");
        assert_eq!(
            outgoing(&query, "http://h/?x=y", Some("?a=2")).unwrap().url,
            "http://h/?x=y&a=2"
        );
        assert!(outgoing(&query, "http://h/", Some("?a= 2")).is_err());
    }

    #[test]
    fn nothing_in_a_body_reaches_the_shell_or_the_terminal() {
        let command = |body: &str| {
            let json = callback("POST", "/", "application/json", body);
            curl(&outgoing(&json, "http://h/", None).unwrap()).unwrap()
        };
        assert!(command("@/etc/passwd").ends_with("--data-raw '@/etc/passwd'"));
        assert!(command("it's").ends_with(r"'it'\''s'"));
        assert!(command("a\u{1b}[201~\n'\\\u{202e}").ends_with(r"$'a\033[201~\n\'\\\342\200\256'"));
        let nul = callback("POST", "/", "application/json", "\0");
        assert!(curl(&outgoing(&nul, "http://h/", None).unwrap()).is_err());
    }
}
