//! Quantities as people write them: shares, rates, factors, durations.

pub mod percent;
