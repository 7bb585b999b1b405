//! The program `payout-notify`: sign, verify, send and receive payout notifications.
//!
//! What a merchant's server embeds is the package `payout-notify-protocol`; this library exists so
//! that the program, its man pages and its completions share one definition of the command line.

#![cfg_attr(fuzzing, allow(missing_docs, reason = "nobody but the fuzz targets reaches them"))]

extern crate payout_notify_protocol as protocol;

mod check;
mod cli;
mod clock;
mod commands;
mod error;
mod exit;
mod files;
mod inspector;
mod keyring;
mod lines;
mod mask;
mod net;
mod process;
mod receiver;
mod report;
mod sender;
mod settings;
mod store;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;
mod terminal;
mod units;

pub use cli::{command, run};

#[cfg(fuzzing)]
pub mod fuzzing {
    pub use crate::check::bundle::Bundle;
    pub use crate::check::case::{Case, StepPlan, Work};
    pub use crate::check::case_file;
    pub use crate::check::recipe::{History, Workshop};
    pub use crate::inspector::shown_text;
    pub use crate::mask::{SHORTEST_MASKED_KEY, Untrusted, hide_only};
    pub use crate::receiver::replies::{Per, ReplyProgram, RequestContext, Runner, path_program};
    pub use crate::receiver::reply::{PlatformCode, Reply};
    pub use crate::receiver::server::handler_output::Answer;
    pub use crate::report::escaped;
    pub use crate::report::line::Line;
    pub use crate::report::text::sanitize;
    pub use crate::sender::jitter::Jitter;
    pub use crate::sender::schedule::{MAX_RETRIES, RetrySchedule};
    pub use crate::settings::ColorMode;
    pub use crate::terminal::sanitize::abridge;
    pub use crate::terminal::{Console, LONGEST_SPAN};
    pub use crate::units::duration::{MAX_DURATION, format_duration, parse_duration};
    pub use crate::units::factor::Speed;
    pub use crate::units::percent::Percent;
}
