//! The sender: when a notification is sent, what came of it, and what follows.
//!
//! [`schedule`], [`jitter`] and [`outcome`] are pure; [`engine`] drives them for one order and
//! [`fleet`] for many, with a clock and a transport, and both tell what happens as events. [`http`]
//! knows how a request travels, with the manners of [`wire_settings`] and the trust of [`tls`]. The
//! [`journal`] lets a run go on after a crash.

pub mod engine;
pub mod example;
pub mod fleet;
mod go_ahead;
pub mod http;
pub mod jitter;
pub mod journal;
pub mod mix;
pub mod order_file;
pub mod order_ids;
pub mod order_pipe;
pub mod orders;
pub mod outcome;
pub mod pace;
pub mod probing;
pub mod proxy;
pub mod record;
pub mod schedule;
pub mod template;
pub mod tls;
pub mod transport;
mod wire;
mod wire_failure;
pub mod wire_settings;
