//! Quantities as people write them: shares, factors, durations.

pub mod duration;
pub mod factor;
pub mod percent;
