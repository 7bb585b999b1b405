//! The one door to the network: targets, proxies, TLS, and how a request travels.
//!
//! [`client::Client`] sends; behind it are a thin connection for whatever goes to the endpoint
//! directly and a library for whatever passes a proxy. Target, proxy rule, TLS, look-up, failure
//! kinds and their texts exist once.

pub mod client;
mod failure;
pub mod options;
pub mod outcome;
pub mod phases;
pub mod probing;
pub mod proxy;
pub mod resolve;
pub mod target;
pub mod tls;
pub mod trace;
pub mod transport;
