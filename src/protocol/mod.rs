//! The protocol: payloads, schemes, signatures, acknowledgements. Pure: no I/O, no clock, no printing.

pub mod acknowledgement;
// Of use to a program that reads many lines only.
#[cfg(feature = "cli")]
pub mod bad_line;
mod bytes;
pub mod canonical;
#[cfg(feature = "diagnosis")]
pub mod diagnosis;
pub mod dialect;
#[cfg(feature = "dialect-files")]
pub mod dialect_file;
mod digest_notation;
// Of use to a program that writes payloads only.
#[cfg(feature = "cli")]
pub mod documented;
pub mod edit;
pub mod finding;
pub mod form;
pub mod key;
// Of use to what shows texts only.
#[cfg(feature = "cli")]
pub mod mask;
pub mod nearest;
pub mod notification;
pub mod payload;
pub mod platform_code;
// Of use to a program that reads its own output only.
#[cfg(feature = "cli")]
pub mod recorded;
mod scan;
pub mod scheme;
pub mod signature;
pub mod status;
pub mod weakness;
