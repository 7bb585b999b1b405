//! The `payout-notify` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    payout_notify::run()
}
