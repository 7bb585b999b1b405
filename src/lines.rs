//! Lines of payloads: read in bounded memory, a bare payload or one of our own records, and where a line is wrong.

pub mod error;
pub mod reader;
pub mod recorded;
