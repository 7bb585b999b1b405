//! Signals for a process, its group, and what it started elsewhere.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Kill,
    Terminate,
    Interrupt,
    Quit,
    Stop,
    Continue,
}

#[cfg(unix)]
mod unix {
    use std::process::Command;

    use rustix::process::{self, Pid};

    use super::Signal;

    fn number(signal: Signal) -> process::Signal {
        match signal {
            Signal::Kill => process::Signal::KILL,
            Signal::Terminate => process::Signal::TERM,
            Signal::Interrupt => process::Signal::INT,
            Signal::Quit => process::Signal::QUIT,
            Signal::Stop => process::Signal::STOP,
            Signal::Continue => process::Signal::CONT,
        }
    }

    fn pid(id: u32) -> Option<Pid> {
        Pid::from_raw(i32::try_from(id).ok()?)
    }

    /// The group that a child leads which was started with [`lead_group`].
    pub fn signal_group(leader: u32, signal: Signal) {
        if let Some(group) = pid(leader) {
            // Whoever has ended already needs no signal.
            let _ = process::kill_process_group(group, number(signal));
        }
    }

    pub fn is_group_alive(leader: u32) -> bool {
        pid(leader).is_some_and(|group| process::test_kill_process_group(group).is_ok())
    }

    pub fn lead_group(command: &mut Command) {
        use std::os::unix::process::CommandExt;
        command.process_group(0);
    }

    /// Signals the processes that carry this in their environment, wherever they moved to; `false`
    /// where there is none.
    #[cfg(target_os = "linux")]
    pub fn signal_marked(mark: &str, signal: Signal) -> bool {
        let mut is_found = false;
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            if environment.split(|byte| *byte == 0).any(|one| one == mark.as_bytes())
                && let Some(pid) = pid(id)
            {
                is_found |= process::kill_process(pid, number(signal)).is_ok();
            }
        }
        is_found
    }

    #[cfg(not(target_os = "linux"))]
    pub fn signal_marked(_: &str, _: Signal) -> bool {
        false
    }
}

#[cfg(unix)]
pub use unix::{is_group_alive, lead_group, signal_group, signal_marked};

#[cfg(not(unix))]
mod elsewhere {
    use std::process::Command;

    use super::Signal;

    pub fn signal_group(_: u32, _: Signal) {}

    pub fn is_group_alive(_: u32) -> bool {
        false
    }

    pub fn lead_group(_: &mut Command) {}

    pub fn signal_marked(_: &str, _: Signal) -> bool {
        false
    }
}

#[cfg(not(unix))]
pub use elsewhere::{is_group_alive, lead_group, signal_group, signal_marked};
