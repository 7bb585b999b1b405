//! What one server allows its clients.

use std::time::Duration;

/// A day: what is added to the present must not overflow.
pub(super) const LONGEST_TIME: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The time for a whole header, and for the silence before it on a kept connection; 10 s, at
    /// most a day.
    pub header_timeout: Duration,
    /// The most header lines; 64, never more than 1024. More are answered with 431.
    pub max_headers: usize,
    /// The most bytes of a header; 16 KiB, never less than 8 KiB. More are answered with 431.
    pub max_header_bytes: usize,
    /// The most bytes of one body; 1 MiB. More are answered with 413.
    pub max_body_bytes: usize,
    /// The most bytes of all bodies in memory, handlers included; 64 MiB. More get a 503.
    pub max_pending_bytes: usize,
    /// The time for a whole body; 10 s. A slower one is answered with 408.
    pub body_timeout: Duration,
    /// The time in which a reply must leave, once the client stops taking it; 10 s.
    pub write_timeout: Duration,
    /// The most connections; 1024.
    pub max_connections: usize,
    /// The most connections of one peer; 256. Loopback may use them all.
    pub max_per_peer: usize,
    /// The time for requests in flight after the first shutdown signal; 2 s.
    pub drain: Duration,
    /// How long a refused client may continue to send before its socket is closed; 1 s. A socket
    /// closed with unread bytes is reset, and a reset can overtake the refusal.
    pub linger: Duration,
    /// The pause after the system refused a new connection; 100 ms.
    pub accept_pause: Duration,
    /// Whether a client is answered that ended its own side of the connection; it is. One that left
    /// looks the same, so where it is not, handlers learn of those that leave.
    pub answers_half_closed: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            header_timeout: Duration::from_secs(10),
            max_headers: 64,
            max_header_bytes: 16 * 1024,
            max_body_bytes: 1024 * 1024,
            max_pending_bytes: 64 * 1024 * 1024,
            body_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            max_connections: 1024,
            max_per_peer: 256,
            drain: Duration::from_secs(2),
            linger: Duration::from_secs(1),
            accept_pause: Duration::from_millis(100),
            answers_half_closed: true,
        }
    }
}
