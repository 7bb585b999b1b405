//! Quantities as people write them: shares, rates, factors, durations, statuses.

pub mod duration;
pub mod factor;
pub mod percent;
pub mod rate;
pub mod status_word;
