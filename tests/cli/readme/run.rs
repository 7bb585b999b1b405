//! Runs the commands in one working directory, with the program on the path.

use std::fs;
use std::io::{PipeReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use regex::Regex;

use super::blocks::{Block, Mode, Step};
use super::compare::Normalizer;
use crate::harness::{DEADLINE, Group, KEY, Sandbox, free_port};

/// The port that the text uses; each run takes a free one.
const PORT: &str = "8787";

/// How long to wait for output after the end, once none comes.
const LAST_OUTPUT: Duration = Duration::from_secs(1);

/// Runs all blocks and gives what went wrong.
pub(super) fn run_all(blocks: &[Block], normalizer: &Normalizer) -> Vec<String> {
    let mut place = Place::new();
    let (mut faults, mut background, mut groups) = (Vec::new(), None, Vec::new());
    for block in blocks {
        if block.mode == Mode::Background {
            place.port = free_port();
            let step = &block.steps[0];
            let mut started = place.start(&step.command);
            started.wait_for_output();
            background = Some((step, started));
            continue;
        }
        for step in &block.steps {
            let (ended, group) = place.start(&step.command).end();
            groups.extend(group);
            place.last_code = ended.code;
            faults.extend(fault(step, &ended, &place, normalizer));
        }
        if let Some((step, started)) = background.take() {
            faults.extend(fault(step, &started.end().0, &place, normalizer));
        }
    }
    faults
}

fn fault(step: &Step, ended: &Ended, place: &Place, normalizer: &Normalizer) -> Option<String> {
    let actual: Vec<String> = place.restored(&ended.output).lines().map(str::to_owned).collect();
    let blank_end = actual.iter().rev().take_while(|line| line.trim().is_empty()).count();
    let actual = &actual[..actual.len() - blank_end];
    let why = match ended.code {
        None => "it did not end in time, or left something running".to_owned(),
        // A shell's own codes for a command that it cannot find or run.
        Some(code @ 126..=127) => format!("the shell cannot run it (exit {code})"),
        Some(_) if normalizer.matches(&step.expected, actual) => return None,
        Some(code) => format!("another output, exit {code}"),
    };
    let show = |lines: &[String]| {
        let lines = lines.iter().map(|line| format!("    {}\n", normalizer.line(line)));
        lines.collect::<String>()
    };
    let Step { line, command, expected } = step;
    let (promised, real) = (show(expected), show(actual));
    Some(format!("line {line}: {why}: $ {command}\n  promised\n{promised}  printed\n{real}"))
}

/// Where the commands run.
struct Place {
    sandbox: Sandbox,
    port: u16,
    last_code: Option<i32>,
}

impl Place {
    fn new() -> Place {
        let sandbox = Sandbox::new();
        for folder in ["examples", "fixtures"] {
            let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            copy_below(&ours, &sandbox.work().join(folder));
        }
        Place { sandbox, port: free_port(), last_code: Some(0) }
    }

    fn start(&self, command: &str) -> Started {
        let program = Path::new(env!("CARGO_BIN_EXE_payout-notify"));
        let folder = program.parent().expect("a folder").display();
        let path = std::env::var("PATH").unwrap_or_default();
        // Both streams are one pipe, so that their order is the one a person sees.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut shell = Command::new("/bin/sh");
        // The first line lets a command ask for the exit code of the one before.
        let code = self.last_code.unwrap_or(1);
        shell.arg("-c").arg(format!("(exit {code})\n{}", rewritten(command, self.port)));
        shell.env_clear().current_dir(self.sandbox.work());
        shell.env("PATH", format!("{folder}:{path}")).env("HOME", self.sandbox.home());
        shell.env("PAYOUT_NOTIFY_KEY", KEY);
        shell.stdin(Stdio::null());
        shell.stderr(writer.try_clone().expect("a pipe")).stdout(writer);
        let group = Group::start(&mut shell).expect("a shell");
        drop(shell);
        let (sender, chunks) = mpsc::channel();
        thread::spawn(move || pass_on(reader, &sender));
        Started { group, chunks, output: Vec::new() }
    }

    /// The output with the text's own port.
    fn restored(&self, output: &str) -> String {
        let port = Regex::new(&format!(r"\b{}\b", self.port)).expect("a pattern");
        port.replace_all(output, PORT).into_owned()
    }
}

fn copy_below(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a readable folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_below(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// The command as it is run: the built program, and a free port.
fn rewritten(command: &str, port: u16) -> String {
    let replace = |pattern: &str, text: &str, by: &str| {
        Regex::new(pattern).expect("a pattern").replace_all(text, by).into_owned()
    };
    let cargo = r"cargo run(?: (?:--release|--quiet|-[qr]))* -- ";
    let command = replace(cargo, command, "payout-notify ");
    let command =
        replace(r"(?:\./)?target/(?:release|debug)/payout-notify", &command, "payout-notify");
    // The default port is in no command line.
    let bound = ["--bind", "--help"].iter().any(|flag| command.contains(flag));
    let command = if bound {
        command
    } else {
        replace("payout-notify listen", &command, &format!("payout-notify listen --bind {PORT}"))
    };
    replace(&format!(r"\b{PORT}\b"), &command, &port.to_string())
}

fn pass_on(mut reader: PipeReader, chunks: &mpsc::Sender<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = reader.read(&mut buffer) {
        if chunks.send(buffer[..length].to_vec()).is_err() {
            return;
        }
    }
}

/// A command that runs.
struct Started {
    group: Group,
    chunks: mpsc::Receiver<Vec<u8>>,
    output: Vec<u8>,
}

/// A command that ended.
struct Ended {
    /// The exit code; `None` where the command, or something it left running, had to be ended.
    code: Option<i32>,
    output: String,
}

impl Started {
    /// Waits for the first output, or for the end of a command without any.
    fn wait_for_output(&mut self) {
        self.output.extend(self.chunks.recv_timeout(DEADLINE).into_iter().flatten());
    }

    /// Waits for the end; ends the command and all that it started where there is none in time. The
    /// group keeps what the command started in the background for the next ones.
    fn end(mut self) -> (Ended, Option<Group>) {
        let mut code = self.group.ends_within(DEADLINE);
        let group = code.is_some().then_some(self.group);
        loop {
            match self.chunks.recv_timeout(LAST_OUTPUT) {
                Ok(chunk) => self.output.extend(chunk),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    // Something of the group still holds the pipe.
                    code = None;
                    break;
                }
            }
        }
        (Ended { code, output: String::from_utf8_lossy(&self.output).into_owned() }, group)
    }
}

#[cfg(test)]
mod tests {
    use super::rewritten;

    #[test]
    fn a_command_runs_the_built_program_on_a_free_port() {
        for (command, run) in [
            ("payout-notify sign x", "payout-notify sign x"),
            ("cargo run --release -- demo", "payout-notify demo"),
            ("a | cargo run -q --release -- verify", "a | payout-notify verify"),
            ("./target/release/payout-notify demo", "payout-notify demo"),
            ("payout-notify simulate localhost:8787/n", "payout-notify simulate localhost:40001/n"),
            ("payout-notify listen --bind 8787", "payout-notify listen --bind 40001"),
            ("payout-notify listen --count 1", "payout-notify listen --bind 40001 --count 1"),
            ("payout-notify listen --help", "payout-notify listen --help"),
            ("echo 87870 18787", "echo 87870 18787"),
        ] {
            assert_eq!(rewritten(command, 40001), run);
        }
    }
}
