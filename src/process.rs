//! The programs that a person names: started without a shell, in groups of their own, and ended
//! whatever happens.

pub mod command;
pub mod signals;
mod tail;

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use command::{UnstartedError, spawn};
use signals::{Signal, lead_group, signal_marked};
pub use tail::Tail;

const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// By which the processes that a command started are found, wherever they moved to: a variable in
/// their environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub name: &'static str,
    pub value: String,
}

impl Mark {
    pub fn new(name: &'static str) -> Self {
        Mark { name, value: format!("{:x}-{:x}", std::process::id(), fastrand::u64(..)) }
    }

    /// Signals those that run; `false` where there is none.
    pub fn signal(&self, signal: Signal) -> bool {
        signal_marked(&format!("{}={}", self.name, self.value), signal)
    }

    /// Kills those that run, for when nothing can wait for them any more.
    pub fn kill_all(&self) {
        // A process that forks meanwhile has a child that is not in the first list.
        for _ in 0..3 {
            if !self.signal(Signal::Kill) {
                break;
            }
            thread::sleep(LOOK_AGAIN);
        }
    }
}

/// Starts a command as the leader of a group, and keeps the last of what it prints.
pub fn start_group(mut command: Command, mark: &Mark) -> Result<(Child, Tail), UnstartedError> {
    command.env(mark.name, &mark.value).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    lead_group(&mut command);
    let mut child = spawn(&mut command)?;
    let tail = Tail::of(&mut child);
    Ok((child, tail))
}
