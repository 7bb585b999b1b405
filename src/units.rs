//! Quantities as people write them: shares, rates, factors, durations.

pub mod duration;
pub mod factor;
pub mod percent;
pub mod rate;
