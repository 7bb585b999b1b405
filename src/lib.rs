//! The program `payout-notify`: sign, verify, send and receive payout notifications.
//!
//! What a merchant's server embeds is the package `payout-notify-protocol`; this library exists so
//! that the program, its man pages and its completions share one definition of the command line.

extern crate payout_notify_protocol as protocol;

mod check;
mod cli;
mod clock;
mod commands;
mod delivery;
mod error;
mod exit;
mod lines;
mod listener;
mod mask;
mod report;
mod settings;
mod store;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;
mod terminal;

pub use cli::{command, run};
