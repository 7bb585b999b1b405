//! What happens to a merchant while it works: a process that is killed, stopped or paused, a full disk.

use std::fmt;
use std::str::FromStr;

use crate::mask::Untrusted;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The process is killed at once, as a crash or the kernel would.
    Kill(Moment),
    /// The process is asked to end (SIGTERM), as a deployment does.
    Terminate(Moment),
    /// It stands still (SIGSTOP) until the request has timed out.
    Pause(Moment),
    /// Its disk has no room until the reply is in.
    FullDisk,
}

/// When it happens, as seen from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Before the request is complete.
    Before,
    /// Between request and reply, after so many thousandths of the usual time of a reply.
    Between(u16),
    /// Right after the reply; where several are sent together, after the first one.
    After,
}

pub const WHOLE: u16 = 1000;

/// A moment without its time.
pub const PHASES: [&str; 3] = ["before", "between", "after"];

impl Moment {
    pub fn phase(self) -> &'static str {
        PHASES[match self {
            Moment::Before => 0,
            Moment::Between(_) => 1,
            Moment::After => 2,
        }]
    }
}

impl Fault {
    /// When it ends the process; `None` where the process survives.
    pub fn end(self) -> Option<Moment> {
        match self {
            Fault::Kill(moment) | Fault::Terminate(moment) => Some(moment),
            Fault::Pause(_) | Fault::FullDisk => None,
        }
    }

    pub fn moment(self) -> Option<Moment> {
        match self {
            Fault::Kill(moment) | Fault::Terminate(moment) | Fault::Pause(moment) => Some(moment),
            Fault::FullDisk => None,
        }
    }

    /// Its name in tables.
    pub fn name(self) -> String {
        let verb = match self {
            Fault::Kill(_) => "kill",
            Fault::Terminate(_) => "terminate",
            Fault::Pause(_) => "pause",
            Fault::FullDisk => "full-disk",
        };
        self.moment().map_or(verb.to_owned(), |moment| format!("{verb} {}", moment.phase()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        match self.moment() {
            Some(Moment::Between(thousandths)) => write!(f, " {thousandths}"),
            _ => Ok(()),
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Fault, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let moment = |words: &[&str]| match words {
            ["before"] => Some(Moment::Before),
            ["after"] => Some(Moment::After),
            ["between", time] => {
                let time = time.parse().ok().filter(|time| *time <= WHOLE);
                time.map(Moment::Between)
            }
            _ => None,
        };
        let fault = match words.as_slice() {
            ["kill", rest @ ..] => moment(rest).map(Fault::Kill),
            ["terminate", rest @ ..] => moment(rest).map(Fault::Terminate),
            ["pause", rest @ ..] => {
                moment(rest).filter(|moment| *moment != Moment::After).map(Fault::Pause)
            }
            ["full-disk"] => Some(Fault::FullDisk),
            _ => None,
        };
        fault.ok_or_else(|| {
            format!(
                "{:?} is not a fault; expected kill, terminate or pause with before, between 0 to \
                 {WHOLE} or after, as in kill between 500 (pause has no after); or full-disk",
                Untrusted::new(&text)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_as_it_is_written() {
        for text in [
            "kill before",
            "kill between 0",
            "kill between 1000",
            "terminate after",
            "pause before",
            "pause between 20",
            "full-disk",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "kill",
            "kill between",
            "kill between 1001",
            "kill after 3",
            "pause",
            "pause after",
        ] {
            assert!(text.parse::<Fault>().unwrap_err().contains("is not a fault"), "{text}");
        }
    }
}
