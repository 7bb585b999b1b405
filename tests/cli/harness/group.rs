//! A process group: it starts with the default reaction to signals, and ends as a whole.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::Once;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{self, Pid, Signal, WaitId, WaitIdOptions};
use tokio::signal::unix::{SignalKind, signal};

use super::PAUSE;

/// How long a group may take to end by itself when it is asked to.
const GRACE: Duration = Duration::from_secs(5);

/// A child that leads a process group. Whatever of the group still runs is ended with the value.
pub(crate) struct Group {
    leader: Child,
    code: Option<i32>,
}

impl Group {
    /// Starts a command as the leader of a group of its own.
    pub(crate) fn start(command: &mut Command) -> io::Result<Group> {
        restore_signals();
        let leader = command.process_group(0).spawn()?;
        Ok(Group { leader, code: None })
    }

    /// The process that was started.
    pub(crate) fn leader(&mut self) -> &mut Child {
        &mut self.leader
    }

    /// The id of the leader.
    pub(crate) fn id(&self) -> u32 {
        self.leader.id()
    }

    /// Sends a signal to the leader alone.
    pub(crate) fn signal(&self, signal: Signal) {
        process::kill_process(self.pid(), signal).expect("the process is there");
    }

    /// The exit code of the leader, where it ends in time; 128 and more is a signal, as a shell shows
    /// it. What else there is of the group keeps running.
    pub(crate) fn ends_within(&mut self, time: Duration) -> Option<i32> {
        let start = Instant::now();
        // Not reaped: until then nobody else's group can have the id.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        while self.code.is_none() {
            let status = process::waitid(WaitId::Pid(self.pid()), options).expect("a child");
            self.code = status.and_then(|status| {
                let signal = || status.terminating_signal().map(|signal| 128 + signal);
                status.exit_status().or_else(signal)
            });
            if self.code.is_none() {
                if start.elapsed() >= time {
                    return None;
                }
                thread::sleep(PAUSE);
            }
        }
        self.code
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.leader)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.ends_within(Duration::ZERO).is_none() {
            let _ = process::kill_process_group(self.pid(), Signal::TERM);
            self.ends_within(GRACE);
        }
        let _ = process::kill_process_group(self.pid(), Signal::KILL);
        let _ = self.leader.wait();
    }
}

/// Lets children react to signals as usual where this process was told to ignore them, as a script's
/// `cargo test &` is.
///
/// What is ignored stays ignored in a new program; what is handled gets its default reaction. So
/// this process handles the signal, which has no effect here.
pub(crate) fn restore_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let kinds = [
            ("INT", SignalKind::interrupt()),
            ("QUIT", SignalKind::quit()),
            ("HUP", SignalKind::hangup()),
            ("TERM", SignalKind::terminate()),
        ];
        let ignored = kinds.into_iter().filter(|(name, _)| is_ignored(name));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let runtime = runtime.expect("a runtime");
        let _context = runtime.enter();
        for (_, kind) in ignored {
            // The handler outlives the value.
            drop(signal(kind).expect("a handler"));
        }
    });
}

/// Whether a child that sends itself this signal survives it.
fn is_ignored(name: &str) -> bool {
    let script = format!("ulimit -c 0; kill -s {name} $$; exit 0");
    let status = Command::new("/bin/sh").args(["-c", &script]).status().expect("a shell");
    status.success()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    use super::*;

    fn shell(script: &str) -> Group {
        let mut shell = Command::new("/bin/sh");
        Group::start(shell.args(["-c", script]).stdout(Stdio::piped())).unwrap()
    }

    #[test]
    fn a_child_reacts_to_signals_whatever_was_ignored_here() {
        for name in ["INT", "QUIT", "HUP", "TERM"] {
            let mut group = shell(&format!("ulimit -c 0; kill -s {name} $$; exit 0"));
            let code = group.ends_within(super::super::DEADLINE);
            assert!(code.is_some_and(|code| code > 128), "{name}: {code:?}");
        }
    }

    #[test]
    fn what_a_leader_left_running_ends_with_the_group() {
        for end in ["exit 3", "exec sleep 600"] {
            let mut group = shell(&format!("sleep 600 & echo $!; {end}"));
            let mut lines = BufReader::new(group.leader().stdout.take().unwrap()).lines();
            lines.next().unwrap().unwrap();
            drop(group);
            // The pipe ends with the last process that holds it.
            assert!(lines.next().is_none());
        }
    }
}
