//! Nobody else's endpoint is checked by accident.

use std::io::{self, BufRead, IsTerminal};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::Args;
use crate::check::sender::Wiring;
use crate::error::CommandError;
use crate::net::probing::{addresses, takes_connections};
use crate::net::target::Locality;
use crate::report::check::CheckFacts;
use crate::report::line::Line;
use crate::sender::schedule::format_duration;
use crate::terminal::Console;

const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Goes on where the endpoint is on this machine or in a private network, or somebody agrees.
///
/// A name that has no address now may have one in a moment, so it counts as somebody else's.
pub(super) async fn obtain(
    args: &Args,
    facts: &CheckFacts,
    wiring: &Wiring,
    console: &mut Console,
) -> Result<(), CommandError> {
    if args.manners.yes || wiring.target.is_loopback() {
        return Ok(());
    }
    let found =
        addresses(&wiring.target, &wiring.client.config().resolve, wiring.options.timeout).await;
    if found.is_ok_and(|found| found.iter().all(|one| is_local(one.ip()))) {
        return Ok(());
    }
    if io::stdin().is_terminal() && is_agreed(facts, console) {
        return Ok(());
    }
    Err(CommandError::usage(format!(
        "{} is neither on this machine nor in a private network",
        facts.url
    ))
    .hint(format!(
        "--yes sends it up to {} notifications with order ids that begin with CHECK-; do so only \
         where you may",
        facts.bound
    )))
}

/// Waits until the endpoint takes connections, at most for a time.
pub(super) async fn wait_for(wiring: &Wiring, time: Duration) -> Result<(), CommandError> {
    let start = Instant::now();
    while start.elapsed() < time {
        let limit = time.saturating_sub(start.elapsed()).min(wiring.options.timeout);
        let rules = &wiring.client.config().resolve;
        if takes_connections(&wiring.target, rules, limit).await {
            return Ok(());
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    let time = format_duration(time);
    let never = format!("{} took no connection within {time}", wiring.target);
    Err(CommandError::environment(never).hint("start the endpoint, or give it longer: --wait 60s"))
}

fn is_local(address: IpAddr) -> bool {
    Locality::of_address(address) != Locality::Elsewhere
}

fn is_agreed(facts: &CheckFacts, console: &mut Console) -> bool {
    console.note(&Line::new().warn("question: ").plain(format!(
        "send up to {} notifications to {}? Their order ids begin with CHECK-. [y/N]",
        facts.bound, facts.url
    )));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
