//! The program as a child process with nothing around it but what the test gives.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::{DEADLINE, Group, PAUSE, Sandbox};

/// How long the streams of a program that ended may stay open.
const LAST_OUTPUT: Duration = Duration::from_secs(10);

/// The program with these arguments, an empty environment, and folders of its own.
pub(crate) fn payout_notify<A: AsRef<OsStr>>(arguments: &[A]) -> Program {
    let sandbox = Sandbox::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_payout-notify"));
    command.args(arguments).env_clear();
    command.env("HOME", sandbox.home()).current_dir(sandbox.work());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Program { sandbox, command, stdin: Vec::new() }
}

/// A run that is not started yet.
pub(crate) struct Program {
    sandbox: Sandbox,
    command: Command,
    stdin: Vec<u8>,
}

impl Program {
    /// Gives the key in the environment.
    pub(crate) fn key(self, key: &str) -> Program {
        self.env("PAYOUT_NOTIFY_KEY", key)
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Program {
        self.command.env(name, value);
        self
    }

    /// Adds one more argument.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Program {
        self.command.arg(argument);
        self
    }

    /// Adds more arguments.
    pub(crate) fn args(mut self, arguments: &[&str]) -> Program {
        self.command.args(arguments);
        self
    }

    /// Runs under the home of another run.
    pub(crate) fn at_home_of(self, running: &Running) -> Program {
        let home = running.sandbox.home();
        self.env("HOME", home)
    }

    /// Runs behind a shell's preparations, such as limits; the script ends with `exec "$@"`.
    pub(crate) fn behind(mut self, script: &str) -> Program {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script, "sh"]).arg(self.command.get_program());
        shell.args(self.command.get_args()).env_clear();
        shell.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.current_dir(self.sandbox.work());
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command = shell;
        self
    }

    /// Sets what stdin carries; without it stdin is empty.
    pub(crate) fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Program {
        self.stdin = bytes.as_ref().to_vec();
        self
    }

    /// Sends stdout elsewhere than to the test.
    pub(crate) fn stdout(mut self, to: impl Into<Stdio>) -> Program {
        self.command.stdout(to);
        self
    }

    /// Puts a file that only its owner can read into the working directory.
    pub(crate) fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Program {
        self.file_with_mode(name, bytes, 0o600)
    }

    /// Puts a file with this mode into the working directory.
    pub(crate) fn file_with_mode(self, name: &str, bytes: impl AsRef<[u8]>, mode: u32) -> Program {
        let path = self.sandbox.work().join(name);
        fs::write(&path, bytes).expect("a file for the test");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        self
    }

    /// Runs to the end.
    #[track_caller]
    pub(crate) fn run(self) -> Output {
        self.start().end()
    }

    /// Works in this folder instead of one of its own.
    pub(crate) fn in_folder(mut self, folder: &std::path::Path) -> Program {
        self.command.current_dir(folder);
        self
    }

    /// Starts; stdin is written and closed in the background.
    #[track_caller]
    pub(crate) fn start(mut self) -> Running {
        let shown = format!("{:?}", self.command.get_args().collect::<Vec<_>>());
        let mut group = Group::start(&mut self.command).expect("the program starts");
        let child = group.leader();
        let (mut input, bytes) = (child.stdin.take().expect("a pipe"), self.stdin);
        // A program that does not read its stdin is no failure.
        thread::spawn(move || input.write_all(&bytes));
        let (lines, stdout) = child.stdout.take().map_or_else(
            || (mpsc::channel().1, thread::spawn(Vec::new)),
            |stdout| {
                let (sender, lines) = mpsc::channel();
                (lines, thread::spawn(move || pass_on_lines(stdout, &sender)))
            },
        );
        let mut pipe = child.stderr.take().expect("a pipe");
        let stderr = thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = pipe.read_to_end(&mut bytes);
            bytes
        });
        Running { shown, group, lines, stdout, stderr, sandbox: self.sandbox }
    }
}

fn pass_on_lines(stdout: impl Read, lines: &mpsc::Sender<String>) -> Vec<u8> {
    let (mut reader, mut all) = (BufReader::new(stdout), Vec::new());
    loop {
        let start = all.len();
        match reader.read_until(b'\n', &mut all) {
            Ok(0) | Err(_) => return all,
            // A test that stopped listening still gets everything at the end.
            Ok(_) => drop(lines.send(String::from_utf8_lossy(&all[start..]).trim_end().to_owned())),
        }
    }
}

/// A run in progress.
pub(crate) struct Running {
    shown: String,
    group: Group,
    lines: mpsc::Receiver<String>,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    sandbox: Sandbox,
}

impl Running {
    /// The next line of stdout.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines
            .recv_timeout(DEADLINE)
            .unwrap_or_else(|_| panic!("{} printed no further line", self.shown))
    }

    /// The next line of stdout as JSON.
    #[track_caller]
    pub(crate) fn json_line(&self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The process's id.
    pub(crate) fn id(&self) -> u32 {
        self.group.id()
    }

    /// The run's working directory.
    pub(crate) fn work(&self) -> PathBuf {
        self.sandbox.work()
    }

    /// Does what Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Sends a signal to the program, and not to what it started.
    pub(crate) fn signal(&self, signal: Signal) {
        self.group.signal(signal);
    }

    /// Waits for the end by itself; ends the program and fails where there is none in time, or where it
    /// left something running.
    #[track_caller]
    pub(crate) fn end(self) -> Output {
        self.end_with_folders().0
    }

    /// Like [`Running::end`], with the folders of the run and what was written there.
    #[track_caller]
    pub(crate) fn end_with_folders(mut self) -> (Output, Sandbox) {
        let code = self.group.ends_within(DEADLINE);
        // What holds the streams is a process that it left behind.
        let is_alone = code.is_some() && are_closed(&self.stdout, &self.stderr);
        drop(self.group);
        assert!(are_closed(&self.stdout, &self.stderr), "{} has streams elsewhere", self.shown);
        let text = |thread: JoinHandle<Vec<u8>>| {
            String::from_utf8_lossy(&thread.join().expect("a reader")).into_owned()
        };
        let (stdout, stderr) = (text(self.stdout), text(self.stderr));
        let Some(code) = code else {
            panic!("{} did not end in time\n{stdout}\n{stderr}", self.shown);
        };
        let output = Output { shown: self.shown, code, stdout, stderr };
        assert!(is_alone, "it left something running: {output}");
        (output, self.sandbox)
    }
}

/// Whether both streams end in time.
fn are_closed(stdout: &JoinHandle<Vec<u8>>, stderr: &JoinHandle<Vec<u8>>) -> bool {
    let start = Instant::now();
    while !(stdout.is_finished() && stderr.is_finished()) {
        if start.elapsed() >= LAST_OUTPUT {
            return false;
        }
        thread::sleep(PAUSE);
    }
    true
}

/// What a run left behind.
pub(crate) struct Output {
    shown: String,
    /// The exit code.
    pub(crate) code: i32,
    /// The answer.
    pub(crate) stdout: String,
    /// Everything else.
    pub(crate) stderr: String,
}

impl Output {
    /// Fails unless the run ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Output {
        assert_eq!(self.code, code, "the exit code of {self}");
        self
    }

    /// Fails unless stdout holds each of these texts.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Output {
        for text in texts {
            assert!(self.stdout.contains(text), "stdout lacks {text:?}: {self}");
        }
        self
    }

    /// Fails unless stderr holds each of these texts.
    #[track_caller]
    pub(crate) fn remarks(self, texts: &[&str]) -> Output {
        for text in texts {
            assert!(self.stderr.contains(text), "stderr lacks {text:?}: {self}");
        }
        self
    }

    /// Fails where either stream holds this text.
    #[track_caller]
    pub(crate) fn hides(self, text: &str) -> Output {
        assert!(!self.stdout.contains(text), "stdout shows {text:?}: {self}");
        assert!(!self.stderr.contains(text), "stderr shows {text:?}: {self}");
        self
    }

    /// The lines of stdout, each as JSON.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let parse = |line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?} of {self}"))
        };
        self.stdout.lines().map(parse).collect()
    }

    /// The only line of stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let mut lines = self.json_lines();
        assert_eq!(lines.len(), 1, "one line of JSON from {self}");
        lines.remove(0)
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Output { shown, code, stdout, stderr } = self;
        write!(f, "{shown}, exit {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}
