//! The receiver: takes callbacks from the network within limits and replies to them.
//!
//! What a callback means is decided in `verdict`, purely; the server hands each one, received
//! whole, to a handler and writes the reply that the handler gives back.

pub mod answer;
pub mod callback;
mod connections;
pub mod event;
pub mod forward;
mod framing;
mod guarded_io;
pub mod inbox;
pub mod inspector;
pub mod limits;
pub mod orders;
pub mod program;
mod recent;
pub mod referee;
pub mod reply;
pub mod server;
#[cfg(test)]
mod server_tests;
pub mod tls;
pub mod verdict;

pub use server::Bytes;
