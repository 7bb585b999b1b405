use super::*;

/// Names around the eight bytes by which the index compares first, in byte order.
const SORTED: [&str; 13] = [
    "",
    "\0",
    "B",
    "a",
    "amount",
    "payment",
    "payment\0",
    "payment_",
    "payment_\0",
    "payment_a",
    "payment_aa",
    "payment_b",
    "payments",
];

fn object(names: &[&str]) -> String {
    let member = |name: &&str| format!("{}:{}", crate::edit::json_string(name), name.len());
    format!("{{{}}}", names.iter().map(member).collect::<Vec<_>>().join(","))
}

#[test]
fn names_that_share_eight_bytes_are_sorted_and_found() {
    assert!(SORTED.is_sorted());
    for turn in 0..SORTED.len() {
        let mut names = SORTED;
        names.rotate_left(turn);
        for reverses in [false, true] {
            if reverses {
                names.reverse();
            }
            let json = object(&names);
            let payload = Payload::parse(json.as_bytes()).unwrap();
            let by_name: Vec<&str> = payload.members_by_name().map(|m| &*m.name).collect();
            assert_eq!(by_name, SORTED, "{json}");
            for name in SORTED {
                let found = payload.get(name).unwrap();
                assert_eq!(found.name, name);
                assert_eq!(found.value, Value::Number(&name.len().to_string()));
            }
            for absent in ["payment_c", "payment_ab", "paymen", "payment_a\0", "b", "\0\0"] {
                assert!(payload.get(absent).is_none(), "{absent:?}");
            }
        }
    }
}

#[test]
fn the_first_repeated_name_is_reported() {
    for (json, name, column) in [
        (r#"{"a":1,"b":2,"b":3,"a":4}"#, "b", 14),
        (r#"{"b":1,"a":2,"b":3,"a":4}"#, "b", 14),
        (r#"{"a":1,"a":2,"a":3}"#, "a", 8),
        (r#"{"":1,"":2}"#, "", 7),
        (r#"{"payment_b":1,"payment_a":2,"payment_b":3}"#, "payment_b", 30),
        (r#"{"o":{"a":1,"b":2,"b":3,"a":4}}"#, "b", 19),
        (r#"{"o":[{"b":1,"a":2,"b":3,"a":4}]}"#, "b", 20),
    ] {
        let error = Payload::parse(json.as_bytes()).unwrap_err();
        assert_eq!(error.problem, PayloadProblem::DuplicateMember(name.to_owned()), "{json}");
        assert_eq!((error.line, error.column), (1, column), "{json}");
    }
}

#[test]
fn only_an_empty_string_and_null_are_empty() {
    for (value, is_empty, kind) in [
        (Value::Null, true, "null"),
        (Value::String("".into()), true, "a string"),
        (Value::String(" ".into()), false, "a string"),
        (Value::String("0".into()), false, "a string"),
        (Value::Number("0"), false, "a number"),
        (Value::Bool(false), false, "a boolean"),
        (Value::Array("[]"), false, "an array"),
        (Value::Object("{}"), false, "an object"),
    ] {
        assert_eq!((value.is_empty(), value.kind()), (is_empty, kind), "{value:?}");
    }
}
