//! A plain file with group commit: what a durable callback costs without a database.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::Result;

const WRITERS: usize = 64;
const BODY_BYTES: usize = 250;
const QUEUE: usize = 1024;

type Entry = (Arc<[u8]>, oneshot::Sender<()>);

/// Appends bodies from 64 writers, each of which waits for `fdatasync`, and prints the rate.
pub async fn append(folder: &Path, time: Duration) -> Result<()> {
    let path = folder.join("plain");
    let file = File::create(&path)?;
    let (sender, entries) = mpsc::channel::<Entry>(QUEUE);
    thread::spawn(move || write_groups(file, entries));
    let body: Arc<[u8]> = vec![b'x'; BODY_BYTES].into();
    let start = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (sender, body) = (sender.clone(), Arc::clone(&body));
        writers.spawn(async move {
            let mut count = 0_u64;
            while start.elapsed() < time {
                let (committed, commit) = oneshot::channel();
                sender.send((Arc::clone(&body), committed)).await?;
                commit.await?;
                count += 1;
            }
            Ok::<u64, Box<dyn std::error::Error + Send + Sync>>(count)
        });
    }
    let mut appended = 0;
    while let Some(ended) = writers.join_next().await {
        appended += ended??;
    }
    println!("{:.1} appends/s", appended as f64 / start.elapsed().as_secs_f64());
    std::fs::remove_file(path)?;
    Ok(())
}

/// Writes all that waits, then calls `fdatasync` once for the group.
fn write_groups(mut file: File, mut entries: mpsc::Receiver<Entry>) {
    let (mut group, mut bytes) = (Vec::with_capacity(QUEUE), Vec::new());
    while entries.blocking_recv_many(&mut group, QUEUE) > 0 {
        bytes.clear();
        group.iter().for_each(|(body, _)| bytes.extend_from_slice(body));
        // On a failure the senders are dropped, which every waiting writer sees.
        if file.write_all(&bytes).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        for (_, committed) in group.drain(..) {
            let _ = committed.send(());
        }
    }
}
