//! A whole HTTP request.

use memchr::memmem;

/// The body, or the query where there is none.
pub fn body(bytes: &[u8]) -> Option<Vec<u8>> {
    let ends = [&b"\r\n\r\n"[..], b"\n\n"];
    let ends = ends.iter().filter_map(|end| Some((memmem::find(bytes, end)?, end.len())));
    let (at, length) = ends.min().unwrap_or((bytes.len(), 0));
    let head = std::str::from_utf8(&bytes[..at]).ok()?.trim();
    let mut lines = head.lines();
    let target = request_target(lines.next()?)?;
    let is_chunked = lines.any(|line| {
        let line = line.to_ascii_lowercase();
        line.starts_with("transfer-encoding:") && line.contains("chunked")
    });
    let body = &bytes[at + length..];
    // Some tools print the header, and the body without the chunks' sizes.
    if let Some(body) = is_chunked.then(|| joined(body)).flatten() {
        return Some(body);
    }
    match body.trim_ascii() {
        [] => query(target),
        body => Some(body.to_vec()),
    }
}

/// The data of a chunked body.
fn joined(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    loop {
        let end = memchr::memchr(b'\n', rest)?;
        let size = std::str::from_utf8(&rest[..end]).ok()?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(data);
        }
        rest = &rest[end + 1..];
        data.extend_from_slice(rest.get(..size)?);
        rest = &rest[size..];
        rest = rest.strip_prefix(b"\r").unwrap_or(rest).strip_prefix(b"\n")?;
    }
}

/// The target of a request line.
pub fn request_target(line: &str) -> Option<&str> {
    let mut words = line.trim_end().split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    (is_method && version.starts_with("HTTP/") && words.next().is_none()).then_some(target)
}

pub fn query(target: &str) -> Option<Vec<u8>> {
    target.split_once('?').map(|(_, query)| query.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        let request = |head: &str, body: &str| {
            let text = format!("POST /n HTTP/1.1\r\n{head}\r\n\r\n{body}");
            body_of(text.as_bytes())
        };
        fn body_of(bytes: &[u8]) -> Option<String> {
            body(bytes).map(|body| String::from_utf8(body).unwrap())
        }
        let chunked = "Host: x\r\nTransfer-Encoding: Chunked";
        for (text, joined) in [
            ("4\r\na=1&\r\n3;x=y\r\nb=2\r\n0\r\n\r\n", "a=1&b=2"),
            ("4\na=1&\n3\nb=2\n0\n\n", "a=1&b=2"),
            ("5\r\na\r\nbc\r\n0\r\nX-T: 1\r\n\r\n", "a\r\nbc"),
            ("a=1&b=2", "a=1&b=2"),
            ("ff\r\na=1", "ff\r\na=1"),
        ] {
            assert_eq!(request(chunked, text).as_deref(), Some(joined), "{text:?}");
        }
        assert_eq!(request("Host: x", "4\r\na=1&\r\n0\r\n").as_deref(), Some("4\r\na=1&\r\n0"));
        assert_eq!(body_of(b"GET /n?a=1 HTTP/1.1\r\nHost: x\r\n\r\n").as_deref(), Some("a=1"));
        assert_eq!(body_of(b"a=1"), None);
    }
}
