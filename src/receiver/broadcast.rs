//! What open pages are told: new entries, bounded while a slow page holds them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};

use crate::receiver::received::{Forwarded, Received};

const MOST_BEHIND: usize = 1024;

/// How many bytes of entries may wait for open pages together: an entry has a body of up to 1 MiB,
/// and what an application answered besides.
const MOST_BYTES: u32 = 32 * 1024 * 1024;

/// What an entry takes besides its texts, in bytes.
const OVERHEAD: usize = 1024;

/// Tells open pages of new entries; never waits for one.
#[derive(Clone)]
pub struct EntryBroadcast {
    sender: broadcast::Sender<Item>,
    room: Arc<Semaphore>,
}

#[derive(Clone)]
pub enum Item {
    Received(Arc<Waiting>),
    Missed,
}

pub struct Waiting {
    pub entry: Arc<Received>,
    _room: OwnedSemaphorePermit,
}

impl EntryBroadcast {
    /// Room for 1,024 entries of 32 MiB together.
    pub fn new() -> Self {
        EntryBroadcast::bounded(MOST_BEHIND, MOST_BYTES)
    }

    pub fn bounded(entries: usize, bytes: u32) -> Self {
        let room = Arc::new(Semaphore::new(bytes as usize));
        EntryBroadcast { sender: broadcast::Sender::new(entries), room }
    }

    /// Tells of an entry; without an open page it is forgotten.
    pub fn send(&self, entry: Arc<Received>) {
        let bytes = u32::try_from(size(&entry)).unwrap_or(u32::MAX);
        let item = match Arc::clone(&self.room).try_acquire_many_owned(bytes) {
            Ok(room) => Item::Received(Arc::new(Waiting { entry, _room: room })),
            Err(_) => Item::Missed,
        };
        // An error means that no page is open.
        let _ = self.sender.send(item);
    }

    /// Tells everyone to look at the inbox again: entries are gone.
    pub fn reload(&self) {
        let _ = self.sender.send(Item::Missed);
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Item> {
        self.sender.subscribe()
    }
}

impl Default for EntryBroadcast {
    fn default() -> Self {
        EntryBroadcast::new()
    }
}

fn size(entry: &Received) -> usize {
    let text = |headers: &[(String, Vec<u8>)]| -> usize {
        headers.iter().map(|(name, value)| name.len() + value.len()).sum()
    };
    let answered = match &entry.forwarded {
        Some(Forwarded { result: Ok(reply), .. }) => text(&reply.headers) + reply.body.len(),
        _ => 0,
    };
    let callback = text(&entry.callback.headers) + entry.callback.path.raw().len();
    let replied = text(&entry.replied.headers) + entry.replied.body.len();
    OVERHEAD + callback + entry.callback.body.len() + replied + answered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::example;

    #[test]
    fn what_waits_is_bounded_by_bytes_and_counts_until_it_is_taken() {
        let news = EntryBroadcast::bounded(8, 4096);
        let told = |body: &[u8]| news.send(example::entry(1, "P", body));
        told(b"nobody listens: it takes no room");
        assert_eq!(news.room.available_permits(), 4096);
        let mut page = news.subscribe();
        told(&[b'x'; 2000]);
        told(&[b'x'; 2000]);
        assert!(matches!(page.try_recv(), Ok(Item::Received(_))));
        assert!(matches!(page.try_recv(), Ok(Item::Missed)));
        assert_eq!(news.room.available_permits(), 4096);
        told(b"{}");
        assert!(matches!(page.try_recv(), Ok(Item::Received(_))));
    }
}
