//! The inbox: every callback that came, kept durably before it is acknowledged.

pub mod entry;
