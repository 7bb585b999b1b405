//! Values to text: pure, no printing.

pub mod batch;
pub mod callback;
pub mod check;
pub mod comparison;
pub mod curl;
pub mod delivery;
pub mod diagnosis;
pub mod dialects;
pub mod drawing;
pub mod explanation;
pub mod figures;
pub mod forwarding;
pub mod gates;
pub mod inbox;
pub mod json;
mod junit;
pub mod learned;
pub mod line;
pub mod listening;
mod phases;
pub mod progress;
pub mod redact;
pub mod referee;
pub mod rows;
pub mod summary;
pub mod target;
pub mod text;
pub mod timeline;
pub mod verification;

#[cfg(fuzzing)]
pub use summary::markup::escaped;
