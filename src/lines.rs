//! Lines of payloads as people have them: a bare payload or one of our own records, and where a line is wrong.

pub mod error;
pub mod recorded;
