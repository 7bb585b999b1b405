//! What is not a valid payload: exit 3, and a message that names the place.

use crate::harness::{KEY, Output, payout_notify};

fn verify(bytes: &[u8]) -> Output {
    payout_notify(&["verify"]).key(KEY).stdin(bytes).run()
}

fn verify_json(bytes: &[u8]) -> Output {
    payout_notify(&["verify", "--format", "json"]).key(KEY).stdin(bytes).run()
}

/// An input, its line and column, the member it is about, and words of the message.
type Refused<'a> = (&'a [u8], Option<(u64, u64)>, Option<&'a str>, &'a str);

fn refused() -> Vec<Refused<'static>> {
    vec![
        (b"", Some((1, 1)), None, "the input is empty"),
        (b" \n ", Some((2, 2)), None, "the input is empty"),
        (b"[1]", Some((1, 1)), None, "found an array"),
        (b"\"x\"", Some((1, 1)), None, "found a string"),
        (b"{\"a\":1,\n\"a\":2}", Some((2, 1)), Some("a"), "duplicate field \"a\""),
        (b"{\"o\":{\"a\":1,\"a\":2}}", Some((1, 13)), Some("o.a"), "duplicate field"),
        (b"{\"l\":[0,{\"\\u0061\":1,\"a\":2}]}", Some((1, 21)), Some("l[1].a"), "duplicate field"),
        (b"{} x", Some((1, 4)), None, "data follows"),
        (b"{\"a\":1}{}", Some((1, 8)), None, "data follows"),
        (b"{\"a\":1,\n \"b\":\"\xff\"}", Some((2, 7)), None, "invalid UTF-8"),
        (b"\xef\xbb\xbf{}", Some((1, 1)), None, "byte order mark"),
        (b"{\"a\":01}", Some((1, 6)), Some("a"), "a number that JSON does not know"),
        (b"{\"a\":\"\\ud800\"}", None, Some("a"), "half of a surrogate pair"),
        (b"{\"a\":", Some((1, 6)), Some("a"), "ends too early"),
    ]
}

#[test]
fn a_person_is_told_the_place() {
    for (bytes, place, member, words) in refused() {
        let output =
            verify(bytes).exits(3).remarks(&["error: stdin is not a valid payload", words]);
        assert_eq!(output.stdout, "", "{output}");
        if let Some((line, column)) = place {
            let place = format!("line {line}, column {column}");
            assert!(output.stderr.contains(&place), "{place}: {output}");
        }
        if let Some(member) = member {
            let member = format!("member \"{member}\"");
            assert!(output.stderr.contains(&member), "{member}: {output}");
        }
    }
}

#[test]
fn a_program_is_told_the_place() {
    for (bytes, place, member, words) in refused() {
        let output = verify_json(bytes).exits(3);
        let error = output.json();
        assert_eq!((&error["type"], &error["kind"]), (&"error".into(), &"input".into()));
        assert!(error["message"].as_str().is_some_and(|it| it.contains(words)), "{output}");
        if let Some((line, column)) = place {
            assert_eq!((&error["line"], &error["column"]), (&line.into(), &column.into()));
        }
        assert_eq!(error["member"].as_str(), member, "{output}");
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    verify(nested(126).as_bytes()).exits(1).says(&["the payload has no sign"]);
    verify(nested(127).as_bytes()).exits(3).remarks(&["nested deeper than 127", "member \"a"]);
    verify(&vec![b'['; 1 << 20]).exits(3).remarks(&["nested deeper"]);
}

#[test]
fn size_is_bounded() {
    let sized = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    verify(sized(1 << 20).as_bytes()).exits(1).says(&["the payload has no sign"]);
    verify(sized((1 << 20) + 1).as_bytes()).exits(3).remarks(&["longer than 1048576 bytes"]);
}

#[test]
fn a_file_is_named_as_it_was_given() {
    let program = payout_notify(&["verify", "bad.json"]).key(KEY).file("bad.json", "{");
    program.run().exits(3).remarks(&["bad.json is not a valid payload"]);
    payout_notify(&["verify", "gone.json"])
        .key(KEY)
        .run()
        .exits(3)
        .remarks(&["cannot read gone.json", "caused by: No such file"]);
    payout_notify(&["verify", "."]).key(KEY).run().exits(3).remarks(&["cannot read ."]);
    payout_notify(&["sign", "-"]).key(KEY).stdin("[]").run().exits(3).remarks(&["stdin"]);
}
