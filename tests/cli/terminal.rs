//! `config init` where a person sits at a terminal; Python opens one.

use crate::harness::{Output, payout_notify, untried};

/// What is waited for on the terminal, and what is typed then.
type Steps<'s> = &'s [(&'s str, &'s str)];

/// Plays `config init` on a terminal; the file that it wrote follows on stdout. Nothing where
/// there is no Python.
fn init(steps: Steps<'_>, before: &str) -> Option<Output> {
    const NO_PYTHON: i32 = 77;
    let drive = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/terminal/drive.py");
    let script = format!(
        "python3 -c '' 2>/dev/null || exit {NO_PYTHON}
        {before}
        python3 \"$DRIVE\" \"$STEPS\" \"$@\"; code=$?
        echo ===; cat payout-notify.toml 2>/dev/null; exit $code"
    );
    let output = payout_notify(&["config", "init"])
        .behind(&script)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("DRIVE", drive)
        .env("STEPS", serde_json::to_string(steps).unwrap())
        .env("NO_COLOR", "1")
        .run();
    if output.code == NO_PYTHON {
        untried("there is no python3 here: no terminal is tried");
        return None;
    }
    Some(output)
}

#[test]
fn each_answer_is_checked_at_once_and_an_empty_one_leaves_a_setting_out() {
    let steps = [
        ("[default]: ", "two words\n"),
        ("[default]: ", "staging\n"),
        ("key_env, ", "OTHER_KEY\n"),
        ("key_env, ", "PAYOUT_K\n"),
        ("url, ", "ftp://h/\n"),
        ("url, ", "localhost:8787/notify\n"),
        ("platform_id, ", "\n"),
        ("dialect, ", "wechat\n"),
        ("dialect, ", " wechat-v2 \n"),
    ];
    let Some(output) = init(&steps, "") else { return };
    output.exits(0).says(&[
        "Ctrl-C or Ctrl-D ends and writes nothing",
        "a profile's name has 1 to 64",
        "key_env begins with PAYOUT_",
        "scheme is ftp",
        "did you mean wechat-v2?",
        "wrote ",
        "===\ndefault_profile = \"staging\"\n\n[profile.staging]\nkey_env = \"PAYOUT_K\"\n\
         url = \"localhost:8787/notify\"\ndialect = \"wechat-v2\"\n",
    ]);
}

#[test]
fn who_leaves_in_the_middle_or_says_nothing_leaves_no_file() {
    let begun = [("[default]: ", "\n"), ("key_env, ", "PAYOUT_K\n")];
    let with = |last: &[(&'static str, &'static str)]| [&begun[..], last].concat();
    let Some(output) = init(&with(&[("url, ", "\u{3}")]), "") else { return };
    assert!(output.exits(130).stdout.ends_with("===\n"));
    for typed in ["\u{4}", "http://h/\u{4}\u{4}"] {
        let Some(output) = init(&with(&[("url, ", typed)]), "") else { return };
        let output = output.exits(130).says(&["nothing was written"]);
        assert!(output.stdout.ends_with("===\n"), "{output}");
    }
    let questions = ["[default]: ", "key_env, ", "url, ", "platform_id, ", "dialect, "];
    let Some(output) = init(&questions.map(|question| (question, "\n")), "") else { return };
    assert!(output.exits(2).says(&["no setting was given"]).stdout.ends_with("===\n"));
}

#[test]
fn nothing_is_asked_where_a_file_is_already() {
    let Some(output) = init(&[], "echo '# mine' > payout-notify.toml") else { return };
    output.exits(4).says(&["is there already", "===\n# mine\n"]).hides("[default]");
}
