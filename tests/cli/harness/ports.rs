//! Ports for programs that cannot say which one they took.

use std::net::TcpListener;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// How many ports a test process has to itself.
const BLOCK: u16 = 100;

/// A port that nothing listens on: below those that the system gives away by itself, and not used by
/// another test process, whose programs would be taken for this one's.
pub(crate) fn free_port() -> u16 {
    static FIRST: OnceLock<(u16, TcpListener)> = OnceLock::new();
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let (first, _) = FIRST.get_or_init(take_block);
    loop {
        let port = first + 1 + NEXT.fetch_add(1, Ordering::Relaxed) % (BLOCK - 1);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Takes a block of ports; who listens on its first one has it.
fn take_block() -> (u16, TcpListener) {
    let start = (std::process::id() % 100) as u16;
    let blocks = (0..100).map(|index| 20_000 + (start + index) % 100 * BLOCK);
    let mut taken =
        blocks.filter_map(|first| Some((first, TcpListener::bind(("127.0.0.1", first)).ok()?)));
    taken.next().expect("a block of ports")
}
