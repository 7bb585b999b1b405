//! What needs a terminal: `config init` where a person sits at one, and a run whose terminal nobody
//! reads. Python opens them.

use crate::harness::{KEY, Listening, Output, payout_notify};
use crate::need::{PYTHON_PTY, list};

/// What is waited for on the terminal, and what is typed then.
type Steps<'s> = &'s [(&'s str, &'s str)];

list! {
    each_answer_is_checked_at_once_and_an_empty_one_leaves_a_setting_out [PYTHON_PTY]
    who_leaves_in_the_middle_or_says_nothing_leaves_no_file [PYTHON_PTY]
    nothing_is_asked_where_a_file_is_already [PYTHON_PTY]
    a_terminal_that_nobody_reads_holds_no_run [PYTHON_PTY]
    no_line_is_wider_than_the_terminal [PYTHON_PTY]
}

/// Plays `config init` on a terminal; the file that it wrote follows on stdout.
fn init(steps: Steps<'_>, before: &str) -> Output {
    let drive = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interpreters/terminal/drive.py");
    let script = format!(
        "{before}
        python3 \"$DRIVE\" \"$STEPS\" \"$@\"; code=$?
        echo ===; cat payout-notify.toml 2>/dev/null; exit $code"
    );
    payout_notify(&["config", "init"])
        .behind(&script)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("DRIVE", drive)
        .env("STEPS", serde_json::to_string(steps).unwrap())
        .env("NO_COLOR", "1")
        .run()
}

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
    let output = init(&steps, "");
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

fn who_leaves_in_the_middle_or_says_nothing_leaves_no_file() {
    let begun = [("[default]: ", "\n"), ("key_env, ", "PAYOUT_K\n")];
    let with = |last: &[(&'static str, &'static str)]| [&begun[..], last].concat();
    let output = init(&with(&[("url, ", "\u{3}")]), "");
    assert!(output.exits(130).stdout.ends_with("===\n"));
    for typed in ["\u{4}", "http://h/\u{4}\u{4}"] {
        let output = init(&with(&[("url, ", typed)]), "");
        let output = output.exits(130).says(&["nothing was written"]);
        assert!(output.stdout.ends_with("===\n"), "{output}");
    }
    let questions = ["[default]: ", "key_env, ", "url, ", "platform_id, ", "dialect, "];
    let output = init(&questions.map(|question| (question, "\n")), "");
    assert!(output.exits(2).says(&["no setting was given"]).stdout.ends_with("===\n"));
}

fn nothing_is_asked_where_a_file_is_already() {
    let output = init(&[], "echo '# mine' > payout-notify.toml");
    output.exits(4).says(&["is there already", "===\n# mine\n"]).hides("[default]");
}

fn a_terminal_that_nobody_reads_holds_no_run() {
    let merchant = Listening::start(&["--quiet"]);
    // More orders than a terminal holds the lines of.
    let arguments = ["simulate", &merchant.url, "--format", "json", "--count", "4000"];
    let output = payout_notify(&arguments)
        .key(KEY)
        .behind("exec python3 \"$UNREAD\" \"$@\"")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env(
            "UNREAD",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interpreters/terminal/unread.py"),
        )
        .run();
    output.exits(130);
}

fn no_line_is_wider_than_the_terminal() {
    let merchant = Listening::start(&["--quiet"]);
    let url = merchant.url.as_str();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/withdraw-notification.json");
    let commands: &[&[&str]] = &[
        &["--help"],
        &["demo"],
        &["verify", example],
        &["verify", example, "--explain", "--show-expected"],
        &["verify", "no-such-file"],
        &["simulate", url],
        &["simulate", url, "--dry-run"],
        &["simulate", url, "--count", "20", "--fail-if", "p99<1ns"],
        &["simulate", url, "--schedule", "30m,40m"],
        &["simulate", "http://127.0.0.1:1/", "--schedule", "1ms"],
        &["schedule"],
        &["check", url],
        &["check", url, "--explain"],
        &["check", "--list"],
        &["dialects"],
        &["dialects", "no-such-dialect"],
        &["config", "show"],
        &["inbox", "list"],
        &["listen", "--for", "1ms", "--no-inbox"],
        &["listen", "--for", "1ms", "--bind", "0.0.0.0:0"],
        &["sign", "--no-such-option"],
        &["sgin"],
    ];
    let wide = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interpreters/terminal/wide.py");
    for columns in ["80", "120"] {
        for arguments in commands {
            let output = payout_notify(arguments)
                .key(KEY)
                .behind("python3 \"$WIDE\" \"$COLUMNS\" \"$@\"")
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .env("WIDE", wide)
                .env("COLUMNS", columns)
                .run();
            assert_eq!(output.stdout, "", "{arguments:?}");
        }
    }
}
