//! The protocol: payloads, schemes, signatures, acknowledgements. Pure: no I/O, no clock, no printing.

pub mod acknowledgement;
mod bytes;
pub mod canonical;
pub mod diagnosis;
pub mod dialect;
pub mod dialect_file;
pub mod edit;
pub mod finding;
pub mod form;
pub mod key;
pub mod nearest;
pub mod notification;
pub mod payload;
pub mod recorded;
mod scan;
pub mod scheme;
pub mod signature;
pub mod status;
pub mod weakness;
