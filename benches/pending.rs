//! What a pending retry costs: the memory of a million, and the engine's own time an attempt.
//!
//! Run it with `cargo bench --bench pending`. A merchant that refuses everything, on a simulated
//! clock, so that every order waits for its second attempt before one is made.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::convert::Infallible;
use std::error::Error;
use std::fs;
use std::future::pending;
use std::iter;
use std::num::NonZeroUsize;
use std::time::Instant;

use jiff::Timestamp;
use payout_notify::clock::{SimulatedClock, Speed};
use payout_notify::delivery::fleet::{
    DEFAULT_DRAIN, Feed, Fleet, Limits, NoJournal, RetryAfter, RetryPlan,
};
use payout_notify::delivery::outcome::Outcome;
use payout_notify::delivery::record::{FleetEvent, Order};
use payout_notify::delivery::schedule::RetrySchedule;
use payout_notify::delivery::transport::{Request, Target, Transport};
use payout_notify_protocol::internal::acknowledgement::Reply;

const ORDERS: u64 = 1_000_000;
const BODY_BYTES: usize = 250;
const GOAL_BYTES: u64 = 400;

/// A merchant that refuses at once.
struct Refusing;

impl Transport for Refusing {
    async fn send(&self, _request: &Request) -> Outcome {
        Outcome::Reply(Reply { status: 500, ..Reply::default() })
    }
}

/// The memory that this process holds, in bytes (Linux).
fn resident() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    let kib = line.split_whitespace().nth(1).ok_or("no figure")?;
    Ok(kib.parse::<u64>()? * 1024)
}

fn main() -> Result<(), Box<dyn Error>> {
    let clock = &SimulatedClock::new(Timestamp::UNIX_EPOCH);
    let request = &Request::new(Target::parse("http://127.0.0.1:9/")?, "");
    let schedule = &RetrySchedule::parse("15s", None, std::time::Duration::from_secs(60))?;
    let retry_after = RetryAfter::Ignored;
    let plan = RetryPlan { schedule, jitter: None, speed: Speed::REAL, retry_after };
    let concurrency = NonZeroUsize::MIN.saturating_add(63);
    let limits = Limits { concurrency, max_in_flight: concurrency, drain: DEFAULT_DRAIN };
    let fleet = Fleet { request, plan, limits, clock, transport: &Refusing, journal: &NoJournal };
    let mut numbers = 1..=ORDERS;
    let feed = Feed {
        resumed: &mut iter::empty(),
        orders: &mut |completed_at| {
            numbers.next().map(|number| {
                let id = format!("POT{number:08}").into();
                let body = vec![b'x'; BODY_BYTES].into();
                Ok::<_, Infallible>(Order { number, id, body, completed_at, duplicate_of: None })
            })
        },
        count: Some(ORDERS),
        pace: &|_| None,
    };
    let (before, began) = (resident()?, Instant::now());
    let (mut firsts, mut peak, mut took) = (0, Ok(0), began.elapsed());
    let run = fleet.run(feed, pending::<()>, |event| {
        if let FleetEvent::Attempt(record) = event
            && record.attempt == 1
        {
            firsts += 1;
            if firsts == ORDERS {
                (peak, took) = (resident(), began.elapsed());
            }
        }
        Ok(())
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let totals = runtime.block_on(clock.run(run))?;
    let each = peak?.saturating_sub(before) / ORDERS;
    println!("pending at once    {}", totals.peak_pending);
    println!("bytes a pending    {each} (body {BODY_BYTES}; the goal is at most {GOAL_BYTES})");
    println!("first attempts     {:.0} ns each", took.as_secs_f64() * 1e9 / ORDERS as f64);
    let whole = began.elapsed().as_secs_f64() * 1e9 / totals.attempts as f64;
    println!("all attempts       {whole:.0} ns each, {} of them", totals.attempts);
    match each <= GOAL_BYTES {
        true => Ok(()),
        false => Err("a pending retry costs too much".into()),
    }
}
