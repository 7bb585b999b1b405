//! The receiver: takes callbacks from the network within limits and replies to them.
//!
//! What a callback means is decided in `verify`, purely; the server hands each one, received
//! whole, to a handler and writes the reply that the handler gives back.

pub mod broadcast;
pub mod callback;
pub mod delivery_counter;
#[cfg(test)]
pub mod example;
pub mod forward;
pub mod inbox;
mod lru_map;
pub mod referee;
pub mod replies;
pub mod reply;
pub mod server;
pub mod verify;

pub use callback::Bytes;
