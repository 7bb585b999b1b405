//! Durable appends per second: the store beside a plain file, both with the same group commit.
//!
//! `cargo bench --bench store [-- FOLDER]`. Sixty-four writers each append a body of 250 bytes and
//! wait until it is on the disk, again and again. Rounds alternate, so that both meet the same disk.

use std::error::Error;
use std::fs::{self, File};
use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use payout_notify::store::{Plan, Presence, Schema, Statement, Store};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

const WRITERS: usize = 64;
const ROUNDS: usize = 20;
const ROUND: Duration = Duration::from_millis(500);
const QUEUE: usize = 1024;

const ENTRIES: Schema = Schema {
    what: "bench",
    application_id: 0x6265_6e63,
    migrations: &["CREATE TABLE entry (number INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT"],
};

/// A plain file whose thread writes all that waits, and then calls `fdatasync` once.
#[derive(Clone)]
struct PlainFile {
    sender: mpsc::Sender<(Arc<[u8]>, oneshot::Sender<()>)>,
}

impl PlainFile {
    fn open(path: &Path) -> Result<Self, Failure> {
        let mut file = File::create(path)?;
        let (sender, mut requests) = mpsc::channel::<(Arc<[u8]>, oneshot::Sender<()>)>(QUEUE);
        thread::spawn(move || {
            let (mut group, mut bytes) = (Vec::with_capacity(QUEUE), Vec::new());
            while requests.blocking_recv_many(&mut group, QUEUE) > 0 {
                bytes.clear();
                group.iter().for_each(|(body, _)| bytes.extend_from_slice(body));
                // A failure answers nobody, which each writer sees.
                if file.write_all(&bytes).and_then(|()| file.sync_data()).is_err() {
                    return;
                }
                for (_, answer) in group.drain(..) {
                    let _sent = answer.send(());
                }
            }
        });
        Ok(PlainFile { sender })
    }

    async fn append(&self, body: Arc<[u8]>) -> Result<(), Failure> {
        let (answer, answered) = oneshot::channel();
        self.sender.send((body, answer)).await?;
        Ok(answered.await?)
    }
}

/// Lets all writers append for one round and returns how long each append took.
async fn round<A, F>(append: A) -> Result<Vec<Duration>, Failure>
where
    A: Fn() -> F + Clone + Send + 'static,
    F: Future<Output = Result<(), Failure>> + Send,
{
    let start = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let append = append.clone();
        writers.spawn(async move {
            let mut times = Vec::new();
            while start.elapsed() < ROUND {
                let before = Instant::now();
                append().await?;
                times.push(before.elapsed());
            }
            Ok::<_, Failure>(times)
        });
    }
    let mut times = Vec::new();
    while let Some(ended) = writers.join_next().await {
        times.extend(ended??);
    }
    Ok(times)
}

fn line(name: &str, times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: f64| {
        let index = (times.len() as f64 * share) as usize;
        times.get(index.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
    };
    let rate = times.len() as f64 / (ROUND.as_secs_f64() * ROUNDS as f64);
    let (p50, p99, most) = (at(0.5), at(0.99), at(1.0));
    format!("{name:<11} {rate:>8.0}/s   p50 {p50:>9.1?}   p99 {p99:>9.1?}   max {most:>9.1?}")
}

fn main() -> Result<(), Failure> {
    // cargo adds --bench.
    let folder = std::env::args_os().skip(1).find(|argument| argument != "--bench");
    let folder = folder.map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("payout-notify-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let result = compare(&folder);
    fs::remove_dir_all(&folder)?;
    result
}

fn compare(folder: &Path) -> Result<(), Failure> {
    let store = Store::open(&folder.join("store.db"), &Plan::new(&ENTRIES, Presence::New))?;
    let (store, file) = (Arc::new(store), PlainFile::open(&folder.join("plain"))?);
    let body: Arc<[u8]> = vec![b'x'; 250].into();
    let entry = Arc::clone(&body);
    let into_store = move || {
        let (store, body) = (Arc::clone(&store), Arc::clone(&entry));
        async move {
            let sql = "INSERT INTO entry (body) VALUES (?)";
            store.write(vec![Statement::one_row(sql, vec![body.into()])]).await?;
            Ok(())
        }
    };
    let into_file = move || {
        let (file, body) = (file.clone(), Arc::clone(&body));
        async move { file.append(body).await }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (mut stored, mut plain, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let beside = runtime.block_on(round(into_file.clone()))?;
        let times = runtime.block_on(round(into_store.clone()))?;
        ratios.push(times.len() as f64 / beside.len() as f64);
        plain.extend(beside);
        stored.extend(times);
    }
    ratios.sort_by(f64::total_cmp);
    let ratio = |share: usize| ratios[ROUNDS * share / 4];
    let mut out = std::io::stdout();
    writeln!(out, "{WRITERS} writers, 250 bytes each, {ROUNDS} rounds of {ROUND:?}")?;
    writeln!(out, "{}\n{}", line("plain file", &mut plain), line("store", &mut stored))?;
    let (low, middle, high) = (ratio(1), ratio(2), ratio(3));
    writeln!(out, "ratio       {middle:>8.2}     quartiles {low:.2} and {high:.2}")?;
    Ok(())
}
