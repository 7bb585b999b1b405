//! The sender: when a notification is sent, and what follows from its reply.
//!
//! [`schedule`], [`jitter`] and [`decide`] are pure; [`engine`] drives them for one order and [`fleet`] for many,
//! with a clock and a transport, and both report events. The [`journal`] lets a run continue after a
//! crash.

pub mod decide;
pub mod engine;
pub mod fleet;
pub mod jitter;
pub mod journal;
pub mod orders;
pub mod pace;
pub mod record;
pub mod schedule;
