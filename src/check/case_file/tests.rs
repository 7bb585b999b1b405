use super::*;
use crate::check::case::Probe;
use crate::support::docs::examples;

/// The problem and its place where lines are put into a good file.
fn refused(top: &str, case: &str) -> String {
    let text = format!(
        "group = 'own'\n{top}\n[[case]]\nid = 'a'\ntitle = 't'\nwhy = 'w'\nfix = 'f'\n{case}\n"
    );
    parse("own.toml", &text).expect_err(&text).to_string()
}

#[test]
fn a_case_takes_what_it_does_not_say_from_its_file() {
    let text = r#"
        group = "own"
        expect = "acknowledged"
        effect = "once"
        severity = "warn"
        needs = ["https"]
        why = "w"
        fix = "f"
        [[case]]
        id = "a"
        title = "t"
        make = ["success", "sign"]
        manner = "slowly 500"
        after_ms = 5
        at_once = 3
        [[case]]
        id = "b"
        title = "t"
        fix = "own"
        severity = "fail"
        needs = []
        probe = "dns"
        [[case]]
        id = "c"
        title = "t"
        effect = "any"
        [[case.step]]
        label = "one"
        make = ["success", "sign"]
        [[case.step]]
        make = ["again"]
        expect = "anything"
    "#;
    let cases = parse("own.toml", text).unwrap();
    let [a, b, c] = cases.as_slice() else { panic!("three cases") };
    assert_eq!((a.severity, a.effect, a.requests()), (Severity::Warn, Effect::Once, 3));
    assert_eq!((a.needs.as_slice(), a.fix.as_str()), (&[Need::Https][..], "f"));
    let Work::Send(steps) = &a.work else { panic!("a message") };
    assert_eq!((steps[0].manner, steps[0].after), (Manner::Slowly(500), Duration::from_millis(5)));
    assert_eq!((b.needs.as_slice(), b.fix.as_str()), (&[][..], "own"));
    assert_eq!(b.work, Work::Probe(Probe::Dns));
    let Work::Send(steps) = &c.work else { panic!("messages") };
    assert_eq!((steps[0].label.as_str(), steps[0].expect), ("one", Expect::Acknowledged));
    assert_eq!(steps[1].expect, Expect::Anything);
}

#[test]
fn slips_name_the_nearest_and_the_place() {
    let sound = "make = ['success', 'sign']\nexpect = 'acknowledged'";
    for (top, case, wanted) in [
        (
            "",
            "make = ['success', 'shufle']\nexpect = 'acknowledged'",
            "own.toml, line 8, column 20: there is no operation \"shufle\"; did you mean shuffle?",
        ),
        (
            "",
            "make = ['success']\nexpect = 'aknowledged'",
            "own.toml, line 9, column 10: \"aknowledged\" is unknown; did you mean \"acknowledged\"?",
        ),
        (
            "sevrity = 'warn'",
            sound,
            "own.toml, line 2, column 1: there is no setting \"sevrity\"; did you mean severity?",
        ),
        (
            "at_once = 3",
            sound,
            "own.toml, line 2, column 1: the setting at_once must be inside a [[case]] table",
        ),
        (
            "",
            "make = ['success', 'sign wrong']\nexpect = 'anything'",
            "own.toml, line 8, column 20: sign \"wrong\" is unknown; did you mean wrong-key?",
        ),
        (
            "",
            "make = ['success', 'set amount {proccessing}']\nexpect = 'anything'",
            "own.toml, line 8, column 20: there is no placeholder {proccessing}; did you mean {processing}?",
        ),
        ("", "make = ['again']\nexpect = 'anything'", "there is no such message before it"),
        ("", "make = ['sign']\nexpect = 'anything'", "the first operation begins a message"),
        ("", "make = ['success']", "the setting expect is missing"),
        ("", "", "one of them"),
        (
            "",
            "probe = 'latncy'",
            "line 8, column 9: \"latncy\" is unknown; did you mean \"latency\"?",
        ),
        ("", "probe = 'dns'\nmake = ['success']", "one of them"),
        ("", "make = ['success']\nmanner = 'slowly'\nexpect = 'anything'", "needs milliseconds"),
        ("", "make = ['success']\nat_once = 0\nexpect = 'anything'", "1 to 200"),
        ("", "make = ['success']\nat_once = -1\nexpect = 'anything'", "line 9"),
        ("", "expect = 'anything'\n[[case.step]]\nmake = ['success']", "settings of the steps"),
        ("", "make = [", "line "),
    ] {
        let problem = refused(top, case);
        assert!(problem.contains(wanted), "{problem:?} is not {wanted:?}");
    }
}

#[test]
fn two_cases_of_one_name_and_an_empty_file_are_refused() {
    let case = "[[case]]\nid='a'\ntitle='t'\nwhy='w'\nfix='f'\nprobe='dns'\n";
    let twice = format!("group='g'\n{case}{case}");
    assert_eq!(
        parse("f", &twice).unwrap_err().to_string(),
        "f, line 9, column 4: a second case is called \"a\""
    );
    assert!(parse("f", "").unwrap_err().error.problem.contains("group"));
    assert!(parse("f", "group='g'").unwrap_err().error.problem.contains("[[case]]"));
    assert!(
        parse("f", &"#".repeat(MAX_FILE_BYTES + 1)).unwrap_err().error.problem.contains("longer")
    );
    assert!(parse("f", &format!("group='Ä'\n{case}")).unwrap_err().error.problem.contains("a-z"));
}

#[test]
fn docs_show_a_case_file_that_parses() {
    let suite = parse("shop.toml", &examples("check.md", "toml").join("\n")).unwrap();
    assert_eq!(suite.len(), 2);
}
