//! What the program is measured beside in `benches/*.sh`: bare servers, a bare client, a plain file.
//!
//! `sink`, `bare` and `refuse` print their URL and serve until they are ended, on one thread, as the
//! listener's network has one. `body` prints a signed notification for the load tools to send.

#![allow(clippy::print_stdout, reason = "a tool for measuring prints its figures")]

use std::error::Error;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use payout_notify_protocol::{Key, sign};

mod client;
mod plain_file;
mod server;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const USAGE: &str = "peers sink | bare | refuse | body KEY | reqwest URL KEY SECONDS [RATE] | plain-file FOLDER SECONDS";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments.as_slice() {
        [kind @ ("sink" | "bare" | "refuse")] => runtime.block_on(server::serve(kind)),
        ["body", key] => {
            print!("{}", order(1, &Key::try_new(*key)?)?);
            Ok(())
        }
        ["reqwest", url, key, seconds, rate @ ..] => {
            let time = Duration::from_secs_f64(seconds.parse()?);
            let rate = rate.first().map(|rate| rate.parse()).transpose()?;
            let key = Key::try_new(*key)?;
            runtime.block_on(client::load(url, key, time, rate))
        }
        ["plain-file", folder, seconds] => {
            let time = Duration::from_secs_f64(seconds.parse()?);
            runtime.block_on(plain_file::append(Path::new(folder), time))
        }
        _ => Err(USAGE.into()),
    }
}

/// The signed notification of order `number`.
fn order(number: u64, key: &Key) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let payload = format!(
        r#"{{"payout_id":"POT{number:08}","payout_cl_id":"97a968b4a9db497c8c03198e{number:08x}","platform_id":"PF0014","amount":400000,"real_amount":400000,"fee":3200,"status":3,"create_time":{now},"update_time":{now}}}"#
    );
    Ok(sign(payload.as_bytes(), key)?)
}
