//! `examples/ci/`: the script, the action and the ready pipelines, run as a pipeline runs them.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{
    DEADLINE, KEY, Listening, Output, PAUSE, Program, Running, free_port, payout_notify,
};
use crate::need::{BASH, DASH, MAKE, PYTHON, PYTHON_YAML, list};

list! {
    a_merchant_that_believes_everything_fails_the_pipeline []
    elsewhere_there_are_no_annotations []
    a_gate_fails_the_pipeline_though_the_check_passed []
    a_no_counts_more_than_options_that_are_wrong []
    what_is_not_set_or_cannot_be_read_is_told_before_anything_runs []
    the_key_may_stand_in_another_variable []
    a_merchant_that_does_not_come_up_is_the_environment []
    another_program_is_not_taken_for_the_merchant []
    a_signal_stops_the_merchant_and_all_that_it_started []
    errexit_does_not_change_how_it_ends []
    errexit_does_not_change_how_it_ends_in_bash [BASH]
    errexit_does_not_change_how_it_ends_in_dash [DASH]
    make_runs_it [MAKE, PYTHON]
    the_gitlab_example_runs_it [PYTHON, PYTHON_YAML]
    the_action_runs_it_for_the_example_and_for_the_project [PYTHON, PYTHON_YAML]
    the_action_builds_its_own_source_and_hands_inputs_on_as_variables [PYTHON_YAML]
}

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The merchant that does it right, as the examples start it.
const SOUND: &str = "python3 examples/merchants/merchant.py PORT";

/// A merchant that believes everything.
const ACCEPTS_ALL: &str = r#""$PAYOUT_NOTIFY" listen --bind PORT --no-inbox --quiet --reply ok"#;

/// A merchant that is good enough for the signature's cases.
const LISTENER: &str = r#""$PAYOUT_NOTIFY" listen --bind PORT --no-inbox --quiet"#;

/// A pipeline's step that runs the script, before a merchant on a port of its own.
struct Pipeline {
    port: u16,
    command: String,
    variables: BTreeMap<String, String>,
}

impl Pipeline {
    /// The script with a merchant, few orders, and a few cases only.
    fn of(start: &str) -> Pipeline {
        Pipeline::under("sh", start)
    }

    /// Like [`Pipeline::of`], with another shell.
    fn under(shell: &str, start: &str) -> Pipeline {
        let pipeline = Pipeline::empty(&format!("{shell} {ROOT}/examples/ci/smoke.sh"));
        pipeline
            .with("SMOKE_URL", "http://127.0.0.1:PORT/notify")
            .with("SMOKE_START", start)
            .with("SMOKE_CHECK", "--only\nauth-no-sign,auth-wrong-key\n")
            .with("SMOKE_SIMULATE", "--count 20 --rate 200/s --schedule 1s")
    }

    fn empty(command: &str) -> Pipeline {
        let variables = BTreeMap::new();
        Pipeline { port: free_port(), command: command.to_owned(), variables }
            .with("PAYOUT_NOTIFY_KEY", KEY)
    }

    /// Sets a variable; `PORT` stands for the merchant's port.
    fn with(mut self, name: &str, value: &str) -> Pipeline {
        let value = value.replace("PORT", &self.port.to_string());
        self.variables.insert(name.to_owned(), value);
        self
    }

    fn program(&self) -> Program {
        // The examples name the merchant from the repository's root.
        let script = format!(
            "ln -s {ROOT}/examples examples; PAYOUT_NOTIFY=$1; export PAYOUT_NOTIFY; {}\n\
             code=$?; cat payout-notify-reports/check.xml payout-notify-reports/simulate.xml outputs 2>/dev/null\n\
             exit $code",
            self.command
        );
        let path = std::env::var_os("PATH").unwrap_or_default();
        let no_arguments: [&str; 0] = [];
        let program = payout_notify(&no_arguments).behind(&script).env("PATH", path);
        let program = program.env("GITHUB_OUTPUT", "outputs");
        self.variables.iter().fold(program, |program, (name, value)| program.env(name, value))
    }

    /// Asks a few cases only, besides the options that there are.
    fn in_short(self) -> Pipeline {
        let options = self.variables.get("SMOKE_CHECK").cloned().unwrap_or_default();
        self.with("SMOKE_CHECK", &format!("{options} --only ack-success,auth-wrong-key"))
    }

    /// Runs to the end, with the JUnit reports and the outputs behind what was printed.
    #[track_caller]
    fn run(&self) -> Output {
        assert!(!self.is_open(), "the port is free");
        let output = self.program().run().hides(KEY);
        assert!(self.closes(), "the merchant was stopped: {output}");
        output
    }

    /// Starts, and waits until the merchant listens.
    fn start(&mut self) -> Running {
        // So that a signal reaches the script itself.
        self.command = format!("exec {}", self.command);
        let running = self.program().start();
        let start = Instant::now();
        while !self.is_open() {
            assert!(start.elapsed() < DEADLINE, "the merchant does not listen");
            std::thread::sleep(PAUSE);
        }
        running
    }

    /// Whether the merchant's port closes in time: a process that was killed may still have it for a
    /// moment.
    fn closes(&self) -> bool {
        let start = Instant::now();
        while self.is_open() {
            if start.elapsed() >= DEADLINE {
                return false;
            }
            std::thread::sleep(PAUSE);
        }
        true
    }

    fn is_open(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }
}

/// A YAML file of the repository.
fn yaml(path: &str) -> Value {
    let program = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let path = format!("{ROOT}/{path}");
    let output = Command::new("python3").args(["-c", program, &path]).output().unwrap();
    assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The texts of a map of YAML, for a test: another port, and no gate on the time.
fn texts(map: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| {
        let text = value.as_str().unwrap_or_else(|| panic!("{value} is not text"));
        text.replace("8080", "PORT").replace("p99>1s", "p99>60s")
    };
    let map = map.as_object().unwrap_or_else(|| panic!("{map} is no map"));
    map.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// Fails unless everything passed, and both reports say so.
#[track_caller]
fn passed(output: Output) {
    let output = output.exits(0).says(&["auth-wrong-key", "check=0\nsimulate=0\n"]);
    let suites = output.stdout.matches("<testsuites ").count();
    assert_eq!(suites, 2, "{output}");
    assert!(!output.stdout.contains("<failure"), "{output}");
}

fn a_merchant_that_believes_everything_fails_the_pipeline() {
    let pipeline = Pipeline::of(ACCEPTS_ALL).with("GITHUB_ACTIONS", "true");
    let output =
        pipeline.run().exits(1).says(&["<failure", "check=1\nsimulate=0\n", "::error title="]);
    let token = output.stdout.split("::stop-commands::").nth(1).unwrap().lines().next().unwrap();
    let (quiet, after) = output.stdout.split_once(&format!("::{token}::\n")).unwrap();
    assert!(token.len() == 32 && quiet.contains("auth-no-sign"), "{output}");
    assert!(!quiet.contains("::error") && after.contains("::error"), "{output}");
}

fn elsewhere_there_are_no_annotations() {
    let output = Pipeline::of(ACCEPTS_ALL).run().exits(1);
    assert!(!output.stdout.contains("::error") && !output.stdout.contains("stop-commands"));
}

fn a_gate_fails_the_pipeline_though_the_check_passed() {
    let pipeline = Pipeline::of(LISTENER).with("SMOKE_GATES", "acked<100%\n\nacked > 0 %\n");
    pipeline.run().exits(1).says(&["acked<100%", "check=0\nsimulate=1\n", "<failure"]);
}

fn a_no_counts_more_than_options_that_are_wrong() {
    let wrong = |pipeline: Pipeline| pipeline.with("SMOKE_SIMULATE", "--count 0x");
    wrong(Pipeline::of(LISTENER)).run().exits(2).says(&["check=0\nsimulate=2\n"]);
    wrong(Pipeline::of(ACCEPTS_ALL)).run().exits(1).says(&["check=1\nsimulate=2\n"]);
}

fn what_is_not_set_or_cannot_be_read_is_told_before_anything_runs() {
    for (name, value, why) in [
        ("SMOKE_URL", "", "SMOKE_URL is not set"),
        ("SMOKE_URL", "nonsense", "cannot ask nonsense"),
        ("SMOKE_KEY_ENV", "NO_SUCH_KEY", "NO_SUCH_KEY is not set"),
        ("SMOKE_KEY_ENV", "A;B", "no name of a variable"),
        ("SMOKE_WAIT", "soon", "not a number of seconds"),
        ("SMOKE_CHECK", "--only 'auth", "is a quote missing"),
        ("SMOKE_SIMULATE", "--count \"2", "is a quote missing"),
        ("SMOKE_GATES", "acked<100%\np99>1x", "'p99>1x'"),
        ("SMOKE_GATES", "acked", "'acked'"),
        ("SMOKE_GATES", "it's < 1", "'it's < 1'"),
        ("SMOKE_GATES", "'; exit 0; '", "'; exit 0; '"),
        ("SMOKE_GATES", "$(exit 0)", "'$(exit 0)'"),
    ] {
        let output = Pipeline::of(LISTENER).with(name, value).run().exits(2).remarks(&[why]);
        let output = output.hides("\"type\":");
        assert!(!output.stderr.contains("starts the merchant"), "{output}");
    }
}

fn the_key_may_stand_in_another_variable() {
    let pipeline = Pipeline::of(LISTENER).with("PAYOUT_NOTIFY_KEY", "another");
    passed(pipeline.with("SMOKE_KEY_ENV", "STAGING_KEY").with("STAGING_KEY", KEY).run());
}

fn a_merchant_that_does_not_come_up_is_the_environment() {
    let fails = Pipeline::of("echo no database; exit 3");
    fails.run().exits(4).remarks(&["no database", "ended before it answered"]);
    let sleeps = Pipeline::of("exec sleep 60").with("SMOKE_WAIT", "0");
    sleeps.run().exits(4).remarks(&["the endpoint is down: nothing answered at"]);
    let absent = Pipeline::of("").with("SMOKE_WAIT", "0");
    absent.run().exits(4).remarks(&["nothing answered at"]);
}

fn another_program_is_not_taken_for_the_merchant() {
    let other = Listening::start(&["--no-inbox"]);
    let taken = Pipeline::of(LISTENER).with("SMOKE_URL", &other.url);
    taken.run().exits(4).remarks(&["something answers at", "already"]);
    // What runs already is checked when nothing is to be started.
    passed(taken.with("SMOKE_START", "").run());
    other.interrupt();
}

fn a_signal_stops_the_merchant_and_all_that_it_started() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        // The listener is a child of the merchant's shell.
        let mut pipeline = Pipeline::of(&format!("{LISTENER}; exit 0"))
            .with("SMOKE_SIMULATE", "--count 100000 --rate 10/s");
        let running = pipeline.start();
        running.signal(signal);
        running.end().exits(code);
        assert!(pipeline.closes(), "{signal:?}");
    }
}

/// Fails unless the steps alone decide how the script ends under this shell.
fn keeps_its_codes(shell: &str) {
    let trapped = format!("trap 'kill $p; exit 7' TERM; {LISTENER} & p=$!; wait $p");
    for start in [LISTENER, &format!("exec {LISTENER}"), &trapped] {
        passed(Pipeline::under(shell, start).run());
    }
    let fails = Pipeline::under(shell, ACCEPTS_ALL).run();
    fails.exits(1).says(&["check=1\nsimulate=0\n"]);
    let gate = Pipeline::under(shell, LISTENER).with("SMOKE_GATES", "acked<100%\nacked > 0 %");
    gate.run().exits(1).says(&["check=0\nsimulate=1\n"]);
}

fn errexit_does_not_change_how_it_ends() {
    for shell in ["sh -e", "sh -eu", "sh -ef"] {
        keeps_its_codes(shell);
    }
}

fn errexit_does_not_change_how_it_ends_in_bash() {
    for shell in
        ["bash -e", "bash -eo pipefail", "bash --posix -e", "env SHELLOPTS=errexit:pipefail bash"]
    {
        keeps_its_codes(shell);
    }
}

fn errexit_does_not_change_how_it_ends_in_dash() {
    keeps_its_codes("dash -e");
}

fn make_runs_it() {
    let pipeline = Pipeline::empty(
        "make -s -f examples/ci/Makefile smoke GATES='acked<100%' CHECK='--only auth-wrong-key'",
    );
    passed(pipeline.with("PORT", "PORT").with("CREDIT_FILE", "credits.txt").run());
}

fn the_gitlab_example_runs_it() {
    let file = yaml("examples/ci/gitlab-ci.yml");
    let job = &file["payout-notify"];
    let last = job["script"].as_array().unwrap().last().unwrap().as_str().unwrap();
    let mut pipeline = Pipeline::empty(&last.replace("/tmp/payout-notify", ROOT));
    for (name, value) in texts(&job["variables"]) {
        if name != "PAYOUT_NOTIFY" {
            pipeline = pipeline.with(&name, &value);
        }
    }
    passed(pipeline.in_short().run());
    for report in job["artifacts"]["reports"]["junit"].as_array().unwrap() {
        assert!(report.as_str().unwrap().starts_with("payout-notify-reports/"), "{report}");
    }
}

/// The action's script as a pipeline, with what a workflow's step gives it.
fn action(step: &Value) -> Pipeline {
    let action = yaml(".github/actions/payout-notify/action.yml");
    let given = texts(&step["with"]);
    let inputs = action["inputs"].as_object().unwrap();
    for name in given.keys() {
        assert!(inputs.contains_key(name), "the action has no input {name}");
    }
    let steps = action["runs"]["steps"].as_array().unwrap();
    let smoke = steps.iter().find(|step| step["id"] == "smoke").unwrap();
    let folder = format!("{ROOT}/.github/actions/payout-notify");
    assert!(PathBuf::from(&folder).join("../../../Cargo.toml").exists());
    let mut pipeline =
        Pipeline::empty(smoke["run"].as_str().unwrap()).with("GITHUB_ACTION_PATH", &folder);
    for (name, value) in texts(&step["env"]) {
        if name != "PAYOUT_NOTIFY_KEY" {
            pipeline = pipeline.with(&name, &value);
        }
    }
    for (name, value) in texts(&smoke["env"]) {
        if name == "PAYOUT_NOTIFY" {
            continue;
        }
        let input = value.strip_prefix("${{ inputs.").and_then(|rest| rest.strip_suffix(" }}"));
        let input = input.unwrap_or_else(|| panic!("{value} is no input"));
        let default = || inputs[input]["default"].as_str().unwrap_or_default().to_owned();
        pipeline = pipeline.with(&name, &given.get(input).cloned().unwrap_or_else(default));
    }
    pipeline
}

/// The step of a workflow that uses the action.
fn step_of(workflow: &Value) -> &Value {
    let steps = workflow["jobs"]["smoke"]["steps"].as_array().unwrap();
    let uses = |step: &&Value| {
        let name = step["uses"].as_str().unwrap_or_default();
        name.contains(".github/actions/payout-notify")
    };
    steps.iter().find(uses).unwrap()
}

fn the_action_runs_it_for_the_example_and_for_the_project() {
    for path in ["examples/ci/github-actions.yml", ".github/workflows/ci.yml"] {
        let workflow = yaml(path);
        let pipeline = action(step_of(&workflow));
        assert!(
            pipeline.variables["SMOKE_START"].starts_with(&SOUND.replace("PORT", "")),
            "{path}"
        );
        passed(pipeline.in_short().run());
    }
}

fn the_action_builds_its_own_source_and_hands_inputs_on_as_variables() {
    let action = yaml(".github/actions/payout-notify/action.yml");
    assert_eq!(action["runs"]["using"], "composite");
    for step in action["runs"]["steps"].as_array().unwrap() {
        let script = step["run"].as_str().unwrap();
        assert!(!script.contains("${{"), "an input could be a command: {script}");
        assert_eq!(step["shell"], "sh");
    }
    let script = fs::read_to_string(format!("{ROOT}/examples/ci/smoke.sh")).unwrap();
    for name in action["outputs"].as_object().unwrap().keys().filter(|name| *name != "reports") {
        assert!(script.contains(&format!("{name}=%s")), "the script gives no {name}");
    }
}
