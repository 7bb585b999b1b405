//! `check --explore` before merchants that lose money after a crash, in a race or by the order of notifications,
//! before sound ones, and before the tutorial's.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{KEY, Sandbox};
use crate::need::{NODE, PYTHON, list};

list! {
    flaws_are_found_and_sound_merchants_are_not_accused [PYTHON, NODE]
    the_flaw_of_the_tutorial_is_found_and_its_replay_passes_without_it [PYTHON]
    a_merchant_that_a_script_keeps_is_stopped_and_started_by_it [PYTHON]
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_payout-notify");
const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// The whole list takes an hour; the script prints it.
fn flaws_are_found_and_sound_merchants_are_not_accused() {
    let mut script = Command::new("python3");
    script.args([&format!("{FOLDER}/tests/explore.py"), PROGRAM, "--seeds", "3", "--jobs", "4"]);
    for name in ["acknowledges-before-commit", "await-between-check-and-act", "body-digest"] {
        script.args(["--merchant", name]);
    }
    // An observer of totals counts whatever else this tool sends.
    script.args(["--merchant", "sqlite", "--merchant", "totals"]);
    let output = script.output().expect("it runs");
    assert!(output.status.success(), "{}", shown(&output));
}

/// A port below those that a system gives out: nobody else takes it before the merchant starts.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 15_000 + std::process::id() % 10_000;
    loop {
        let port = first + u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(port).expect("a free port among thousands");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Explores the merchant of `examples/`, in a folder where it starts without credits.
fn explore(folder: &Path, environment: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let _ = std::fs::remove_file(folder.join("credits.txt"));
    let port = free_port();
    let start = format!("env {environment} python3 {FOLDER}/examples/merchants/merchant.py {port}");
    explore_at(folder, port, &[&["--start", &start], arguments].concat())
}

fn explore_at(folder: &Path, port: u16, arguments: &[&str]) -> (Option<i32>, String) {
    let observe = format!("python3 {FOLDER}/examples/merchants/observe.py credits.txt");
    let output = Command::new(PROGRAM)
        .args(["check", "--explore", "--observe", &observe])
        .arg(format!("http://127.0.0.1:{port}/"))
        .args(arguments)
        .env("PAYOUT_NOTIFY_KEY", KEY)
        .current_dir(folder)
        .output()
        .expect("the program runs");
    (output.status.code(), shown(&output))
}

fn the_flaw_of_the_tutorial_is_found_and_its_replay_passes_without_it() {
    let sandbox = Sandbox::new();
    let folder = &sandbox.work();
    let (code, text) = explore(folder, "FLAW=memory", &["--seed", "1", "--bundle", "found"]);
    assert_eq!(code, Some(1), "{text}");
    let (code, text) = explore(folder, "FLAW=", &["--suite", "found"]);
    assert_eq!(code, Some(0), "{text}");
}

/// Starts the merchant with the flaw of the tutorial in the background, kills it, empties its data.
const KEEPER: &str = r#"case $1 in
up) FLAW=memory setsid python3 "$2/examples/merchants/merchant.py" "$3" >log 2>&1 & echo $! >id ;;
down) kill -9 "$(cat id)" ;;
fresh) rm -f credits.txt; touch emptied ;;
esac
"#;

fn a_merchant_that_a_script_keeps_is_stopped_and_started_by_it() {
    for is_started_here in [true, false] {
        let sandbox = Sandbox::new();
        let folder = &sandbox.work();
        std::fs::write(folder.join("keeper"), KEEPER).expect("a writable folder");
        let port = free_port();
        let keeper = |word: &str| format!("sh keeper {word} {FOLDER} {port}");
        let (up, down, fresh) = (keeper("up"), keeper("down"), keeper("fresh"));
        let by_hand = |command: &str| {
            let mut words = command.split(' ');
            let mut command = Command::new(words.next().expect("a program"));
            command.args(words).current_dir(folder).env("PAYOUT_NOTIFY_KEY", KEY);
            command.status().expect("it runs");
        };
        let is_up = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        let mut arguments = vec!["--stop", &down, "--restart", &up, "--fresh", &fresh];
        match is_started_here {
            true => arguments.extend(["--start", &up]),
            false => {
                by_hand(&up);
                arguments.extend(["--histories", "2"]);
            }
        }
        let (code, text) = explore_at(folder, port, &[&arguments[..], &["--seed", "1"]].concat());
        match is_started_here {
            true => {
                assert_eq!(code, Some(1), "{text}");
                assert!(text.contains("was credited twice"), "{text}");
                assert!(folder.join("emptied").exists(), "{text}");
            }
            false => assert!(matches!(code, Some(0 | 1)), "{text}"),
        }
        // What was started elsewhere runs on, nothing else does.
        assert_eq!(is_up(), !is_started_here, "{text}");
        by_hand(&down);
        let deadline = Instant::now() + Duration::from_secs(10);
        while is_up() {
            assert!(Instant::now() < deadline, "the merchant still runs");
            thread::sleep(Duration::from_millis(50));
        }
    }
}
