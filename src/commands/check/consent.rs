//! Before a check: whose endpoint it is, and whether it is up.

use std::time::{Duration, Instant};

use super::CheckArgs;
use crate::check::sender::Wiring;
use crate::commands::consent;
use crate::error::CommandError;
use crate::net::probing::takes_connections;
use crate::report::check::CheckFacts;
use crate::sender::schedule::format_duration;
use crate::terminal::Console;

const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Asks where the endpoint is somebody else's, unless --yes was given.
pub(super) async fn obtain(
    args: &CheckArgs,
    facts: &CheckFacts,
    wiring: &Wiring,
    console: &mut Console,
) -> Result<(), CommandError> {
    if args.limits.yes {
        return Ok(());
    }
    let CheckFacts { url, bound, .. } = facts;
    let question = format!(
        "send up to {bound} notifications to {url}? Their order ids begin with CHECK-. [y/N]"
    );
    let refusal = || {
        CommandError::usage(format!("{url} is neither on this machine nor in a private network"))
            .hint(format!(
                "--yes sends it up to {bound} notifications with order ids that begin with CHECK-; \
                 do so only where you may"
            ))
    };
    let timeout = wiring.options.timeout;
    consent::obtain(&wiring.target, &wiring.client, timeout, &question, refusal, console).await
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
