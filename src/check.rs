//! Conformance of a merchant's endpoint: cases as data, a runner, and what came of them.
//!
//! A [`suite`] of [`case`]s and a [`plan`] go into the [`runner`], and a [`report`] comes out. A
//! known-good control frames every group: an endpoint that refuses it is never called secure.

mod books;
pub mod bundle;
pub mod case;
pub mod case_file;
pub mod causes;
mod control;
pub mod demand;
mod effect;
pub mod explore;
pub mod fault;
mod judge;
pub mod observer;
pub mod order_file;
mod pace;
pub mod plan;
pub mod prepare;
pub mod probe;
pub mod recipe;
mod refusal;
pub mod replay;
pub mod report;
mod retry;
pub mod runner;
pub mod sender;
pub mod suite;
mod tested;
pub mod trial;
