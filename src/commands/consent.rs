//! Nobody else's endpoint is sent anything by accident.

use std::io::{self, BufRead, IsTerminal};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::runtime::block_on;
use crate::error::CommandError;
use crate::mask::Untrusted;
use crate::net::client::Client;
use crate::net::probing::addresses;
use crate::net::target::{Locality, Target};
use crate::report::line::Line;
use crate::settings::profile::{Chosen, Owner};
use crate::terminal::Console;

/// Continues where the endpoint is on this machine or in a private network, or somebody agrees.
///
/// A name that has no address now may have one in a moment, so it counts as somebody else's.
pub async fn obtain(
    target: &Target,
    client: &Client,
    timeout: Duration,
    question: &str,
    refusal: impl FnOnce() -> CommandError,
    console: &mut Console,
) -> Result<(), CommandError> {
    if target.is_loopback() {
        return Ok(());
    }
    let found = addresses(target, &client.config().resolve, timeout).await;
    if found.is_ok_and(|found| found.iter().all(|one| is_local(one.ip()))) {
        return Ok(());
    }
    if io::stdin().is_terminal() && is_agreed(question, console) { Ok(()) } else { Err(refusal()) }
}

/// The project's file that a URL is taken from; `None` for one that a flag or the user's file gives.
pub fn file_of_url(typed: Option<&String>, chosen: &Chosen) -> Option<PathBuf> {
    let is_adopted = typed.is_none() && chosen.profile.url.is_some();
    (is_adopted && chosen.owner == Owner::Project).then(|| chosen.file.clone())
}

/// As [`obtain`], for a URL from a project's file, which may have come with others' repository.
pub fn obtain_for_project(
    file: &Path,
    target: &Target,
    client: &Client,
    timeout: Duration,
    console: &mut Console,
) -> Result<(), CommandError> {
    if target.is_loopback() {
        return Ok(());
    }
    let file = Untrusted::path(&file);
    let question = format!("send to {target}, the URL in {file}? [y/N]");
    let refusal = || {
        CommandError::usage(format!("{target} is neither on this machine nor in a private network"))
            .because(io::Error::other(format!(
                "it is the URL in {file}, which others may have written"
            )))
            .hint("--yes sends there, and so does the URL on the command line")
    };
    block_on(obtain(target, client, timeout, &question, refusal, console))
}

fn is_local(address: IpAddr) -> bool {
    Locality::of_address(address) != Locality::Elsewhere
}

fn is_agreed(question: &str, console: &mut Console) -> bool {
    console.note(&Line::new().warn("question: ").plain(question));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
