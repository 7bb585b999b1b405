//! The sender: when a notification is sent, and what follows from its reply.
//!
//! [`schedule`], [`jitter`] and [`decide`] are pure; [`engine`] drives them for one order and [`fleet`] for many,
//! with a clock and a transport, and both report events. The [`journal`] lets a run continue after a
//! crash.

pub mod decide;
pub mod decide;
pub mod decide;
pub mod decide;
pub mod engine;
pub mod example;
pub mod fleet;
pub mod jitter;
pub mod journal;
pub mod mix;
pub mod order_file;
pub mod order_ids;
pub mod order_pipe;
pub mod orders;
pub mod pace;
pub mod record;
pub mod schedule;
pub mod template;
