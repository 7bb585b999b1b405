//! Values to text: pure, no printing.

pub mod line;
