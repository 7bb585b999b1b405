//! The table of exit codes, published in `--help` and the README.

use std::process::ExitCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: yes. Signed, matches, acknowledged.
    Yes,
    /// 1: no. Mismatch, exhausted, a case failed, the sender broke its contract.
    No,
    /// 2: the command line or the settings are wrong.
    Usage,
    /// 3: the input cannot be read or understood.
    Input,
    /// 4: the environment refuses: cannot bind, open or write.
    Environment,
    /// 130: interrupted before the answer was known.
    Interrupted,
}

impl Exit {
    pub const fn code(self) -> u8 {
        match self {
            Exit::Yes => 0,
            Exit::No => 1,
            Exit::Usage => 2,
            Exit::Input => 3,
            Exit::Environment => 4,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

pub const HELP: &str = "\
Exit codes:
  0    yes: signed, matches, acknowledged
  1    no: mismatch, exhausted or rejected, a case failed or inconclusive
  2    usage: the command line or the settings
  3    input: cannot be read or understood
  4    environment: cannot bind, open or write
  130  interrupted before the answer was known";
