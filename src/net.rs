//! The one door to the network: targets, TLS, proxies, and how a request travels.

mod go_ahead;
pub mod http;
pub mod outcome;
pub mod probing;
pub mod proxy;
pub mod tls;
pub mod transport;
mod wire;
mod wire_failure;
pub mod wire_settings;
