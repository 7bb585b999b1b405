//! Conformance of a merchant's endpoint: cases as data, a runner, and what came of them.

pub mod case;
pub mod case_file;
pub mod recipe;
pub mod report;
pub mod suite;
