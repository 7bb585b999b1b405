//! Conformance of a merchant's endpoint: cases as data, a runner, and what came of them.

pub mod case;
pub mod recipe;
pub mod report;
