//! The sender: when a notification is sent, and what follows from its reply.
//!
//! [`schedule`], [`jitter`] and [`decide`] are pure. The [`engine`] drives them with a clock and a
//! transport, for one order and for many, and reports events. The [`journal`] lets a run continue
//! after a crash.

pub mod decide;
pub mod engine;
pub mod jitter;
pub mod journal;
pub mod judge;
pub mod orders;
pub mod pace;
pub mod record;
pub mod retry_after;
pub mod schedule;
