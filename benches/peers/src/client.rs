//! Bare reqwest: it sends freshly signed orders and looks at no reply.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use payout_notify_protocol::Key;
use reqwest::Client;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::{Result, order};

const TASKS: u64 = 64;

struct Shared {
    client: Client,
    url: String,
    key: Key,
    start: Instant,
    time: Duration,
    rate: Option<f64>,
    next: AtomicU64,
    good: AtomicU64,
    bad: AtomicU64,
}

/// Sends from 64 tasks until the time is up, as fast as possible or at `rate` requests per second,
/// and prints what was reached.
pub async fn load(url: &str, key: Key, time: Duration, rate: Option<f64>) -> Result<()> {
    // rustls-no-provider asks for a provider even where every URL is plain http.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let shared = Arc::new(Shared {
        client: Client::builder().no_proxy().build()?,
        url: url.to_owned(),
        key,
        start: Instant::now(),
        time,
        rate,
        next: AtomicU64::new(0),
        good: AtomicU64::new(0),
        bad: AtomicU64::new(0),
    });
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        tasks.spawn(send_until_the_end(Arc::clone(&shared)));
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let (good, bad) = (shared.good.load(Ordering::Relaxed), shared.bad.load(Ordering::Relaxed));
    let rate = good as f64 / shared.start.elapsed().as_secs_f64();
    println!("{rate:.1} requests/s, {bad} failed");
    Ok(())
}

async fn send_until_the_end(shared: Arc<Shared>) -> Result<()> {
    loop {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        if let Some(rate) = shared.rate {
            let at = Duration::from_secs_f64(number as f64 / rate);
            if at >= shared.time {
                sleep_until(shared.start + shared.time).await;
                return Ok(());
            }
            sleep_until(shared.start + at).await;
        } else if shared.start.elapsed() >= shared.time {
            return Ok(());
        }
        let body = order(number, &shared.key)?;
        let request = shared.client.post(&shared.url).body(body);
        let request = request.header("content-type", "application/json;charset=utf-8");
        let is_good = match request.send().await {
            Ok(reply) => reply.bytes().await.is_ok(),
            Err(_) => false,
        };
        if is_good { &shared.good } else { &shared.bad }.fetch_add(1, Ordering::Relaxed);
    }
}
