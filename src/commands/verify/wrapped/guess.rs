//! What a text seems to be that cannot be read.

use super::http::request_target;
use super::inside;

/// What bytes seem to be that are not a payload, and what to do.
pub fn guess(bytes: &[u8], sign_field: &str) -> Option<(&'static str, &'static str)> {
    const RAW: &str = "log the body of the request as it came: the signature is over that text, and a \
                       printed copy can differ";
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Some(("gzip that does not hold a signed payload", "unpack it: gunzip < FILE"));
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    let starts = |marks: &[&str]| marks.iter().any(|mark| text.starts_with(mark));
    let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let is_object = |bytes: &[u8]| super::is_signed(bytes, sign_field);
    Some(if starts(&["["]) && is_json(text) {
        ("a JSON array", "give one payload; `jq -c '.[]'` writes one per line, for --lines")
    } else if text.lines().count() > 1 && text.lines().all(|line| is_json(line.trim())) {
        ("several payloads, one per line", "add --lines")
    } else if inside::signed(text, &is_object).len() > 1 {
        ("a text with several payloads", "give one of them; or one per line, with --lines")
    } else if starts(&["{'", "{u'", "{b'", "OrderedDict("]) {
        ("a Python dict as print() shows it", RAW)
    } else if starts(&["Array\n(", "Array\r\n(", "array(", "array ("]) {
        ("a PHP array as print_r(), var_dump() or var_export() shows it", RAW)
    } else if starts(&["{\"", "{:"]) && text.contains("=>") {
        ("a Ruby hash as p shows it", RAW)
    } else if starts(&["a:", "O:"]) && text.ends_with('}') {
        ("PHP's serialize()", RAW)
    } else if starts(&["map["]) {
        ("a Go map as fmt prints it", RAW)
    } else if text.starts_with('{') && !text.contains('"') && text.contains('=') {
        ("a Java map as toString() shows it", RAW)
    } else if text == "[object Object]" {
        ("a JavaScript object that was turned into text", "log JSON.stringify(value), or the body")
    } else if text.contains(['\u{201c}', '\u{201d}']) {
        (
            "text with curly quotation marks",
            "a word processor or chat replaced the straight ones; copy the body of the request again",
        )
    } else if text.starts_with('{') && !text.contains("\":") && text.contains(": ") {
        ("a JavaScript object as console.log() shows it", "log JSON.stringify(value), or the body")
    } else if text.split('"').any(|part| request_target(part).is_some())
        || text.lines().next().is_some_and(|line| request_target(line.trim()).is_some())
    {
        ("an HTTP request or a line of a log without a signed payload", RAW)
    } else if starts(&["curl "]) {
        (
            "a curl command whose data cannot be read as it is sent",
            "give the data itself: the text behind -d, or the file behind @",
        )
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_is_named() {
        for (text, what) in [
            ("[{\"a\":1}]", "a JSON array"),
            ("{\"a\":1}\n{\"a\":2}\n", "several payloads"),
            ("{'a': 1}", "a Python dict"),
            ("Array\n(\n    [a] => 1\n)\n", "a PHP array"),
            ("array(1) {\n  [\"a\"]=>\n  int(1)\n}", "a PHP array"),
            ("{\"a\"=>1}", "a Ruby hash"),
            ("a:1:{s:1:\"a\";i:1;}", "PHP's serialize()"),
            ("[object Object]", "a JavaScript object"),
            ("{\n  a: 1,\n  b: 'x'\n}", "a JavaScript object"),
            ("{a=1, b=x}", "a Java map"),
            ("map[a:1]", "a Go map"),
            ("OrderedDict({'a': 1})", "a Python dict"),
            ("{\"sign\":\"1\"} {\"sign\":\"2\"}", "several payloads"),
            ("{\u{201c}a\u{201d}: 1}", "curly quotation marks"),
            ("\"POST /n HTTP/1.1\" 200", "a line of a log"),
            ("curl x -d @f", "a curl command"),
        ] {
            let (found, hint) = guess(text.as_bytes(), "sign").unwrap();
            assert!(found.contains(what) && !hint.is_empty(), "{text}: {found}");
        }
        for text in ["{\"a\":1", "", "a=1&b=2", "<xml/>"] {
            assert_eq!(guess(text.as_bytes(), "sign"), None, "{text}");
        }
    }
}
