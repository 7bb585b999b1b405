//! The table of open connections: who has a place, and who gives one up.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, timeout};

use super::limits::Limits;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Silent,
    Heard,
    Receiving,
    ReceivingChunks,
    Busy,
    Waiting,
    Replying,
    Refusing,
    Handing,
    Handed,
    Scripted,
    Streaming,
    Closing,
}

const PHASES: [Phase; 13] = [
    Phase::Silent,
    Phase::Heard,
    Phase::Receiving,
    Phase::ReceivingChunks,
    Phase::Busy,
    Phase::Waiting,
    Phase::Replying,
    Phase::Refusing,
    Phase::Handing,
    Phase::Handed,
    Phase::Scripted,
    Phase::Streaming,
    Phase::Closing,
];

const EVICTION_RANKS: u8 = 2;

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) remote: SocketAddr,
    peer: IpAddr,
    phase: AtomicU8,
    pub(super) evicted: Notify,
    /// Closed with the connection.
    open: Semaphore,
}

impl Slot {
    pub(super) fn phase(&self) -> Phase {
        let number = usize::from(self.phase.load(Ordering::Relaxed));
        PHASES.get(number).copied().unwrap_or(Phase::Silent)
    }

    pub(super) fn set(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    pub(super) fn advance(&self, from: Phase, to: Phase) {
        if self.phase() == from {
            self.set(to);
        }
    }

    /// Waits because a reply program says so. Meanwhile the connection may be evicted, and with it
    /// the wait ends: it must keep no body in memory.
    ///
    /// Gives whether the connection is still there.
    pub(super) async fn wait(&self, time: Duration) -> bool {
        /// A wait that is given up ends as well.
        struct BusyAgain<'s>(&'s Slot);
        impl Drop for BusyAgain<'_> {
            fn drop(&mut self) {
                self.0.advance(Phase::Waiting, Phase::Busy);
            }
        }
        self.advance(Phase::Busy, Phase::Waiting);
        let _busy_again = BusyAgain(self);
        timeout(time, self.open.acquire()).await.is_err()
    }

    pub(super) fn close(&self) {
        self.open.close();
    }

    /// How late this connection is evicted, below [`EVICTION_RANKS`]; `None` where it is at work.
    ///
    /// A body comes in a moment unless its sender is slow on purpose, and scripts and streams may
    /// last for ever: a callback must wait for none of them. What is most often the oldest shares
    /// one rank, because the only one of its rank would be evicted as soon as it comes.
    fn eviction_rank(&self) -> Option<u8> {
        match self.phase() {
            Phase::Silent
            | Phase::Heard
            | Phase::Receiving
            | Phase::ReceivingChunks
            | Phase::Waiting
            | Phase::Scripted
            | Phase::Closing => Some(0),
            Phase::Streaming => Some(1),
            Phase::Busy | Phase::Replying | Phase::Refusing | Phase::Handing | Phase::Handed => {
                None
            }
        }
    }
}

#[derive(Debug, Default)]
struct Table {
    last_id: u64,
    slots: BTreeMap<u64, Arc<Slot>>,
    of_peer: HashMap<IpAddr, usize>,
}

impl Table {
    fn remove(&mut self, id: u64) -> Option<Arc<Slot>> {
        let slot = self.slots.remove(&id)?;
        if let Entry::Occupied(mut count) = self.of_peer.entry(slot.peer) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        Some(slot)
    }
}

#[derive(Debug)]
pub(super) struct Connections {
    max: usize,
    max_per_peer: usize,
    table: Mutex<Table>,
    released: Notify,
}

#[derive(Debug)]
pub(super) struct Lease {
    id: u64,
    pub(super) slot: Arc<Slot>,
    connections: Arc<Connections>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        locked(&self.connections.table).remove(self.id);
        self.connections.released.notify_one();
    }
}

impl Connections {
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Connections {
            max: limits.max_connections.max(1),
            max_per_peer: limits.max_per_peer.max(1),
            table: Mutex::default(),
            released: Notify::new(),
        })
    }

    pub(super) fn admit(
        self: &Arc<Self>,
        remote: SocketAddr,
    ) -> (Option<Lease>, Option<SocketAddr>) {
        let peer = peer_of(remote.ip());
        let mut table = locked(&self.table);
        // Loopback has no share, so nothing is counted where a test opens thousands.
        let is_over_share = !peer.is_loopback()
            && table.of_peer.get(&peer).is_some_and(|count| *count >= self.max_per_peer);
        let is_full = table.slots.len() >= self.max;
        let evicted = match (is_over_share, is_full) {
            (true, _) => evict_oldest(&mut table, Some(peer)),
            (false, true) => evict_oldest(&mut table, None),
            (false, false) => None,
        };
        if evicted.is_none() && (is_over_share || is_full) {
            return (None, None);
        }
        table.last_id += 1;
        let id = table.last_id;
        let phase = AtomicU8::new(Phase::Silent as u8);
        let (evicted_now, open) = (Notify::new(), Semaphore::new(0));
        let slot = Arc::new(Slot { remote, peer, phase, evicted: evicted_now, open });
        table.slots.insert(id, Arc::clone(&slot));
        *table.of_peer.entry(peer).or_default() += 1;
        (Some(Lease { id, slot, connections: Arc::clone(self) }), evicted)
    }

    /// Evicts the oldest connection that is not at work, to free its descriptor.
    pub(super) fn evict_one(&self) -> Option<SocketAddr> {
        evict_oldest(&mut locked(&self.table), None)
    }

    pub(super) async fn emptied(&self) {
        while !locked(&self.table).slots.is_empty() {
            self.released.notified().await;
        }
    }
}

fn evict_oldest(table: &mut Table, of: Option<IpAddr>) -> Option<SocketAddr> {
    let is_ours = |slot: &Slot| of.is_none_or(|peer| slot.peer == peer);
    // Most often the first rank has one and the search ends early.
    let oldest = |rank| {
        let found = |slot: &Slot| is_ours(slot) && slot.eviction_rank() == Some(rank);
        table.slots.iter().find(|(_, slot)| found(slot)).map(|(id, _)| *id)
    };
    let id = (0..EVICTION_RANKS).find_map(oldest)?;
    let slot = table.remove(id)?;
    slot.evicted.notify_one();
    Some(slot.remote)
}

/// Who shares one share: an IPv4 address, or an IPv6 network of 64 bits, which one host owns whole.
pub(super) fn peer_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        other => other,
    }
}

/// The value behind a lock; each is whole after every statement, so a panic elsewhere spoils none.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const ACCEPT_ERROR_SPACING: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct AcceptErrors {
    told_at: Option<Instant>,
    untold: u64,
}

impl AcceptErrors {
    pub(super) fn note(&mut self, now: Instant) -> Option<u64> {
        let is_soon = |told: Instant| now.saturating_duration_since(told) < ACCEPT_ERROR_SPACING;
        if self.told_at.is_some_and(is_soon) {
            self.untold += 1;
            return None;
        }
        self.told_at = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_has_its_number() {
        for (number, phase) in (0_u8..).zip(PHASES) {
            assert_eq!(phase as u8, number);
        }
    }

    #[test]
    fn a_newcomer_is_not_evicted_for_the_next_one() {
        let limits = Limits { max_connections: 3, ..Limits::default() };
        let table = Connections::new(&limits);
        let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let phases = [Phase::Streaming, Phase::Receiving, Phase::Scripted];
        let leases: Vec<_> = (1..=3).map(|port| table.admit(at(port)).0.unwrap()).collect();
        for (lease, phase) in leases.iter().zip(phases) {
            lease.slot.set(phase);
        }
        let (mut newcomers, mut evicted) = (vec![], vec![]);
        for port in 4..=6 {
            let (lease, gone) = table.admit(at(port));
            newcomers.push(lease);
            evicted.extend(gone);
        }
        assert_eq!(evicted, [at(2), at(3), at(4)]);
        for lease in newcomers.iter().flatten() {
            lease.slot.set(Phase::Busy);
        }
        assert_eq!(table.admit(at(7)).1, Some(at(1)));
    }

    #[test]
    fn a_peer_over_its_share_pays_itself() {
        let limits = Limits { max_connections: 3, max_per_peer: 1, ..Limits::default() };
        let table = Connections::new(&limits);
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (other, _) = table.admit(at("192.0.2.1:1"));
        let (greedy, _) = table.admit(at("[2001:db8::1]:1"));
        let (next, evicted) = table.admit(at("[2001:db8::2]:2"));
        assert_eq!(evicted, Some(at("[2001:db8::1]:1")));
        next.as_ref().unwrap().slot.set(Phase::Busy);
        assert!(table.admit(at("[2001:db8::3]:3")).0.is_none());
        drop((greedy, next, other));
        assert!(locked(&table.table).slots.is_empty());
        assert!(locked(&table.table).of_peer.is_empty());
        let here: Vec<_> = (1..=3).map(|port| table.admit(([127, 0, 0, 1], port).into())).collect();
        assert!(here.iter().all(|(lease, evicted)| lease.is_some() && evicted.is_none()));
    }
}
