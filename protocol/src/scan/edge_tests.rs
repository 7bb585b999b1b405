use super::*;
use crate::payload::Payload;

fn value_of(json: &str) -> Result<String, PayloadProblem> {
    let text = format!("{{\"v\":{json}}}");
    let payload = Payload::parse(text.as_bytes()).map_err(|error| error.problem)?;
    match &payload.get("v").unwrap().value {
        Value::String(text) => Ok(text.to_string()),
        Value::Number(digits) => Ok((*digits).to_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_kind_of_white_space_is_skipped_and_not_signed() {
    let compact = r#"{"a":[1,true,"x",{},[],-2.5e3,null]}"#;
    for space in [" ", "\t", "\n", "\r", "\r\n\t "] {
        let tokens = [
            "{", "\"a\"", ":", "[", "1", ",", "true", ",", "\"x\"", ",", "{", "}", ",", "[", "]",
            ",", "-2.5e3", ",", "null", "]", "}", "",
        ];
        let json = format!("{space}{}", tokens.join(space));
        let mut out = String::new();
        compact_into(&json, &mut out);
        assert_eq!(out, compact, "{json:?}");
        let payload = Payload::parse(json.as_bytes()).unwrap();
        assert_eq!(payload.members().len(), 1, "{json:?}");
        assert!(payload.get("a").unwrap().value_span().end < json.len());
    }
    for other in ["\u{b}", "\u{c}", "\u{a0}", "\u{2028}", "\0"] {
        assert!(Payload::parse(format!("{{{other}}}").as_bytes()).is_err(), "{other:?}");
    }
}

#[test]
fn only_quotes_backslashes_and_control_characters_are_escaped() {
    for (character, expected) in (0..0x20).map(|code| (char::from(code), None)).chain([
        ('"', Some("\\\"")),
        ('\\', Some("\\\\")),
        ('/', Some("/")),
        (' ', Some(" ")),
        ('\u{7f}', Some("\u{7f}")),
        ('\u{2028}', Some("\u{2028}")),
    ]) {
        let expected = expected.map_or_else(
            || match character {
                '\u{8}' => "\\b".to_owned(),
                '\t' => "\\t".to_owned(),
                '\n' => "\\n".to_owned(),
                '\u{c}' => "\\f".to_owned(),
                '\r' => "\\r".to_owned(),
                other => format!("\\u00{:02x}", u32::from(other)),
            },
            str::to_owned,
        );
        let mut out = String::new();
        quote_into(&character.to_string(), &mut out);
        assert_eq!(out, format!("\"{expected}\""));
        assert_eq!(value_of(&out), Ok(character.to_string()));
    }
}

#[test]
fn escapes_are_resolved_up_to_the_last_code_point() {
    for (escape, text) in [
        ("\\\"", "\""),
        ("\\\\", "\\"),
        ("\\/", "/"),
        ("\\b", "\u{8}"),
        ("\\f", "\u{c}"),
        ("\\n", "\n"),
        ("\\r", "\r"),
        ("\\t", "\t"),
        ("\\u0000", "\0"),
        ("\\ud7ff", "\u{d7ff}"),
        ("\\uE000", "\u{e000}"),
        ("\\uffff", "\u{ffff}"),
        ("\\ud800\\udc00", "\u{10000}"),
        ("\\ud800\\uDFFF", "\u{103ff}"),
        ("\\udbff\\udc00", "\u{10fc00}"),
        ("\\uDBFF\\udfff", "\u{10ffff}"),
    ] {
        assert_eq!(value_of(&format!("\"a{escape}z\"")), Ok(format!("a{text}z")), "{escape}");
    }
    use PayloadProblem::{InvalidEscape, LoneSurrogate, UnexpectedEnd};
    for (text, problem) in [
        ("\"\\udbff\\udbff\"", LoneSurrogate),
        ("\"\\ud800\\ue000\"", LoneSurrogate),
        ("\"\\udfff\"", LoneSurrogate),
        ("\"\\udc00\\ud800\"", LoneSurrogate),
        ("\"\\ud800x\"", LoneSurrogate),
        ("\"\\u12g4\"", InvalidEscape),
        ("\"\\u123\"", InvalidEscape),
        ("\"\\U0041\"", InvalidEscape),
        ("\"\\", InvalidEscape),
        ("\"", UnexpectedEnd),
    ] {
        assert_eq!(value_of(text), Err(problem), "{text}");
    }
}

#[test]
fn numbers_follow_the_grammar() {
    for number in [
        "0",
        "-0",
        "9",
        "10",
        "-10",
        "0.0",
        "-0.5",
        "1.10",
        "0e0",
        "1e5",
        "1E+5",
        "1e-5",
        "1.5E10",
        "0e00",
        "12345678",
        "123456789",
    ] {
        assert_eq!(value_of(number).as_deref(), Ok(number));
    }
    for number in [
        "00",
        "00000000.0",
        "-",
        "-00",
        "-01",
        "01.5",
        "1.",
        "-.5",
        "1.e5",
        "1e",
        "1e+",
        "1E-",
        "1.5e",
    ] {
        assert_eq!(value_of(number), Err(PayloadProblem::InvalidNumber), "{number}");
    }
}

#[test]
fn objects_and_arrays_count_alike_for_the_depth() {
    let nested = |open: &str, close: &str, levels: usize| {
        format!("{{\"a\":{}1{}}}", open.repeat(levels), close.repeat(levels))
    };
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let parse = |levels| {
            let json = nested(open, close, levels);
            Payload::parse(json.as_bytes()).map(|_| ()).map_err(|error| error.problem)
        };
        assert_eq!(parse(MAX_DEPTH - 1), Ok(()), "{open}");
        assert_eq!(parse(MAX_DEPTH), Err(PayloadProblem::TooDeep), "{open}");
    }
}
