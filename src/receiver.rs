//! The receiver: takes callbacks from the network within limits and replies to them.
//!
//! The server hands each callback, received whole, to the pipeline and writes the reply that it gives
//! back; what a callback means is decided in `verify`, purely.

pub mod broadcast;
pub mod callback;
pub mod delivery_counter;
pub mod events;
#[cfg(test)]
pub mod example;
pub mod forward;
pub mod inbox;
mod lru_map;
pub mod pipeline;
pub mod received;
pub mod referee;
pub mod replies;
pub mod reply;
pub mod server;
pub mod verify;

pub use callback::Bytes;
